"""Signed distances to a shape on one slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def signed_distance(shape: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray[np.float32]:
    """Distance in mm to the outline of ``shape``, positive inside; of any dimension.

    The outline runs half-way between voxel centres. The shape must be neither empty nor everything that
    the array holds.
    """
    inside = ndimage.distance_transform_edt(shape, sampling=spacing)
    outside = ndimage.distance_transform_edt(~shape, sampling=spacing)
    half = 0.5 * min(spacing)
    return np.where(shape, inside - half, half - outside).astype(np.float32)
