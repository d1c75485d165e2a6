"""Reading back what was written, and comparing it voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...model.errors import ExportError, MedLabelError
from ...model.geometry import VolumeGeometry
from .image_format import ImageFormat


def write_verified(path: Path, array: NDArray, geometry: VolumeGeometry, image_format: ImageFormat) -> None:
    """Write an image file and read it back. Raises ExportError when that is not what was written."""
    try:
        image_format.write(path, array, geometry)
        found, grid = image_format.read(path, geometry)
    except (OSError, RuntimeError, MedLabelError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise ExportError(f"{path.name} could not be written: {reason}") from error
    check_same(path, found, grid, array, geometry)


def check_same(
    path: Path, found: NDArray, found_grid: VolumeGeometry, array: NDArray, geometry: VolumeGeometry
) -> None:
    """Raises ExportError when two arrays ``[i, j, k]`` or their grids differ."""
    if found.shape != array.shape or not np.array_equal(found, array):
        raise ExportError(f"{path.name} did not read back with the voxels that were written")
    if not found_grid.is_close(geometry):
        raise ExportError(f"{path.name} did not read back at the place where it was written")
