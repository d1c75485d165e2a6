"""Carrying voxels from one grid to another, where indices cannot be mapped one to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ..model.geometry import VolumeGeometry


def resample(
    array: NDArray, source: VolumeGeometry, target: VolumeGeometry, order: int, fill: float = 0
) -> NDArray:
    """The values of ``array`` ``[i, j, k]`` on ``source`` at the voxel centres of ``target``.

    ``order`` is 0 for the nearest voxel and 1 for linear interpolation; whole numbers stay whole. What
    lies more than half a voxel outside of ``source`` is ``fill``. Sheared and uneven grids are followed.
    """
    result = np.full(target.shape, fill, dtype=array.dtype, order="F")
    whole = np.issubdtype(array.dtype, np.integer)
    columns, rows = np.indices(target.shape[:2], dtype=float)
    last = np.asarray(source.shape) - 1
    # slice by slice: the coordinates of a whole volume would take many times its memory
    for k in range(target.shape[2]):
        places = target.ijk_to_ras(np.stack([columns, rows, np.full_like(columns, k)], axis=-1))
        index = source.ras_to_ijk(places)
        # rounding must not push a voxel on the very border to the other side of it
        inside = source.contains(index + 1e-9)
        if not inside.any():
            continue
        within = np.clip(index[inside], 0, last).T
        values = map_coordinates(array, within, output=float, order=order, mode="nearest", prefilter=False)
        result[..., k][inside] = np.rint(values) if whole else values
    return result


def even_grid(geometry: VolumeGeometry) -> VolumeGeometry:
    """For uneven slices, the even grid from the first to the last of them with their usual spacing."""
    if geometry.slice_origins is None:
        return geometry
    axis, origins = geometry.slice_axis, geometry.slice_origins
    span = origins[-1] - origins[0]
    usual = float(np.median(np.linalg.norm(np.diff(origins, axis=0), axis=1)))
    count = max(2, round(float(np.linalg.norm(span)) / usual) + 1)
    matrix = geometry.ijk_to_ras_matrix.copy()
    matrix[:3, axis] = span / (count - 1)
    matrix[:3, 3] = origins[0]
    shape = list(geometry.shape)
    shape[axis] = count
    return VolumeGeometry(tuple(shape), matrix)
