"""Reading a scan in a file that SimpleITK knows: NRRD and MetaImage."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from ..model.errors import FileFormatError, GeometryError
from ..model.geometry import VolumeGeometry
from ..storage.names import tame_name
from .image import SourceRecord, VolumeImage
from .voxels import canonical_image, check_finite


def read_itk(path: Path, kind: str, image_io: str) -> VolumeImage:
    """The scan in ``path``, read by the named reader of ITK; ``kind`` is the source record's.

    Raises FileFormatError when SimpleITK cannot read it whole or it is no volume of single numbers.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        sizes = reader.GetSize()
        if reader.GetNumberOfComponents() != 1:
            count = reader.GetNumberOfComponents()
            raise FileFormatError(f"it has {count} numbers per voxel; a scan has one", path)
        if len(sizes) != 3:
            raise FileFormatError(
                f"it has {len(sizes)} axes ({'×'.join(map(str, sizes))}); a scan has three", path
            )
        image = reader.Execute()
    except RuntimeError as error:
        raise FileFormatError(f"it cannot be read: {_cause(error)}", path) from error
    array = sitk.GetArrayFromImage(image).T
    try:
        check_finite(array)
        geometry = VolumeGeometry.from_lps(
            array.shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection()
        )
    except (FileFormatError, GeometryError) as error:
        raise FileFormatError(error.reason, path) from error
    source = SourceRecord(kind, geometry, geometry.canonical()[1], [path])
    return canonical_image(array, source, suggested_name=tame_name(path.stem, "volume"))


def _cause(error: RuntimeError) -> str:
    """What ITK says in the end, without its source files and line numbers."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason given"
    if last.startswith("Reason:"):
        # MetaImage names the system's last error here, which is of another matter
        return "it is truncated or damaged"
    for mark in ("[nrrd] ", "ITK ERROR: ", "sitk::ERROR: "):
        last = last.rpartition(mark)[2] or last
    return last
