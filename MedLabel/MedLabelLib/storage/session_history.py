"""What a session tells of a volume's past: its steps, earlier states, and who set which slice."""

from __future__ import annotations

from ..model.errors import NotFoundError
from ..model.planes import Plane
from .journal.entries import BASE, STEP_KINDS, Entry
from .journal.errors import JournalDamagedError
from .journal.marks import Mark
from .journal.state import VolumeState
from .opening import Opened
from .set_slices import SetSlices, set_slices
from .steps import HistoryEntry, SliceOrigin

ENTRIES_KEPT = 2000


class SessionHistory:
    """Reads the journal for one session, whose lock its callers hold. Without a journal it is empty."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._journal = opened.journal
        self._entries: dict[int, Entry | None] = {}
        self._marks: dict[int, list[Mark]] = {}

    @property
    def _state(self) -> VolumeState:
        return self._opened.state

    def note(self, entry: Entry) -> None:
        self._keep(entry.seq, entry)

    def entry(self, seq: int) -> Entry | None:
        if seq not in self._entries:
            self._keep(seq, None if self._journal is None else self._journal.entry(seq))
        return self._entries[seq]

    def _keep(self, seq: int, entry: Entry | None) -> None:
        # the oldest goes, so that a day of edits takes no more memory than an hour of them
        if len(self._entries) >= ENTRIES_KEPT:
            del self._entries[next(iter(self._entries))]
        self._entries[seq] = entry

    def name_of_last(self, steps: list[int]) -> str | None:
        """The name of the last of these steps; None when there is none, or it was pruned."""
        if not steps or steps[-1] <= self._state.pruned:
            return None
        entry = self.entry(steps[-1])
        return None if entry is None else entry.name

    def steps(self, before: int | None = None, count: int | None = None) -> list[HistoryEntry]:
        """The newest ``count`` steps before an entry, oldest first, those that were undone included."""
        if self._journal is None:
            return []
        done = set(self._state.done)
        last = self._state.done[-1] if done else 0
        kinds = (BASE, *STEP_KINDS)
        return [
            HistoryEntry(
                entry.seq, entry.name, entry.tool, entry.author, entry.when, entry.face,
                entry.kind in STEP_KINDS and entry.seq not in done,
                entry.seq == last or (entry.kind == BASE and not done),
            )
            for entry in self._journal.newest_of_kinds(self._opened.volume_id, kinds, before, count)
        ]  # fmt: skip

    def state_at(self, seq: int) -> VolumeState:
        """The state after an entry of this volume.

        Raises NotFoundError for another volume's, JournalDamagedError when the state cannot be had.
        """
        known = self.entry(seq)
        if known is None or known.volume != self._opened.volume_id:
            raise NotFoundError(f"entry {seq} is none of this volume's")
        loaded = self._journal.load(self._opened.volume_id, seq)
        if loaded is None or loaded.state.seq != seq:
            why = "; ".join(loaded.lost) if loaded else "it was pruned"
            raise JournalDamagedError(f"the state at entry {seq} cannot be had: {why}")
        return loaded.state

    def provenance(self, object_key: str, plane: Plane) -> dict[int, SliceOrigin]:
        """For each slice of a plane on which an object was set: how, and by whom last."""
        slices = self._state.provenance.get(object_key, ({}, {}, {}))[plane.axis]
        origins = {seq: self.entry(seq) for seq in set(slices.values())}
        return {
            index: SliceOrigin(
                entry.kind_on(object_key, plane.axis, index), entry.model, entry.author, entry.when, seq
            )
            for index, seq in sorted(slices.items())
            if (entry := origins[seq]) is not None
        }

    def set_slices(self, object_key: str) -> list[SetSlices]:
        """How an object's mask came about: the slices that each step in effect set, oldest first."""
        done = self._state.done
        if self._journal is not None:
            self._marks.update(self._journal.marks_of([seq for seq in done if seq not in self._marks]))
        return set_slices(object_key, self._state.provenance, done, self._marks, self.entry)
