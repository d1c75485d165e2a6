"""The image formats: how an array on a grid is written, and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk
from numpy.typing import NDArray

from ...model.geometry import VolumeGeometry
from ...storage.volume_file import write_volume
from ...volumes.nifti_file import read_nifti, write_nifti


@dataclass(frozen=True)
class ImageFormat:
    """A format that holds one array ``[i, j, k]`` on one even grid per file.

    ``write(path, array, geometry)`` writes it, ``read(path, geometry)`` gives array and grid back as
    they stand in the file; ``geometry`` is the grid that it should have.
    """

    suffix: str
    write: Callable[[Path, NDArray, VolumeGeometry], None]
    read: Callable[[Path, VolumeGeometry], tuple[NDArray, VolumeGeometry]]


def _read_by_itk(path: Path, geometry: VolumeGeometry) -> tuple[NDArray, VolumeGeometry]:
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image).T
    return array, VolumeGeometry.from_lps(
        array.shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection()
    )


def _read_nifti(path: Path, geometry: VolumeGeometry) -> tuple[NDArray, VolumeGeometry]:
    if not geometry.is_sheared:
        return _read_by_itk(path, geometry)
    # ITK turns sheared axes to right angles, or refuses them
    image = read_nifti(path)
    return image.source.axis_map.inverse().apply(image.array), image.source.geometry


NRRD = ImageFormat(".nrrd", write_volume, _read_by_itk)
NIFTI = ImageFormat(".nii.gz", write_nifti, _read_nifti)
