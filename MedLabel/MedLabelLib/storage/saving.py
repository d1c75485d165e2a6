"""What of a session is on the disk: what the user is told of it, the files that follow, checkpoints."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone

from ..model.edits import Operation
from ..model.errors import MedLabelError
from .journal.entries import Entry
from .opening import Opened
from .resting import RestingWriter
from .steps import SavedState
from .volume import Volume
from .volume_files import VolumeFiles

# a checkpoint after so many entries bounds what an opening has to replay
CHECKPOINT_EVERY = 200
CHECKPOINT_AT_CLOSE = 50


class Saving:
    """Keeps a session's files behind its journal, on a thread of its own once editing rests.

    The session's ``lock`` is held only to look at what has changed; encoding and writing go on beside
    further edits.
    """

    def __init__(self, volume: Volume, opened: Opened, lock: threading.RLock, rest_seconds: float) -> None:
        self.state = SavedState("saved", None)
        self._opened = opened
        self._lock = lock
        self._files = VolumeFiles(volume, opened, volume.geometry(), lock)
        self._flushing = threading.Lock()
        self._writer = RestingWriter(self._follow, rest_seconds)
        if self._files.behind and not opened.read_only_reason:
            self._writer.touch()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """While the journal is asked or written, under the lock; an error in it is what the user is told."""
        before = self.state
        self.state = replace(before, state="saving")
        try:
            yield
        except MedLabelError as error:
            self.state = SavedState("not saved", before.at, error.reason)
            raise
        finally:
            if self.state.state == "saving":
                self.state = before

    def note(self, entry: Entry, operations: Sequence[Operation]) -> None:
        """An entry is on the disk; the files are to follow."""
        self.state = SavedState("saved", entry.when, self.state.reason)
        self._files.note(operations)
        self._writer.touch()

    def hurry(self) -> None:
        """Write the files at once, on the thread that writes them."""
        if self._files.behind:
            self._writer.hurry()

    def flush(self) -> None:
        """Write the files that do not show the newest state, and a checkpoint where one is due.

        Raises ProjectError or JournalError; the edits stay saved.
        """
        try:
            with self._flushing:
                self._files.write()
                if self._opened.state.since_checkpoint >= CHECKPOINT_EVERY:
                    self.checkpoint()
        except MedLabelError as error:
            reason = f"the project's files do not follow yet: {error.reason}"
            with self._lock:
                self.state = replace(self.state, reason=reason)
            raise
        with self._lock:
            if self.state.state == "saved":
                self.state = SavedState("saved", self.state.at or datetime.now(timezone.utc))

    @property
    def behind(self) -> bool:
        return self._files.behind

    def checkpoint(self) -> None:
        """Keep the whole state in the journal, so that the next opening starts there."""
        live = self._opened.state
        with self._lock:
            snapshot = live.snapshot()
        made = self._opened.journal.checkpoint(self._opened.volume_id, snapshot)
        with self._lock:
            live.keep(snapshot, made)

    def stop(self) -> None:
        """Write no more by itself; what is at work is waited for."""
        self._writer.stop()

    def _follow(self) -> None:
        try:
            self.flush()
        except MedLabelError:
            # the reason stands in the state; the next edit, save or close tries again
            return
