"""The slices of an object that somebody drew, told from those that an interpolation filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.set_slices import SetSlices

INTERPOLATED = "interpolated"


def drawn_slices(session: VolumeSession, object_key: str) -> dict[Plane, tuple[int, ...]]:
    """An object's key slices in each plane that it was drawn in, by the journal; the most drawn plane first.

    A step that set single slices along one axis was drawn in that plane (a stroke, or an imported label
    of every n-th slice); one that set a body's worth, in all of them. A slice that was interpolated since
    is none, until an edit makes it one again.
    """
    mask = session.annotation.object(object_key).mask
    if mask is None or mask.count == 0:
        return {}
    keys, drawn = keys_of_steps(session.set_slices(object_key))
    filled = filled_slices(mask)
    found = {plane: sorted(keys[plane.axis] & filled[plane.axis]) for plane in Plane}
    ranked = sorted(
        (plane for plane in Plane if drawn[plane.axis] & set(found[plane])),
        key=lambda plane: -len(drawn[plane.axis] & set(found[plane])),
    )
    if not ranked:
        return {plane: tuple(found[plane]) for plane in Plane if found[plane]}
    first = ranked[0]
    result = {first: tuple(found[first])}
    for plane in ranked[1:]:
        kept = [index for index in found[plane] if _stands_alone(mask, plane, index, first, found[first])]
        if kept:
            result[plane] = tuple(kept)
    return result


def key_slices_in(session: VolumeSession, object_key: str, plane: Plane) -> tuple[int, ...]:
    """An object's key slices in one plane that the user chose."""
    mask = session.annotation.object(object_key).mask
    if mask is None or mask.count == 0:
        return ()
    keys, _ = keys_of_steps(session.set_slices(object_key))
    return tuple(sorted(keys[plane.axis] & filled_slices(mask)[plane.axis]))


def keys_of_steps(steps: Sequence[SetSlices]) -> tuple[list[set[int]], list[set[int]]]:
    """Along each axis: the key slices after these steps, and those of them that were drawn in that plane."""
    keys: list[set[int]] = [set(), set(), set()]
    drawn: list[set[int]] = [set(), set(), set()]
    for step in steps:
        planar = [axis for axis in range(3) if _is_sparse(step.slices[axis])]
        for axis in range(3):
            slices = step.slices[axis]
            if step.kind in ("", INTERPOLATED):
                keys[axis] -= slices
                drawn[axis] -= slices
            elif axis in planar:
                keys[axis] |= slices
                drawn[axis] |= slices
            elif not planar:
                keys[axis] |= slices
    return keys, drawn


def filled_slices(mask: Mask) -> list[set[int]]:
    """Along each axis the slices on which a mask has voxels."""
    box = mask.box
    if box is None:
        return [set(), set(), set()]
    voxels = mask.read(box)
    return [
        set((np.flatnonzero(voxels.any(axis=_others(axis))) + box.start[axis]).tolist()) for axis in range(3)
    ]


def slice_of(mask: Mask, plane: Plane, index: int) -> NDArray[np.bool_]:
    """One slice of a mask as a boolean ``[column, row]``."""
    start, stop = [0, 0, 0], list(mask.shape)
    start[plane.axis], stop[plane.axis] = index, index + 1
    return mask.read(Box(tuple(start), tuple(stop))).squeeze(axis=plane.axis)


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _is_sparse(slices: frozenset[int]) -> bool:
    """Whether slices are single ones with room between them, rather than a body's run."""
    runs = sum(1 for index in slices if index - 1 not in slices)
    return bool(slices) and 2 * runs > len(slices)


def _stands_alone(mask: Mask, plane: Plane, index: int, first: Plane, keys: Sequence[int]) -> bool:
    """Whether a slice was drawn for itself, rather than touched where slices of another plane cross it."""
    along = first.axis if first.axis < plane.axis else first.axis - 1
    rows = slice_of(mask, plane, index).any(axis=1 - along)
    filled = np.flatnonzero(rows)
    between = [at for at in range(filled[0], filled[-1] + 1) if at not in set(keys)]
    return bool(between) and 2 * np.count_nonzero(rows[between]) >= len(between)
