"""The NRRD file of a project's volume: the scan on its canonical grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..model.errors import FileFormatError, ProjectError
from ..model.geometry import VolumeGeometry
from .atomic import replacing

# zlib's fastest level: a CT shrinks by half at several times the speed of the default
COMPRESSION_LEVEL = 1


def to_itk(array: NDArray, geometry: VolumeGeometry) -> sitk.Image:
    """An ITK image of ``array`` ``[i, j, k]`` on ``geometry`` (its even grid)."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    origin, spacing, direction = geometry.lps_terms()
    image.SetOrigin(origin.tolist())
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


def write_volume(path: Path, array: NDArray, geometry: VolumeGeometry) -> None:
    """Write the scan atomically. Raises ProjectError when it cannot be written."""
    with replacing(path) as partial:
        try:
            sitk.WriteImage(
                to_itk(array, geometry), str(partial), useCompression=True, compressionLevel=COMPRESSION_LEVEL
            )
        except RuntimeError as error:
            raise ProjectError(
                "it cannot be written (is the disk full, or the folder read-only?)", path
            ) from error


def read_grid(path: Path) -> VolumeGeometry:
    """The grid in the file's header, in the file's own axes. Raises FileFormatError."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        why = "there is no such file" if not path.exists() else "its NRRD header cannot be read"
        raise FileFormatError(why, path) from error
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise FileFormatError("a volume has three axes and one value per voxel", path)
    return VolumeGeometry.from_lps(
        reader.GetSize(), reader.GetOrigin(), reader.GetSpacing(), reader.GetDirection()
    )
