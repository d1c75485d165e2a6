"""Reading a scan in a MetaImage file."""

from __future__ import annotations

from pathlib import Path

from ..model.errors import FileFormatError
from .image import VolumeImage
from .itk_file import read_itk


def read_metaimage(path: str | Path) -> VolumeImage:
    """The scan in a ``.mha`` file, or a ``.mhd`` with its data file.

    Raises FileFormatError when it is truncated, damaged, has other than three axes or one number per
    voxel, or values that are not finite; OSError when it cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as file:
        if b"ObjectType" not in file.read(4096):
            raise FileFormatError("it is not a MetaImage file", path)
    return read_itk(path, "metaimage", "MetaImageIO")
