"""Shape-based interpolation: the outlines of two key slices blended by their distance maps.

After Raya and Udupa, "Shape-based interpolation of multidimensional objects" (IEEE TMI 1990); parts that do
not overlap are moved onto each other, and a part that the other slice lacks closes like a dome.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelLib.model.box import Box

from .crossing import correct_by_crossing_slices
from .distance_maps import signed_distance
from .filling import Filling, doubt_between
from .gaps import Gap
from .parts import join_parts
from .problem import Problem


class ShapeBased:
    """See the module."""

    name = "shape"
    title = "Shape-based"
    needs_image = False

    def fill(self, problem: Problem, gap: Gap) -> Filling | None:
        found = shape_prior(problem, gap)
        if found is None:
            return None
        box, prior = found
        return Filling(box, np.moveaxis(prior > 0, 0, gap.plane.axis), doubt_between(problem, gap))


def shape_prior(problem: Problem, gap: Gap, margin: int = 2) -> tuple[Box, NDArray[np.float32]] | None:
    """Signed distances in mm, positive inside, on the slices of a gap: ``[slice, …]`` over the box.

    The two in-plane axes are the volume's other axes in ascending order. None where nothing is drawn.
    """
    box = problem.box_of(gap, margin)
    if box is None:
        return None
    spacing = problem.in_plane_spacing(gap.plane)
    heights = problem.positions(gap.plane)
    if gap.is_cap:
        drawn = problem.drawn_slice(gap.plane, gap.keys[0], box)
        steps = np.abs(heights[list(gap.slices)] - heights[gap.keys[0]])
        whole = steps.max() * (gap.reach + 1) / gap.reach
        prior = _dome(drawn, steps / whole, spacing)
    else:
        before = problem.drawn_slice(gap.plane, gap.before, box)
        after = problem.drawn_slice(gap.plane, gap.after, box)
        low, high = heights[gap.before], heights[gap.after]
        at = heights[list(gap.slices)]
        prior = blend(before, after, (high - at) / (high - low), (at - low) / (high - low), spacing)
    if problem.other_planes:
        prior = correct_by_crossing_slices(problem, gap, box, prior)
    return box, prior


def blend(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    weights_before: NDArray,
    weights_after: NDArray,
    spacing: tuple[float, float],
) -> NDArray[np.float32]:
    """Signed distances on slices between two, shape ``(slices, …)``; the weights of a slice add up to 1."""
    result = np.full((len(weights_before), *before.shape), -np.inf, dtype=np.float32)
    for part in join_parts(before, after, spacing):
        if not part.after.any():
            found = _dome(part.before, 2 * weights_after, spacing)
        elif not part.before.any():
            found = _dome(part.after, 2 * weights_before, spacing)
        else:
            found = _between(part.before, part.after, weights_before, weights_after, spacing)
        np.maximum(result, found, out=result)
    return np.where(np.isfinite(result), result, np.float32(-max(before.shape) * max(spacing)))


def _between(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    weights_before: NDArray,
    weights_after: NDArray,
    spacing: tuple[float, float],
) -> NDArray[np.float32]:
    distance_before, distance_after = _distances(before, spacing), _distances(after, spacing)
    move = np.zeros(2)
    if not (before & after).any():
        move = np.subtract(ndimage.center_of_mass(after), ndimage.center_of_mass(before))
    slices = []
    for wa, wb in zip(weights_before, weights_after, strict=True):
        slices.append(
            np.float32(wa) * _shifted(distance_before, move * wb)
            + np.float32(wb) * _shifted(distance_after, -move * wa)
        )
    return np.stack(slices)


def _shifted(distances: NDArray[np.float32], by: NDArray) -> NDArray[np.float32]:
    if not by.any():
        return distances
    return ndimage.shift(distances, by, order=1, mode="nearest")


def _dome(shape: NDArray[np.bool_], rise: NDArray, spacing: tuple[float, float]) -> NDArray[np.float32]:
    """A shape that closes like a dome: whole where ``rise`` is 0, gone where it is 1 or more."""
    if not shape.any():
        return np.full((len(rise), *shape.shape), -max(shape.shape) * max(spacing), dtype=np.float32)
    distances = _distances(shape, spacing)
    inner = float(distances.max()) + 0.5 * min(spacing)
    eroded = inner * (1 - np.sqrt(np.clip(1 - np.asarray(rise) ** 2, 0, None)))
    return np.stack([distances - np.float32(depth) for depth in eroded])


def _distances(shape: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.float32]:
    """As :func:`signed_distance`; a shape that fills the array goes on beyond its edge."""
    if shape.all():
        return np.full(shape.shape, max(shape.shape) * max(spacing), dtype=np.float32)
    return signed_distance(shape, spacing)
