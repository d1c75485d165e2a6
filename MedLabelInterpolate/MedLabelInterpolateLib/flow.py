"""How the scan moves from slice to slice: dense displacements between neighbouring slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: A level whose slices are smaller than this, in pixels, shows nothing.
_SMALLEST = 8


def displacements(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    smoothing: tuple[float, float],
    levels: tuple[tuple[int, int], ...],
) -> NDArray[np.float32]:
    """For each pair of slices the displacement ``u`` with ``moving(x + u) ≈ fixed(x)``.

    ``fixed`` and ``moving`` are stacks ``[pair, …]`` with values of about 0 to 1; the answer is
    ``[2, pair, …]`` in pixels. Thirion's demons with the symmetric force (Medical Image Analysis 1998): for
    each of the ``levels`` (factor of shrinking, a power of two, the largest first; steps) the whole
    displacement is smoothed by a Gaussian of ``smoothing`` pixels after each step. A mirrored copy of the
    slices gives the mirrored displacements.
    """
    # levels pad at one end of an axis; which end that is must lie in the slices, not in the axis's direction
    mirror = tuple(axis for axis in (1, 2) if _leans_back(fixed + moving, axis))
    if mirror:
        found = _displacements(np.flip(fixed, mirror), np.flip(moving, mirror), smoothing, levels)
        found = np.flip(found, tuple(axis + 1 for axis in mirror))
        found[[axis - 1 for axis in mirror]] *= -1
        return found
    return _displacements(fixed, moving, smoothing, levels)


def _leans_back(slices: NDArray[np.float32], axis: int) -> bool:
    """Whether more of what the slices hold lies toward the start of an axis than toward its end."""
    profile = slices.sum(axis=tuple(other for other in range(3) if other != axis), dtype=np.float64)
    profile -= profile.mean()
    return float(profile @ (np.arange(len(profile)) - (len(profile) - 1) / 2)) < 0


def _displacements(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    smoothing: tuple[float, float],
    levels: tuple[tuple[int, int], ...],
) -> NDArray[np.float32]:
    shape = fixed.shape[1:]
    levels = [level for level in levels if level[0] == 1 or min(shape) >= _SMALLEST * level[0]]
    largest = levels[0][0] if levels else 1
    pad = [(0, 0), *((0, -n % largest) for n in shape)]
    fixed, moving = np.pad(fixed, pad, mode="edge"), np.pad(moving, pad, mode="edge")
    found = np.zeros((2, len(fixed), *(n // largest for n in fixed.shape[1:])), dtype=np.float32)
    at = largest
    for factor, steps in levels:
        found = _enlarged(found, at // factor)
        at = factor
        _improve(_shrunk(fixed, factor), _shrunk(moving, factor), found, smoothing, steps)
    found = _enlarged(found, at)
    if at > 1:
        # what was repeated is no staircase
        found = ndimage.uniform_filter(found, (1, 1, at + 1, at + 1), mode="nearest")
    return found[:, :, : shape[0], : shape[1]]


def carried(distances: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """``distances`` of one slice carried through the next ones, ``steps`` ``[2, slice, …]`` one by one."""
    place = np.indices(distances.shape, dtype=np.float32)
    slices = []
    for number in range(steps.shape[1]):
        distances = ndimage.map_coordinates(distances, place + steps[:, number], order=1, mode="nearest")
        slices.append(distances)
    return np.stack(slices)


def _shrunk(slices: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return slices
    pairs, rows, columns = slices.shape
    return slices.reshape(pairs, rows // factor, factor, columns // factor, factor).mean(axis=(2, 4))


def _enlarged(found: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Displacements on a grid ``factor`` times as fine, in its pixels."""
    if factor == 1:
        return found
    return np.repeat(np.repeat(found, factor, axis=2), factor, axis=3) * np.float32(factor)


def _improve(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    found: NDArray[np.float32],
    smoothing: tuple[float, float],
    steps: int,
) -> None:
    """Demons' steps on ``found``, in place."""
    pairs, rows, columns = fixed.shape
    mine = np.gradient(fixed, axis=(1, 2))
    place = np.indices((rows, columns), dtype=np.float32)
    # the slices lie below each other in one tall image, so that SciPy warps them in two dimensions
    tall, below = (
        moving.reshape(pairs * rows, columns),
        np.arange(pairs, dtype=np.float32)[:, None, None] * rows,
    )
    at = np.empty_like(found)
    for _ in range(steps):
        np.clip(place[0] + found[0], 0, rows - 1, out=at[0])
        at[0] += below
        np.add(place[1], found[1], out=at[1])
        warped = ndimage.map_coordinates(tall, at, order=1, mode="nearest")
        left = fixed - warped
        force = [(a + b) / 2 for a, b in zip(mine, np.gradient(warped, axis=(1, 2)), strict=True)]
        step = left / (force[0] ** 2 + force[1] ** 2 + 0.5 * left**2 + np.float32(1e-4))
        for axis in (0, 1):
            found[axis] += step * force[axis]
            found[axis] = ndimage.gaussian_filter(found[axis], (0, *smoothing), mode="nearest", truncate=2.0)
