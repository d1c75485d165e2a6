"""What all readers do with the voxels they have read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from .image import SourceRecord, VolumeImage


def rescaled(stored: NDArray, slope: float, intercept: float) -> NDArray:
    """``stored × slope + intercept``: exact integers where all of them are, else float32.

    Integers are int16 where they fit, else int32. With slope 1 and intercept 0 the array is returned as
    it is.
    """
    if slope == 1.0 and intercept == 0.0:
        return stored
    whole = float(slope).is_integer() and float(intercept).is_integer()
    if whole and np.issubdtype(stored.dtype, np.integer) and stored.size:
        ends = [int(value) * int(slope) + int(intercept) for value in (stored.min(), stored.max())]
        for dtype in (np.int16, np.int32):
            limits = np.iinfo(dtype)
            if limits.min <= min(ends) and max(ends) <= limits.max:
                # integers wrap around, so that a result which fits is right whatever lay between
                result = stored.astype(dtype)
                result *= np.int64(slope).astype(dtype)
                result += np.int64(intercept).astype(dtype)
                return result
    result = np.empty(stored.shape, dtype=np.float32, order="F" if stored.flags.f_contiguous else "C")
    for index in np.ndindex(stored.shape[:1]):
        result[index] = stored[index] * np.float64(slope) + np.float64(intercept)
    return result


def check_finite(array: NDArray) -> None:
    """Raises FileFormatError, without the path, where a voxel is no finite number."""
    if not np.issubdtype(array.dtype, np.floating):
        return
    # the sum is finite if all are, and needs no array beside; only a doubtful one is looked at closely
    with np.errstate(over="ignore", invalid="ignore"):
        doubtful = not np.isfinite(array.sum(dtype=np.float64))
    if doubtful:
        count = array.size - int(np.count_nonzero(np.isfinite(array)))
        if count:
            raise FileFormatError(f"{count} of its voxels are not finite numbers (NaN or infinite)")


def canonical_image(stored: NDArray, source: SourceRecord, **about: object) -> VolumeImage:
    """A VolumeImage of an array on the source's grid ``[i, j, k]``, turned to the canonical grid.

    ``about`` gives the further fields of the image. The array is copied only where its axes turn.
    """
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    turned = source.axis_map.apply(native)
    return VolumeImage(
        np.require(turned, requirements=["F", "W"]),
        source.geometry.remapped(source.axis_map),
        source,
        **about,
    )
