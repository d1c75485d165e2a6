"""How the scan moves from slice to slice: dense displacements between neighbouring slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SMALLEST = 8


def displacements(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    smoothing: tuple[float, float],
    levels: tuple[int, ...],
    iterations: int = 8,
) -> NDArray[np.float32]:
    """For each pair of slices the displacement ``u`` with ``moving(x + u) ≈ fixed(x)``.

    ``fixed`` and ``moving`` are stacks ``[pair, …]`` with values of about 0 to 1; the answer is
    ``[2, pair, …]`` in pixels. Thirion's demons with the symmetric force (Medical Image Analysis 1998), from
    coarse to fine over the ``levels`` (factors of shrinking, the largest first), the whole displacement
    smoothed by a Gaussian of ``smoothing`` pixels after each step.
    """
    found = np.zeros((2, *fixed.shape), dtype=np.float32)
    shape = fixed.shape[1:]
    for factor in levels:
        if factor > 1 and min(shape) / factor < _SMALLEST:
            continue
        small = tuple(max(2, round(n / factor)) for n in shape)
        found = _resized(found, small)
        _improve(_shrunk(fixed, small, factor), _shrunk(moving, small, factor), found, smoothing, iterations)
    return _resized(found, shape)


def carried(distances: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """``distances`` of one slice carried through the next ones, ``steps`` ``[2, slice, …]`` one by one."""
    rows, columns = np.indices(distances.shape, dtype=np.float32)
    slices = []
    for number in range(steps.shape[1]):
        at = [rows + steps[0, number], columns + steps[1, number]]
        distances = ndimage.map_coordinates(distances, at, order=1, mode="nearest")
        slices.append(distances)
    return np.stack(slices)


def _shrunk(slices: NDArray[np.float32], shape: tuple[int, ...], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return slices
    smooth = ndimage.gaussian_filter(slices, (0, factor / 2, factor / 2), truncate=2.0)
    return ndimage.zoom(smooth, (1, *(n / o for n, o in zip(shape, slices.shape[1:], strict=True))), order=1)


def _resized(found: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Displacements on a grid of another size, in its pixels."""
    if found.shape[2:] == shape:
        return found
    ratio = [n / o for n, o in zip(shape, found.shape[2:], strict=True)]
    return np.stack(
        [ndimage.zoom(found[axis], (1, *ratio), order=1) * np.float32(ratio[axis]) for axis in (0, 1)]
    )


def _improve(
    fixed: NDArray[np.float32],
    moving: NDArray[np.float32],
    found: NDArray[np.float32],
    smoothing: tuple[float, float],
    iterations: int,
) -> None:
    """Demons' steps on ``found``, in place."""
    rows, columns = np.gradient(fixed, axis=(1, 2))
    pair, row, column = np.indices(fixed.shape, dtype=np.float32)
    for _ in range(iterations):
        warped = ndimage.map_coordinates(
            moving, [pair, row + found[0], column + found[1]], order=1, mode="nearest"
        )
        force = [
            (mine + other) / 2
            for mine, other in zip((rows, columns), np.gradient(warped, axis=(1, 2)), strict=True)
        ]
        left = fixed - warped
        step = left / (force[0] ** 2 + force[1] ** 2 + 0.5 * left**2 + np.float32(1e-4))
        for axis in (0, 1):
            found[axis] += step * force[axis]
            ndimage.gaussian_filter(
                found[axis], (0, *smoothing), output=found[axis], mode="nearest", truncate=2.0
            )
