"""Signed distances to a shape on one slice."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def signed_distance(shape: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray[np.float32]:
    """Distance in mm to the outline of ``shape``, positive inside; of any dimension, not to be written to.

    The outline runs half-way between voxel centres. The shape must be neither empty nor everything that
    the array holds. The last few are kept: of the key slices beside an edited one nothing has changed.
    """
    return _kept(np.packbits(shape).tobytes(), shape.shape, tuple(spacing))


@lru_cache(maxsize=24)
def _kept(bits: bytes, size: tuple[int, ...], spacing: tuple[float, ...]) -> NDArray[np.float32]:
    packed = np.frombuffer(bits, np.uint8)
    shape = np.unpackbits(packed, count=int(np.prod(size))).reshape(size).astype(bool)
    inside = ndimage.distance_transform_edt(shape, sampling=spacing)
    outside = ndimage.distance_transform_edt(~shape, sampling=spacing)
    half = 0.5 * min(spacing)
    distances = np.where(shape, inside - half, half - outside).astype(np.float32)
    distances.setflags(write=False)
    return distances
