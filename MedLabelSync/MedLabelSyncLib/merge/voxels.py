"""The three-way merge of masks, voxel by voxel over all objects at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.edits import MaskOp, mask_difference
from MedLabelLib.model.mask import Mask

from .conflicts import VoxelConflicts


@dataclass(frozen=True)
class MaskSides:
    """One object's mask on the three sides; None where it has none."""

    base: Mask | None
    mine: Mask | None
    theirs: Mask | None


@dataclass(frozen=True)
class MergedMasks:
    """``conflicts`` is None where there are none."""

    sides: Mapping[str, MaskSides]
    conflicts: VoxelConflicts | None
    _mine: Mapping[str, MaskOp | None]
    _theirs: Mapping[str, MaskOp | None]

    def mask(self, object_key: str, shape: tuple[int, int, int]) -> Mask:
        """The object's mask as merged and, where there are conflicts, as resolved."""
        sides, theirs = self.sides[object_key], self._theirs[object_key]
        result = Mask(shape) if sides.mine is None else sides.mine.copy()
        if theirs is not None:
            mine = self._mine[object_key]
            flips = theirs.xor.copy()
            if mine is not None:
                flips &= ~_over(mine, theirs.box)
            result.write(theirs.box, result.read(theirs.box) ^ flips)
        if self.conflicts is not None:
            box = self.conflicts.box
            values = np.where(self.conflicts.where, self.conflicts.values(object_key), result.read(box))
            result.write(box, values)
        return result


def merge_masks(sides: Mapping[str, MaskSides]) -> MergedMasks:
    """Merge the masks of all objects that a side changed, by object key.

    A voxel's labels are the objects that hold it. Where one side alone changed them, they are that side's;
    where both did and differ, the voxel is in conflict. So each voxel outside the conflicts has the labels
    of the base, of mine or of theirs, for all objects together.
    """
    mine = {key: mask_difference(key, entry.base, entry.mine) for key, entry in sides.items()}
    theirs = {key: mask_difference(key, entry.base, entry.theirs) for key, entry in sides.items()}
    return MergedMasks(sides, _conflicts(sides, mine, theirs), mine, theirs)


def _conflicts(
    sides: Mapping[str, MaskSides], mine: Mapping[str, MaskOp | None], theirs: Mapping[str, MaskOp | None]
) -> VoxelConflicts | None:
    one, other = _hull(mine.values()), _hull(theirs.values())
    if one is None or other is None:
        return None
    common = one.intersection(other)
    if common.is_empty:
        return None
    changed = [np.zeros(common.shape, bool, order="F") for _ in range(3)]
    for key in sides:
        by_mine = None if mine[key] is None else _over(mine[key], common)
        by_theirs = None if theirs[key] is None else _over(theirs[key], common)
        if by_mine is not None:
            changed[0] |= by_mine
        if by_theirs is not None:
            changed[1] |= by_theirs
        if by_mine is not None and by_theirs is not None:
            changed[2] |= by_mine ^ by_theirs
        elif by_mine is not None or by_theirs is not None:
            changed[2] |= by_mine if by_theirs is None else by_theirs
    where = changed[0] & changed[1] & changed[2]
    inner = Box.around(where)
    if inner is None:
        return None
    box = Box(
        tuple(a + o for a, o in zip(inner.start, common.start, strict=True)),
        tuple(a + o for a, o in zip(inner.stop, common.start, strict=True)),
    )
    return VoxelConflicts(
        box,
        np.asfortranarray(where[inner.slices]),
        *(
            {key: _read(getattr(entry, side), box) for key, entry in sides.items()}
            for side in ("base", "mine", "theirs")
        ),
    )


def _hull(operations: Iterable[MaskOp | None]) -> Box | None:
    hull: Box | None = None
    for operation in operations:
        if operation is not None:
            hull = operation.box if hull is None else hull.union(operation.box)
    return hull


def _over(operation: MaskOp, box: Box) -> NDArray[np.bool_]:
    """The changed voxels, over another box."""
    result = np.zeros(box.shape, bool, order="F")
    common = box.intersection(operation.box)
    if not common.is_empty:
        result[common.within(box)] = operation.xor[common.within(operation.box)]
    return result


def _read(mask: Mask | None, box: Box) -> NDArray[np.bool_]:
    return np.zeros(box.shape, bool, order="F") if mask is None else mask.read(box)
