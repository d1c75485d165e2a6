"""The voxels under a brush stroke: a disc moved along a path in one slice of one plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box import Box
from .errors import GeometryError
from .geometry import VolumeGeometry
from .planes import Plane


def brush_stroke(
    geometry: VolumeGeometry, plane: Plane, index: int, path: ArrayLike, radius: float
) -> tuple[Box, NDArray[np.bool_]] | None:
    """The voxels of slice ``index`` whose centres a disc covers that moves along ``path``.

    Parameters
    ----------
    path
        Voxel coordinates ``(n, 3)`` of the pointer on the canonical grid; the coordinate along the
        plane's axis is ignored. Between two points the disc moves straight.
    radius
        Radius of the disc in mm, measured in the slice. The voxels that hold the points belong to the
        stroke however small it is.

    Returns
    -------
    The box and its boolean voxels ``[i, j, k]``, or None where the stroke lies outside the volume.

    Raises
    ------
    GeometryError
        when there is no such slice, no point, or the radius is negative.
    """
    points = np.atleast_2d(np.asarray(path, dtype=float))
    if points.shape[0] == 0 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise GeometryError("a stroke needs points of three finite coordinates")
    if not 0 <= index < geometry.shape[plane.axis]:
        raise GeometryError(f"there is no {plane.value} slice {index}")
    if not 0 <= radius < np.inf:
        raise GeometryError(f"a brush of radius {radius} mm cannot be")
    axes = [plane.columns, plane.rows]
    to_mm = geometry.ijk_to_ras_matrix[:3, axes]
    # an in-plane step of length r reaches at most this many voxels along each axis, oblique axes included
    reach = radius * np.sqrt(np.diag(np.linalg.inv(to_mm.T @ to_mm)))
    flat = points[:, axes]
    sizes = np.array([geometry.shape[a] for a in axes])
    start = np.maximum(np.floor(flat.min(axis=0) - reach), 0).astype(int)
    stop = np.minimum(np.ceil(flat.max(axis=0) + reach) + 1, sizes).astype(int)
    if (start >= stop).any():
        return None
    covered = np.zeros(stop - start, dtype=bool)
    starts, ends = (flat[:-1], flat[1:]) if len(flat) > 1 else (flat, flat)
    for a, b in zip(starts, ends, strict=True):
        _cover(covered, start, a, b, to_mm, reach, radius)
    _cover_points(covered, start, flat, sizes)
    if not covered.any():
        return None
    return _box_of(plane, index, start, stop), _lift(plane, covered)


def _cover(
    covered: NDArray[np.bool_],
    start: NDArray,
    a: NDArray,
    b: NDArray,
    to_mm: NDArray,
    reach: NDArray,
    radius: float,
) -> None:
    """Mark the pixels within ``radius`` of the line from ``a`` to ``b``; only near it are they looked at."""
    low = np.maximum(np.floor(np.minimum(a, b) - reach).astype(int) - start, 0)
    high = np.minimum(np.ceil(np.maximum(a, b) + reach).astype(int) + 1 - start, covered.shape)
    if (low >= high).any():
        return
    columns = np.arange(low[0], high[0])[:, None] + start[0] - a[0]
    rows = np.arange(low[1], high[1])[None, :] + start[1] - a[1]
    offset = [columns * to_mm[c, 0] + rows * to_mm[c, 1] for c in range(3)]
    along = to_mm @ (b - a)
    length = float(along @ along)
    if length > 0:
        at = np.clip(sum(offset[c] * along[c] for c in range(3)) / length, 0.0, 1.0)
        offset = [offset[c] - at * along[c] for c in range(3)]
    distance = sum(part * part for part in offset)
    # a hair of tolerance: a centre exactly on the rim belongs to the disc in every direction alike
    covered[low[0] : high[0], low[1] : high[1]] |= distance <= radius * radius * (1 + 1e-9) + 1e-12


def _cover_points(covered: NDArray[np.bool_], start: NDArray, flat: NDArray, sizes: NDArray) -> None:
    nearest = np.floor(flat + 0.5).astype(int)
    inside = ((nearest >= 0) & (nearest < sizes)).all(axis=1)
    at = nearest[inside] - start
    fits = ((at >= 0) & (at < covered.shape)).all(axis=1)
    covered[at[fits, 0], at[fits, 1]] = True


def _box_of(plane: Plane, index: int, start: NDArray, stop: NDArray) -> Box:
    low, high = [0, 0, 0], [0, 0, 0]
    low[plane.axis], high[plane.axis] = index, index + 1
    for axis, a, b in zip((plane.columns, plane.rows), start, stop, strict=True):
        low[axis], high[axis] = int(a), int(b)
    return Box(tuple(low), tuple(high))


def _lift(plane: Plane, flat: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``[column, row]`` pixels as the ``[i, j, k]`` voxels of one slice."""
    return np.asfortranarray(np.expand_dims(flat, plane.axis))
