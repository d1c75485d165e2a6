"""The segments of a Segment Editor as a live interpolation's labels. No Qt: it runs on slicer-core too."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import mutable

from MedLabelInterpolateLib.key_slices import filled_slices, slice_of
from MedLabelInterpolateLib.labels import Target
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.workspace.segment_grid import SegmentGrid

# the segment's tag that remembers which slices were filled, with a checksum of each
FILLED_TAG = "MedLabelInterpolate.Filled"


class SegmentEditing(Protocol):
    """What the effect has of its Segment Editor."""

    @property
    def segmentation_node(self): ...

    def reference_geometry(self):
        """The grid that is edited, a vtkOrientedImageData; None where there is none."""

    def source_image(self):
        """The source volume on that grid, or None."""

    def mask_image(self):
        """Nonzero where the masking settings allow no editing, on that grid; or None."""

    def save_state_for_undo(self) -> None: ...

    def modify(self, segment_id: str, labelmap, add: bool) -> None:
        """Add a labelmap to a segment or take it away, by the masking and overwriting that are set."""


class SegmentLabels:
    """Segments on their editor's grid.

    No journal knows who drew their slices: as in Slicer's "Fill between slices" each slice with voxels is
    a key slice, but for those that were filled here and not edited since.
    """

    def __init__(self, editing: SegmentEditing, grid: SegmentGrid) -> None:
        self._editing = editing
        self._grid = grid
        self._listeners: list[Callable[[set[str]], None]] = []
        self._step = 0

    @property
    def _segmentation(self):
        return self._editing.segmentation_node.GetSegmentation()

    def keys(self) -> list[str]:
        return list(self._segmentation.GetSegmentIDs())

    def title(self, key: str) -> str:
        return self._segmentation.GetSegment(key).GetName() or key

    def mask(self, key: str) -> Mask | None:
        return self._grid.read(self._segmentation, key)

    def drawn(self, key: str, plane: Plane | None) -> dict[Plane, tuple[int, ...]]:
        mask = self.mask(key)
        filled = filled_slices(mask)
        keys = {
            each: tuple(sorted(filled[each.axis] - self._still_filled(key, mask, each))) for each in Plane
        }
        if plane is None:
            plane = max(Plane, key=lambda each: (_runs(keys[each]), each.axis))
        return {plane: keys[plane]} if keys[plane] else {}

    def locked(self) -> Collection[str]:
        # the editor's own masking says where a segment may not grow
        return ()

    @property
    def last_step(self) -> int:
        return self._step

    def listen(self, callback: Callable[[set[str]], None]) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback) if callback in self._listeners else None

    def changed(self, keys: set[str]) -> None:
        """Segments were edited, added or removed."""
        self._step += 1
        for callback in list(self._listeners):
            callback(keys)

    def write(self, name: str, targets: Sequence[Target]) -> dict[str, int]:
        """Modify the segments by the targets; the editor keeps the state before as one step of its undo."""
        self._editing.save_state_for_undo()
        changed: dict[str, int] = {}
        for key in dict.fromkeys(target.object_key for target in targets):
            mine = [target for target in targets if target.object_key == key]
            before = self.mask(key)
            adding, taking = Mask(before.shape), Mask(before.shape)
            for target in mine:
                old = before.read(target.box)
                adding.write(target.box, adding.read(target.box) | (target.voxels & ~old))
                taking.write(target.box, taking.read(target.box) | (old & ~target.voxels))
            for part, add in ((taking, False), (adding, True)):
                if part.count:
                    self._editing.modify(key, self._grid.labelmap(part), add)
            changed[key] = adding.count + taking.count
            self._remember(key, mine)
        return changed

    # -- which slices were filled ------------------------------------------------------------------------

    def _remember(self, key: str, targets: Sequence[Target]) -> None:
        mask = self.mask(key)
        plane = targets[0].plane
        known = {index: _checksum(mask, plane, index) for index in self._still_filled(key, mask, plane)}
        drawn = {index for target in targets for index in target.drawn}
        for target in targets:
            for index in target.filled:
                known[index] = _checksum(mask, plane, index)
        kept = {index: value for index, value in sorted(known.items()) if index not in drawn}
        self._segmentation.GetSegment(key).SetTag(FILLED_TAG, json.dumps({plane.value: kept}))

    def _still_filled(self, key: str, mask: Mask, plane: Plane) -> set[int]:
        """The slices that were filled and are as they were left."""
        text = mutable("")
        found = self._segmentation.GetSegment(key).GetTag(FILLED_TAG, text)
        remembered = json.loads(str(text)).get(plane.value, {}) if found else {}
        return {
            int(index)
            for index, value in remembered.items()
            if int(index) < mask.shape[plane.axis] and _checksum(mask, plane, int(index)) == value
        }


def _runs(indices: Sequence[int]) -> int:
    return sum(1 for at, index in enumerate(indices) if at == 0 or indices[at - 1] != index - 1)


def _checksum(mask: Mask, plane: Plane, index: int) -> int:
    voxels: NDArray[np.bool_] = slice_of(mask, plane, index)
    return zlib.crc32(np.packbits(voxels).tobytes())
