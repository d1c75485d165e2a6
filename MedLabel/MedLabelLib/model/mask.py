"""The 3D mask of an object: only the box that it fills is kept in memory."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

from .box import Box
from .errors import GeometryError
from .geometry import AxisMap


class Mask:
    """The set of voxels that belong to an object, on its volume's grid.

    ``shape`` is the volume's; the voxels are kept for one box around them only, so that many objects
    fit in memory however large the scan is.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = tuple(int(n) for n in shape)
        self._box: Box | None = None
        self._voxels: NDArray[np.bool_] | None = None
        self._count: int | None = None
        self._tight: Box | None = None
        self._snapshots: list[weakref.ref[Mask]] = []

    @classmethod
    def from_array(cls, array: NDArray) -> Mask:
        """From a full-volume array ``[i, j, k]``; nonzero voxels belong to the object."""
        mask = cls(array.shape)
        box = Box.around(array)
        if box is not None:
            mask._box = box
            mask._voxels = np.asfortranarray(array[box.slices] != 0)
        return mask

    @classmethod
    def from_box(cls, shape: tuple[int, int, int], box: Box, voxels: NDArray) -> Mask:
        """From the voxels of one box ``[i, j, k]``; all others are outside the object."""
        if tuple(voxels.shape) != box.shape or not Box.whole(shape).holds(box):
            raise GeometryError(f"a mask's box {box.start}–{box.stop} does not fit a volume of {shape}")
        mask = cls(shape)
        mask._box = box
        mask._voxels = np.asfortranarray(voxels != 0)
        return mask

    def copy(self) -> Mask:
        mask = Mask(self.shape)
        mask._box = self._box
        mask._voxels = None if self._voxels is None else self._voxels.copy(order="F")
        return mask

    def remapped(self, axis_map: AxisMap) -> Mask:
        """The same voxels in the axes that ``axis_map`` gives; only the box around them is turned."""
        mask = Mask(axis_map.shape)
        box = self.box
        if box is not None:
            ends = axis_map.apply_to_index(np.array([box.start, np.subtract(box.stop, 1)]))
            mask._box = Box(tuple(ends.min(axis=0).tolist()), tuple((ends.max(axis=0) + 1).tolist()))
            mask._voxels = np.asfortranarray(axis_map.apply(self._voxels[box.within(self._box)]))
            mask._tight, mask._count = mask._box, self._count
        return mask

    def look(self, box: Box) -> NDArray[np.bool_]:
        """The voxels of a box inside :attr:`box` as a view that must not be written to."""
        view = self._voxels[box.within(self._box)]
        view.flags.writeable = False
        return view

    def snapshot(self) -> Mask:
        """The mask as it is now, at no cost: its voxels are copied once this one changes, and only while
        the snapshot still lives. The snapshot itself is not to be changed."""
        mask = Mask(self.shape)
        mask._box, mask._voxels = self._box, self._voxels
        mask._tight, mask._count = self._tight, self._count
        self._snapshots = [known for known in self._snapshots if known() is not None]
        self._snapshots.append(weakref.ref(mask))
        return mask

    def __getstate__(self) -> dict:
        return {**vars(self), "_snapshots": []}

    @property
    def box(self) -> Box | None:
        """The smallest box around the object, or None when it is empty; sought once after each change."""
        if self._tight is None and self._voxels is not None:
            inner = Box.around(self._voxels)
            if inner is None:
                return None
            offset = self._box.start
            self._tight = Box(
                tuple(a + o for a, o in zip(inner.start, offset, strict=True)),
                tuple(a + o for a, o in zip(inner.stop, offset, strict=True)),
            )
        return self._tight

    @property
    def count(self) -> int:
        """How many voxels belong to the object; counted once after each change."""
        if self._count is None:
            self._count = 0 if self._voxels is None else int(np.count_nonzero(self._voxels))
        return self._count

    def read(self, box: Box) -> NDArray[np.bool_]:
        """A copy of the voxels of ``box`` ``[i, j, k]``, which lies in the volume."""
        if not Box.whole(self.shape).holds(box):
            raise GeometryError(f"the box {box.start}–{box.stop} leaves the volume of {self.shape}")
        result = np.zeros(box.shape, dtype=bool, order="F")
        if self._voxels is not None:
            common = box.intersection(self._box)
            if not common.is_empty:
                result[common.within(box)] = self._voxels[common.within(self._box)]
        return result

    def full(self) -> NDArray[np.uint8]:
        """The whole volume ``[i, j, k]``, uint8 of 0 and 1, in Fortran order."""
        result = np.zeros(self.shape, dtype=np.uint8, order="F")
        if self._voxels is not None:
            result[self._box.slices] = self._voxels
        return result

    def write(self, box: Box, voxels: NDArray) -> None:
        """Set the voxels of ``box`` ``[i, j, k]``, which lies in the volume."""
        if not Box.whole(self.shape).holds(box):
            raise GeometryError(f"the box {box.start}–{box.stop} leaves the volume of {self.shape}")
        if tuple(voxels.shape) != box.shape:
            raise GeometryError(f"voxels of shape {voxels.shape} do not fill a box of {box.shape}")
        if box.is_empty:
            return
        self._count = self._tight = None
        if self._voxels is None or not self._box.holds(box):
            self._grow(box if self._box is None else self._box.union(box))
        elif any(known() is not None for known in self._snapshots):
            self._voxels = self._voxels.copy(order="F")
        self._snapshots = []
        self._voxels[box.within(self._box)] = voxels != 0

    def _grow(self, box: Box) -> None:
        # a margin, so that a stroke which creeps outward does not copy the mask at each step
        margin = 16
        roomy = Box(
            tuple(max(0, a - margin) for a in box.start),
            tuple(min(n, b + margin) for n, b in zip(self.shape, box.stop, strict=True)),
        )
        grown = np.zeros(roomy.shape, dtype=bool, order="F")
        if self._voxels is not None:
            grown[self._box.within(roomy)] = self._voxels
        self._box, self._voxels = roomy, grown

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask) or self.shape != other.shape:
            return False
        box = self.box
        if box != other.box:
            return False
        return box is None or np.array_equal(self.look(box), other.look(box))

    __hash__ = None
