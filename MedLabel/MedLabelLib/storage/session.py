"""One volume open for editing: named steps, undo and redo, and what is saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..model.annotation import Annotation
from ..model.edits import Change, Operation, apply, changes_of, invert
from ..model.errors import MedLabelError
from .edit import Edit

Listener = Callable[[list[Change]], None]


class ReadOnlyError(MedLabelError):
    """The volume is open to be looked at only; the message says why."""


@dataclass(frozen=True)
class Step:
    """One undo step: the number of its entry in the history, and its name."""

    id: int
    name: str


@dataclass(frozen=True)
class HistoryEntry:
    """One step of a volume's history. ``when`` is in UTC; ``undone`` says that it is not in effect now."""

    id: int
    name: str
    tool: str
    author: str
    when: datetime
    face: str
    undone: bool


@dataclass(frozen=True)
class SavedState:
    """What the user is told about saving: ``saved``, ``saving`` or ``not saved``, since when, and why not."""

    state: str
    at: datetime | None
    reason: str = ""


@dataclass
class _Done:
    entry: HistoryEntry
    operations: list[Operation]


class VolumeSession:
    """A volume open for editing. Callers read :attr:`annotation` and change it through :meth:`edit` only.

    Safe to use from several threads; listeners are called on the thread that edits.
    """

    def __init__(self, volume: Any, author: str, face: str, read_only: bool = False) -> None:
        self.volume = volume
        self.author = author
        self.face = face
        self.read_only = read_only
        self.read_only_reason = "it was opened to be looked at only" if read_only else ""
        self.annotation: Annotation = volume.read_annotation()
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._done: list[_Done] = []
        self._undone: list[_Done] = []
        self._dropped: list[_Done] = []
        self._edit_ids: set[str] = set()
        self._saved = SavedState("saved", None)

    @classmethod
    def open(cls, volume: Any, author: str, face: str, read_only: bool = False) -> VolumeSession:
        """Open ``volume`` (of a Project). ``face`` is ``browser``, ``desktop`` or ``command``."""
        return cls(volume, author, face, read_only)

    def __enter__(self) -> VolumeSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- editing -----------------------------------------------------------------------------------------

    @contextmanager
    def edit(self, name: str, tool: str = "", edit_id: str | None = None) -> Iterator[Edit]:
        """One undo step, made of what the block does; when the block raises, nothing of it is applied.

        ``edit_id`` names the step for the one who sends it: when a step of this id is there already, the
        block's changes are ignored (``edit.repeated`` is then true). A block that changes nothing leaves
        no step. Raises ReadOnlyError where the volume may not be edited.
        """
        with self._lock:
            self._check_writable()
            edit = Edit(self.annotation, repeated=edit_id is not None and edit_id in self._edit_ids)
            try:
                yield edit
            except BaseException:
                edit.take_back()
                raise
            operations = edit.close()
            if not operations:
                return
            entry = HistoryEntry(
                len(self._done) + len(self._undone) + len(self._dropped) + 1,
                name,
                tool,
                self.author,
                datetime.now(timezone.utc),
                self.face,
                False,
            )
            self._dropped += self._undone
            self._undone.clear()
            self._done.append(_Done(entry, operations))
            if edit_id is not None:
                self._edit_ids.add(edit_id)
            self._saved = SavedState("not saved", self._saved.at)
        self._tell(operations)

    def undo(self) -> Step | None:
        """Take the last step back; None when there is none."""
        return self._move(self._done, self._undone, invert)

    def redo(self) -> Step | None:
        """Do the step again that was undone last; None when there is none."""
        return self._move(self._undone, self._done, list)

    @property
    def can_undo(self) -> str | None:
        """The name of the step that undo would take back, or None."""
        return self._done[-1].entry.name if self._done and not self.read_only else None

    @property
    def can_redo(self) -> str | None:
        """The name of the step that redo would do again, or None."""
        return self._undone[-1].entry.name if self._undone and not self.read_only else None

    def history(self) -> list[HistoryEntry]:
        """All steps, oldest first, those that were undone included."""
        with self._lock:
            done = [step.entry for step in self._done]
            undone = [
                HistoryEntry(**{**vars(step.entry), "undone": True})
                for step in [*self._undone, *self._dropped]
            ]
            return sorted([*done, *undone], key=lambda entry: entry.id)

    # -- telling -----------------------------------------------------------------------------------------

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call ``callback`` with the changes of every step, undo and redo; the result stops that."""
        self._listeners.append(callback)

        def remove() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return remove

    # -- saving ------------------------------------------------------------------------------------------

    @property
    def saved(self) -> SavedState:
        return self._saved

    def save(self) -> None:
        """Write the volume's files. Raises ProjectError when they cannot be written; the edits stay."""
        with self._lock:
            if self.read_only:
                return
            self._saved = SavedState("saving", self._saved.at)
            try:
                self.volume.write_annotation(self.annotation)
            except MedLabelError as error:
                self._saved = SavedState("not saved", self._saved.at, error.reason)
                raise
            self._saved = SavedState("saved", datetime.now(timezone.utc))

    def close(self) -> None:
        """Save what is not saved, and let the volume go."""
        if self._saved.state != "saved":
            self.save()

    # -- inside ------------------------------------------------------------------------------------------

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError(f"the volume cannot be edited: {self.read_only_reason}")

    def _move(self, source: list[_Done], target: list[_Done], turn: Callable) -> Step | None:
        with self._lock:
            self._check_writable()
            if not source:
                return None
            operations = turn(source[-1].operations)
            apply(self.annotation, operations)
            target.append(source.pop())
            entry = target[-1].entry
            self._saved = SavedState("not saved", self._saved.at)
        self._tell(operations)
        return Step(entry.id, entry.name)

    def _tell(self, operations: list[Operation]) -> None:
        changes = changes_of(operations)
        for callback in list(self._listeners):
            callback(changes)
