"""The files of a volume that is being edited: which are to be written, and the writing."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..model.annotation import Annotation, LabelObject
from ..model.edits import MaskOp, Operation, RecordOp
from ..model.errors import MedLabelError
from ..model.geometry import VolumeGeometry
from .journal import files
from .journal.salvage import write_head
from .opening import Opened
from .volume import Volume


class VolumeFiles:
    """Follows the edits of one session. Under ``lock`` it only looks; what it writes are snapshots."""

    def __init__(
        self, volume: Volume, opened: Opened, geometry: VolumeGeometry, lock: threading.RLock
    ) -> None:
        self._volume = volume
        self._opened = opened
        self._geometry = geometry
        self._lock = lock
        self._writing = threading.Lock()
        self._dirty = set(opened.dirty)
        self._gone = set(opened.gone)
        # whether an object's file is there, as an empty mask has none
        self._drawn = {entry.key: _has_voxels(entry) for entry in opened.state.annotation.objects}

    @property
    def behind(self) -> bool:
        """Whether there is something to write."""
        return bool(self._dirty or self._gone)

    def note(self, operations: Sequence[Operation]) -> None:
        """Note which files the operations make stale. The annotation's own is written with every other."""
        present = {entry.key: entry for entry in self._opened.state.annotation.objects}
        for operation in operations:
            if isinstance(operation, MaskOp) and (entry := present.get(operation.object_key)) is not None:
                if entry.mask_key is not None:
                    self._dirty.add(entry.mask_key)
            elif isinstance(operation, RecordOp) and operation.target == "object" and operation.before:
                old = operation.before["mask_key"]
                if old is not None and (operation.after is None or operation.after["mask_key"] != old):
                    self._gone.add(old)
        self._dirty.add(files.ANNOTATION)

    def write(self) -> None:
        """Write what is stale; what could not be written is tried again the next time.

        Raises ProjectError, JournalError, or TakenOverError when the volume is another session's now.
        """
        with self._writing:
            with self._lock:
                if not self.behind:
                    return
                seq, annotation = self._opened.state.seq, self._opened.state.annotation.snapshot()
                dirty, gone = self._dirty, self._gone
                self._dirty, self._gone = set(), set()
            journal, volume_id = self._opened.journal, self._opened.volume_id
            try:
                journal.check_lease(volume_id, self._opened.token)
                pending = self._pending(seq, annotation, dirty, gone)
                del annotation
                files.write_files(journal, volume_id, self._volume, self._geometry, pending)
                write_head(self._volume.dataset.project, journal)
            except MedLabelError:
                with self._lock:
                    self._dirty |= dirty | {files.ANNOTATION}
                    self._gone |= gone
                raise

    def _pending(self, seq: int, annotation: Annotation, dirty: set[str], gone: set[str]) -> files.Pending:
        """What is to be written of a snapshot."""
        masks, gone = {}, set(gone)
        for entry in annotation.objects:
            if entry.mask_key in dirty or entry.key not in self._drawn:
                self._drawn[entry.key] = _has_voxels(entry)
                if self._drawn[entry.key]:
                    masks[entry.mask_key] = entry.mask
                elif entry.mask_key is not None:
                    gone.add(entry.mask_key)
            gone.discard(entry.mask_key if self._drawn[entry.key] else None)
        content = files.annotation_bytes(annotation, lambda entry: self._drawn[entry.key])
        return files.Pending(seq, content, masks, gone)


def _has_voxels(entry: LabelObject) -> bool:
    return entry.mask_key is not None and entry.mask is not None and entry.mask.box is not None
