"""What speaks for a voxel of a gap belonging to the object: its place between the outlines, and the scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelLib.model.box import Box

from .distance_maps import signed_distance
from .flow import carried, displacements
from .gaps import Gap
from .problem import Problem
from .shape_based import shape_prior

#: Voxels farther than this from both guesses of the outline are as the shapes say, in voxels.
BAND = 14.0

#: Around the object this much of the scan is looked at, in voxels.
_MARGIN = 8

#: Where grey values are counted on the key slices, and how quickly they count less away from the outline.
_COUNTED, _FALL_OFF = 12.0, 4.0

#: Slices of more pixels than this are looked at in half their resolution: a large object's outline is smooth.
_LARGE = 8000

#: Slices of more pixels than this are not registered in their full resolution.
_MIDDLING = 6000

#: The features' names, in order.
FEATURES = (
    "shape",
    "drawn, lower",
    "drawn, upper",
    "carried",
    "carried, lower",
    "carried, upper",
    "grey value",
    "grey value, smoothed",
    "grey value, smoothed more",
    "grey value, smoothed in space",
    "guided",
    "place in the gap",
    "how far the outline moves",
    "how far it is missed when carried over",
    "how well grey values tell",
    "width of the gap",
)


@dataclass(frozen=True)
class Evidence:
    """The features of the voxels of a gap near the object's outline.

    ``prior`` are the signed distances of the shape-based method, ``[slice, …]`` over ``box``; ``near`` says
    which voxels have features, and ``features`` are theirs, ``(n, len(FEATURES))``, distances in voxels.
    With a ``factor`` of 2 all this is of the mean of two by two voxels of each slice of the box.
    """

    box: Box
    factor: int
    prior: NDArray[np.float32]
    near: NDArray[np.bool_]
    features: NDArray[np.float32]


def evidence(problem: Problem, gap: Gap) -> Evidence | None:
    """None where nothing is drawn beside the gap. A cap is a gap towards a slice without the object."""
    found = shape_prior(problem, gap, _MARGIN)
    if found is None:
        return None
    box, prior = found
    spacing = problem.in_plane_spacing(gap.plane)
    voxel = min(spacing)
    first, last = gap.start - 1, gap.stop
    drawn = [
        problem.drawn_slice(gap.plane, at, box) if at in gap.keys else np.zeros(prior.shape[1:], dtype=bool)
        for at in (first, last)
    ]
    distances = _both_distances(drawn, spacing)
    scan = _scan(problem, gap, box, first, last)
    factor = 2 if prior[0].size > _LARGE else 1
    if factor > 1:
        prior, scan, *distances = (coarse(values, factor) for values in (prior, scan, *distances))
        drawn = [d > 0 for d in distances]
    heights = problem.positions(gap.plane)
    at = heights[list(gap.slices)]
    low, high = (_height(heights, index) for index in (first, last))
    weight_after = ((at - low) / (high - low)).astype(np.float32)[:, None, None]
    weight_before = ((high - at) / (high - low)).astype(np.float32)[:, None, None]
    known = [end for end, index in ((0, first), (-1, last)) if index in gap.keys]

    grey = _quantiles(scan, distances, known, voxel)
    carried_before, carried_after, missed = _carried(grey, distances, spacing, voxel, factor)
    flow = weight_before * carried_before + weight_after * carried_after
    likely = [
        _likelihood(ndimage.gaussian_filter(scan, (0, s, s)) if s else scan, drawn, distances, known, voxel)
        for s in (0, 1.0 / factor, 2.5 / factor)
    ]
    clipped = [np.clip(d / (2 * voxel), -1, 1)[None] for d in distances]
    guess = np.concatenate([clipped[0], np.clip(flow / (3 * voxel), -1, 1), clipped[1]])
    guided = _guided(likely[1] / 2, guess, 7 if factor == 1 else 3)[1:-1]
    near = np.minimum(np.abs(prior), np.abs(flow)) < BAND * voxel
    moved = _difference(*distances, voxel)
    told = float(np.mean([_told(likely[1][end], drawn[end], distances[end], voxel) for end in known]))

    one = np.ones_like(prior)
    columns = (
        prior / voxel,
        np.minimum(*distances) / voxel * one,
        np.maximum(*distances) / voxel * one,
        flow / voxel,
        np.minimum(carried_before, carried_after) / voxel,
        np.maximum(carried_before, carried_after) / voxel,
        *(found[1:-1] for found in likely),
        ndimage.gaussian_filter(likely[0], (0.7, 2 / factor, 2 / factor))[1:-1],
        guided,
        weight_before * weight_after * one,
        np.float32(moved) * one,
        np.float32(missed) * one,
        np.float32(told) * one,
        np.float32((high - low) / voxel) * one,
    )
    return Evidence(box, factor, prior, near, np.stack([column[near] for column in columns], axis=-1))


def coarse(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means over ``factor`` by ``factor`` of the last two axes; the last ones are repeated to fill up."""
    *others, rows, columns = values.shape
    pad = [(0, 0)] * len(others) + [(0, -rows % factor), (0, -columns % factor)]
    values = np.pad(values, pad, mode="edge")
    *others, rows, columns = values.shape
    parts = values.reshape(*others, rows // factor, factor, columns // factor, factor)
    return parts.mean(axis=(-3, -1))


def _height(heights: NDArray, index: int) -> float:
    """Where a slice is, or (one beyond the volume) would be."""
    if 0 <= index < len(heights):
        return float(heights[index])
    return float(2 * heights[0] - heights[1]) if index < 0 else float(2 * heights[-1] - heights[-2])


def _scan(problem: Problem, gap: Gap, box: Box, first: int, last: int) -> NDArray[np.float32]:
    """The scan's slices ``first`` to ``last``, both included; beyond the volume its outermost one again."""
    axis = gap.plane.axis
    inside = np.clip(np.arange(first, last + 1), 0, problem.geometry.shape[axis] - 1)
    cut = list(box.slices)
    cut[axis] = slice(int(inside[0]), int(inside[-1]) + 1)
    image = problem.image[tuple(cut)]
    if image.ndim > 3:
        image = image.mean(axis=3)
    slices = np.moveaxis(image, axis, 0)[inside - inside[0]]
    return np.ascontiguousarray(slices, dtype=np.float32)


def _both_distances(
    drawn: list[NDArray[np.bool_]], spacing: tuple[float, float]
) -> list[NDArray[np.float32]]:
    """Signed distances on both key slices; where one is empty it is as far outside as the other is deep."""
    found = [None if d.all() or not d.any() else signed_distance(d, spacing) for d in drawn]
    depth = max((float(f.max()) for f in found if f is not None), default=max(drawn[0].shape) * min(spacing))
    return [
        np.full(d.shape, depth if d.any() else -depth, dtype=np.float32) if f is None else f
        for d, f in zip(drawn, found, strict=True)
    ]


def _quantiles(
    scan: NDArray[np.float32], distances: list[NDArray[np.float32]], known: list[int], voxel: float
) -> NDArray[np.float32]:
    """Grey values as their ranks among those in and around the object on the key slices, from 0 to 1."""
    edges = _edges(scan, distances, known, voxel)
    return np.searchsorted(edges, scan).astype(np.float32) / np.float32(max(1, len(edges)))


def _edges(
    scan: NDArray[np.float32], distances: list[NDArray[np.float32]], known: list[int], voxel: float
) -> NDArray[np.float32]:
    around = np.concatenate([scan[end][distances[end] > -_COUNTED * voxel] for end in known])
    if not around.size:
        # nothing is drawn on these slices
        around = np.concatenate([scan[end].ravel() for end in known])
    return np.unique(np.quantile(around, np.linspace(0, 1, 33)[1:-1]).astype(np.float32))


def _carried(
    grey: NDArray[np.float32],
    distances: list[NDArray[np.float32]],
    spacing: tuple[float, float],
    voxel: float,
    factor: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """The distances of both key slices, each carried by the scan's motion to every slice between.

    The third says how far both miss the other key slice's outline in the end, in voxels.
    """
    if factor == 1:
        grey = ndimage.gaussian_filter(grey, (0, 0.7, 0.7), truncate=3.0)
        levels = ((4, 8), (2, 6)) if grey[0].size > _MIDDLING else ((4, 8), (2, 8), (1, 4))
    else:
        levels = ((2, 8), (1, 6))
    count = len(grey) - 1
    steps = displacements(
        np.concatenate([grey[1:], grey[:-1]]),
        np.concatenate([grey[:-1], grey[1:]]),
        tuple(max(0.5, voxel / s) for s in spacing),
        levels,
    )
    forward = carried(distances[0], steps[:, :count])
    backward = carried(distances[1], steps[:, : count - 1 : -1])
    # the last step of each reaches the other key slice, where the outline is known
    missed = (
        _difference(forward[-1], distances[1], voxel) + _difference(backward[-1], distances[0], voxel)
    ) / 2
    return forward[:-1], backward[-2::-1], missed


def _difference(one: NDArray[np.float32], other: NDArray[np.float32], voxel: float) -> float:
    """How far two outlines are apart, in voxels: the mean difference of their distances near them."""
    near = np.minimum(np.abs(one), np.abs(other)) < 3 * voxel
    return float(np.abs(one - other)[near].mean() / voxel) if near.any() else 0.0


def _told(
    likelihood: NDArray[np.float32], drawn: NDArray[np.bool_], distances: NDArray[np.float32], voxel: float
) -> float:
    """For what share of a key slice's voxels near the outline the grey value alone says the truth.

    Both sides of the outline count the same.
    """
    near = np.abs(distances) < 6 * voxel
    sides = [near & drawn, near & ~drawn]
    shares = [float(((likelihood > 0) == drawn)[side].mean()) for side in sides if side.any()]
    return float(np.mean(shares)) if shares else 0.5


def _likelihood(
    scan: NDArray[np.float32],
    drawn: list[NDArray[np.bool_]],
    distances: list[NDArray[np.float32]],
    known: list[int],
    voxel: float,
) -> NDArray[np.float32]:
    """Logarithm of how much likelier a grey value is in the object than beside it, by the key slices."""
    bins = np.searchsorted(_edges(scan, distances, known, voxel), scan)
    count = int(bins.max()) + 1
    inside, outside = np.zeros(count), np.zeros(count)
    for end in known:
        weight = np.exp(-np.maximum(0, np.abs(distances[end]) - 1) / (_FALL_OFF * voxel))
        inside += np.bincount(bins[end][drawn[end]], weight[drawn[end]], count)
        outside += np.bincount(bins[end][~drawn[end]], weight[~drawn[end]], count)
    shares = []
    for counted in (inside, outside):
        smooth = ndimage.gaussian_filter1d(counted, 1.0, mode="nearest")
        shares.append(smooth / max(smooth.sum(), 1e-9) + 0.2 / count)
    return np.log(shares[0] / shares[1]).astype(np.float32)[bins]


def _guided(guide: NDArray[np.float32], guess: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """``guess`` brought to the edges of ``guide``: He, Sun and Tang, "Guided image filtering" (2010)."""

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return ndimage.uniform_filter(values, (3, width, width), mode="nearest")

    mean_guide, mean_guess = mean(guide), mean(guess)
    spread = mean(guide * guide) - mean_guide**2
    slope = (mean(guide * guess) - mean_guide * mean_guess) / (spread + np.float32(0.05))
    return mean(slope) * guide + mean(mean_guess - slope * mean_guide)
