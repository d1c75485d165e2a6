"""Key slices of other planes run through a gap and correct what is filled in there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.planes import Plane

from .distance_maps import signed_distance
from .gaps import Gap
from .problem import Problem


def correct_by_crossing_slices(
    problem: Problem, gap: Gap, box: Box, prior: NDArray[np.float32]
) -> NDArray[np.float32]:
    """``prior`` (signed distances ``[slice, …]`` over ``box``) made to agree with crossing key slices.

    Where a crossing slice contradicts it, the difference is carried over linearly to the next crossing
    slice, as in the interpolation of a network of curves (Gordon 1969); beyond the outermost one it fades
    over the width of the box.
    """
    corrected = np.moveaxis(prior, 0, gap.plane.axis).copy()
    for plane in problem.other_planes:
        first, stop = box.start[plane.axis], box.stop[plane.axis]
        keys = [key for key in problem.key_slices[plane] if first <= key < stop]
        if keys:
            corrected += _carried(problem, plane, keys, box, corrected)
    return np.ascontiguousarray(np.moveaxis(corrected, gap.plane.axis, 0))


def _carried(
    problem: Problem, plane: Plane, keys: list[int], box: Box, field: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What is to be added to ``field`` ``[i, j, k]`` over ``box`` for the key slices of one plane."""
    first = box.start[plane.axis]
    wrong = [_contradiction(problem, plane, key, box, field[plane.slice_index(key - first)]) for key in keys]
    at = np.arange(box.start[plane.axis], box.stop[plane.axis])
    fade = float(box.shape[plane.axis])
    result = np.zeros_like(field)
    for place, number in enumerate(at):
        slice_index = plane.slice_index(place)
        for weight, key in zip(_weights(number, keys, fade), range(len(keys)), strict=True):
            if weight > 0:
                result[slice_index] += np.float32(weight) * wrong[key]
    return result


def _weights(at: int, keys: list[int], fade: float) -> list[float]:
    """How much each of the (ascending) key slices counts on slice ``at``."""
    weights = [0.0] * len(keys)
    after = int(np.searchsorted(keys, at))
    if after < len(keys) and keys[after] == at:
        weights[after] = 1.0
    elif after == 0:
        weights[0] = max(0.0, 1 - (keys[0] - at) / fade)
    elif after == len(keys):
        weights[-1] = max(0.0, 1 - (at - keys[-1]) / fade)
    else:
        low, high = keys[after - 1], keys[after]
        weights[after - 1], weights[after] = (high - at) / (high - low), (at - low) / (high - low)
    return weights


def _contradiction(
    problem: Problem, plane: Plane, key: int, box: Box, field: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How much deeper in mm a slice's pixels lie as drawn than by ``field``; 0 where they agree."""
    drawn, found = problem.drawn_slice(plane, key, box), field > 0
    if (drawn == found).all():
        return np.zeros(field.shape, dtype=np.float32)
    spacing = problem.in_plane_spacing(plane)
    if any(mask.all() or not mask.any() for mask in (drawn, found)):
        deepest = np.float32(np.abs(field).max())
        return np.where(drawn == found, np.float32(0), np.where(drawn, deepest, -deepest) - field)
    return signed_distance(drawn, spacing) - signed_distance(found, spacing)
