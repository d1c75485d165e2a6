"""One volume open for editing: named steps, undo and redo that survive, and what is saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..model.annotation import Annotation
from ..model.edits import Change, Operation, RecordOp, apply, changes_of, difference, invert
from ..model.errors import AnnotationError, MedLabelError
from ..model.planes import Plane
from .edit import Edit
from .journal.entries import Entry, NewEntry
from .journal.errors import JournalDamagedError, JournalError, TakenOverError
from .journal.journal import encode_entry
from .journal.state import VolumeState
from .opening import FIRST_ENTRY, open_volume
from .provenance import ObjectProvenance, object_provenance
from .saving import CHECKPOINT_AT_CLOSE, Saving
from .session_history import SessionHistory
from .set_slices import SetSlices
from .steps import HistoryEntry, ReadOnlyError, SavedState, SliceOrigin, Step
from .volume import Volume

Listener = Callable[[list[Change]], None]

REST_SECONDS = 2.0
CLOSED = "it was closed"


class VolumeSession:
    """A volume open for editing. Callers read :attr:`annotation` and change it through :meth:`edit` only.

    Safe to use from several threads; listeners are called on the thread that edits. ``notes`` are
    sentences for the user about what opening found: files taken in or written anew, entries lost.
    """

    def __init__(
        self,
        volume: Volume,
        author: str,
        face: str,
        read_only: bool = False,
        take_over: bool = False,
        rest_seconds: float = REST_SECONDS,
        first_entry: str = FIRST_ENTRY,
    ) -> None:
        self.volume = volume
        self.author = author
        self.face = face
        self._opened = open_volume(volume, author, face, read_only, take_over, first_entry)
        self._journal = self._opened.journal
        self._state: VolumeState = self._opened.state
        self.read_only_reason = self._opened.read_only_reason
        self._held_elsewhere = self._opened.is_held
        self.notes = list(self._opened.notes)
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._closed = False
        self._history = SessionHistory(self._opened)
        try:
            self._saving = Saving(volume, self._opened, self._lock, rest_seconds)
        except MedLabelError:
            self._let_go()
            raise

    @classmethod
    def open(
        cls,
        volume: Volume,
        author: str,
        face: str,
        read_only: bool = False,
        take_over: bool = False,
        rest_seconds: float = REST_SECONDS,
        first_entry: str = FIRST_ENTRY,
    ) -> VolumeSession:
        """Open a volume of a project. ``face`` is ``browser``, ``desktop`` or ``command``.

        When another living session edits the volume, it opens read-only and :attr:`read_only_reason`
        names who has it, unless ``take_over`` is set: the other then finds out at its next edit.
        ``first_entry`` names the journal's first entry of a volume that it has not met before.
        """
        return cls(volume, author, face, read_only, take_over, rest_seconds, first_entry)

    def __enter__(self) -> VolumeSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def annotation(self) -> Annotation:
        return self._state.annotation

    @property
    def volume_id(self) -> str:
        """What the journal knows the volume by; empty where there is no journal."""
        return self._opened.volume_id

    @property
    def read_only(self) -> bool:
        return bool(self.read_only_reason)

    @property
    def can_take_over(self) -> bool:
        """Whether the volume is read-only only because another session has it."""
        return self.read_only and self._held_elsewhere

    # -- editing -----------------------------------------------------------------------------------------

    @contextmanager
    def edit(self, name: str, tool: str = "", edit_id: str | None = None) -> Iterator[Edit]:
        """One undo step, made of what the block does; when the block raises, nothing of it is applied.

        ``edit_id`` names the step for the one who sends it: when a step of this id is there already, the
        block's changes are ignored (``edit.repeated`` is then true). A block that changes nothing leaves
        no step. When the block has ended, the step is on the disk.

        Raises
        ------
        ReadOnlyError, TakenOverError
            where the volume may not be edited, or another session has it now.
        JournalError
            when the step cannot be written; the labels are then as before it.
        """
        with self._lock:
            self._check_writable()
            repeated = edit_id is not None and self._is_known(edit_id)
            edit = Edit(self.annotation, repeated)
            try:
                yield edit
                operations = edit.close()
                self._check_classes(operations)
                if operations:
                    new = NewEntry(
                        self._opened.volume_id, "edit", name, self.author, self.face, tool,
                        provenance=edit.kind, model=edit.model, edit_id=edit_id, detail=edit.detail,
                    )  # fmt: skip
                    self._append(new, operations)
            except BaseException:
                edit.take_back()
                raise
        if operations:
            self._tell(operations)

    def undo(self) -> Step | None:
        """Take the last step back; None when there is none."""
        return self._move("undo")

    def redo(self) -> Step | None:
        """Do the step again that was undone last; None when there is none."""
        return self._move("redo")

    @property
    def can_undo(self) -> str | None:
        """The name of the step that undo would take back, or None."""
        with self._lock:
            return None if self.read_only else self._history.name_of_last(self._state.done)

    @property
    def can_redo(self) -> str | None:
        """The name of the step that redo would do again, or None."""
        with self._lock:
            return None if self.read_only else self._history.name_of_last(self._state.undone)

    @property
    def last_step(self) -> int:
        """The number of the newest step that is in effect; 0 when there is none."""
        return self._state.done[-1] if self._state.done else 0

    @contextmanager
    def reading(self) -> Iterator[Annotation]:
        """The labels, which no other thread edits meanwhile."""
        with self._lock:
            yield self.annotation

    @property
    def newest_entry(self) -> int:
        """The number of the newest entry, undos and redos included: it tells whether anything changed."""
        return self._state.seq

    # -- history -----------------------------------------------------------------------------------------

    def history(self, before: int | None = None, count: int | None = None) -> list[HistoryEntry]:
        """The steps since the journal met the volume, oldest first, those that were undone included.

        ``count`` asks for the newest so many, ``before`` for those that are older than an entry.
        """
        with self._lock:
            return self._history.steps(before, count)

    def preview(self, entry: int) -> Annotation:
        """The labels as they were after an entry of this volume; nothing is changed.

        Raises NotFoundError for another volume's entry, JournalDamagedError when the state cannot be had.
        """
        with self._lock:
            return self._history.state_at(entry).annotation

    def restore(self, entry: int) -> Step | None:
        """Make the labels what they were after an entry, as a step of its own; None when they are already."""
        with self._lock:
            source = self._history.state_at(entry)
        return self._restore(source, source.annotation, entry, "")

    def restore_object(self, object_key: str, entry: int) -> Step | None:
        """Bring one object with its figures back as it was after an entry, as a step of its own."""
        with self._lock:
            source = self._history.state_at(entry)
            wanted = self.annotation.with_object_of(source.annotation, object_key)
        name = source.annotation.object(object_key).class_name
        return self._restore(source, wanted, entry, f"{name} ")

    def provenance(self, object_key: str, plane: Plane = Plane.AXIAL) -> dict[int, SliceOrigin]:
        """For each slice of a plane on which an object was set: how, and by whom last."""
        with self._lock:
            return self._history.provenance(object_key, plane)

    def object_provenance(self, object_key: str, plane: Plane = Plane.AXIAL) -> ObjectProvenance:
        """The same for the whole object, in ranges of slices that were set in the same way by the same."""
        with self._lock:
            return object_provenance(self._state, object_key, plane, self._history.entry)

    def last_change(self, object_key: str) -> int:
        """The number of the entry that changed an object last; 0 when the journal does not know it."""
        return self._state.updated.get(object_key, 0)

    def set_slices(self, object_key: str) -> list[SetSlices]:
        """How an object's mask came about: the slices that each step in effect set, oldest first."""
        with self._lock:
            return self._history.set_slices(object_key)

    def record(self, kind: str, name: str) -> str:
        """Journal something that happens to the volume and changes no label; returns the volume's id."""
        with self._lock:
            self._check_writable()
            self._append(NewEntry(self._opened.volume_id, kind, name, self.author, self.face), [])
        return self._opened.volume_id

    def prune(self, until: int) -> int:
        """Forget for good what the volume's entries up to ``until`` changed; returns how many there were.

        Who changed what and when stays, and the chain of hashes. Undo, preview and restore do not reach
        behind it any more.
        """
        with self._lock:
            self._check_writable()
            name = f"Prune history up to entry {until}"
            new = NewEntry(self._opened.volume_id, "prune", name, self.author, self.face, target=until)
            self._append(new, [])
            return self._journal.prune(self._opened.volume_id, until, self._state)

    # -- telling -----------------------------------------------------------------------------------------

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call ``callback`` with the changes of every step, undo and redo; the result stops that."""
        self._listeners.append(callback)

        def remove() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return remove

    # -- who has the volume --------------------------------------------------------------------------------

    def notice_takeover(self) -> bool:
        """Look whether another session has taken the volume; :attr:`read_only_reason` then says who.

        Whether that was found just now. It costs a query of the journal, so that a face may ask each second.
        """
        with self._lock:
            if self.read_only or self._closed:
                return False
            try:
                self._journal.check_lease(self._opened.volume_id, self._opened.token)
            except TakenOverError as error:
                self._lose_to(error)
                return True
            except JournalError:
                # busy or not to be reached just now: the next edit says so
                return False
        return False

    # -- saving ------------------------------------------------------------------------------------------

    @property
    def saved(self) -> SavedState:
        return self._saving.state

    def save(self) -> None:
        """Write the volume's files now. Raises ProjectError or JournalError; the edits stay saved."""
        self.flush()

    def save_soon(self) -> None:
        """Have the volume's files written at once, without waiting; :attr:`saved` says why they are not."""
        if not self.read_only and not self._closed:
            self._saving.hurry()

    def flush(self) -> None:
        """Write the files that do not show the newest state yet."""
        if not self.read_only and not self._closed and self._saving.behind:
            self._saving.flush()

    def close(self) -> None:
        """Write the files, and let the volume go. What cannot be written is still in the journal."""
        if self._closed:
            return
        self._saving.stop()
        try:
            self.flush()
            if not self.read_only and self._state.since_checkpoint >= CHECKPOINT_AT_CLOSE:
                self._saving.checkpoint()
        finally:
            with self._lock:
                self._closed = True
                self.read_only_reason = self.read_only_reason or CLOSED
                self._let_go()

    # -- inside ------------------------------------------------------------------------------------------

    def _let_go(self) -> None:
        if self._journal is None:
            return
        try:
            if not self._opened.read_only_reason:
                self._journal.let_go(self._opened.volume_id, self._opened.token)
        finally:
            self._journal.close()

    def _lose_to(self, error: TakenOverError) -> None:
        self.read_only_reason = error.reason
        self._held_elsewhere = True

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError(f"the volume cannot be edited: {self.read_only_reason}")

    def _check_classes(self, operations: Sequence[Operation]) -> None:
        definitions = self.volume.dataset.project.definitions
        for operation in operations:
            if isinstance(operation, RecordOp) and operation.target == "object" and operation.after:
                name = operation.after["class_name"]
                if not definitions.has_class(name):
                    raise AnnotationError(f"the class {name!r} is not defined in the project")

    def _is_known(self, edit_id: str) -> bool:
        with self._saving.committing():
            return self._journal.entry_of_edit(self._opened.volume_id, edit_id) is not None

    def _append(self, new: NewEntry, operations: list[Operation], source: VolumeState | None = None) -> Entry:
        """Write an entry whose operations the annotation has got already; the caller takes them back."""
        try:
            with self._saving.committing():
                moving = new.kind in ("undo", "redo")
                if not moving:
                    ops, marks = encode_entry(operations, self._state, source)
                    new = replace(new, ops=ops)
                entry = self._journal.append(new, self._state.seq, self._opened.token)
                if moving:
                    marks = self._journal.operations_of(entry)[1]
        except TakenOverError as error:
            self._lose_to(error)
            raise
        self._history.note(entry)
        self._state.note(entry, operations, [mark.owned(entry.seq) for mark in marks])
        self._saving.note(entry, operations)
        return entry

    def _move(self, kind: str) -> Step | None:
        with self._lock:
            self._check_writable()
            steps = self._state.done if kind == "undo" else self._state.undone
            if not steps or steps[-1] <= self._state.pruned:
                return None
            step = self._history.entry(steps[-1])
            if step is None:
                raise JournalDamagedError(f"entry {steps[-1]} is missing from the journal")
            operations, _ = self._journal.operations_of(step)
            if kind == "undo":
                operations = invert(operations)
            self._check_classes(operations)
            apply(self.annotation, operations)
            new = NewEntry(self._opened.volume_id, kind, step.name, self.author, self.face, target=step.seq)
            try:
                self._append(new, operations)
            except BaseException:
                apply(self.annotation, invert(operations))
                raise
        self._tell(operations)
        return Step(step.seq, step.name)

    def _restore(self, source: VolumeState, wanted: Annotation, entry: int, what: str) -> Step | None:
        with self._lock:
            self._check_writable()
            operations = difference(self.annotation, wanted)
            if not operations:
                return None
            self._check_classes(operations)
            name = f"Restore {what}to “{self._history.entry(entry).name}” ({entry})"
            new = NewEntry(self._opened.volume_id, "restore", name, self.author, self.face, target=entry)
            apply(self.annotation, operations)
            try:
                made = self._append(new, operations, source)
            except BaseException:
                apply(self.annotation, invert(operations))
                raise
        self._tell(operations)
        return Step(made.seq, made.name)

    def _tell(self, operations: list[Operation]) -> None:
        changes = changes_of(operations)
        for callback in list(self._listeners):
            callback(changes)
