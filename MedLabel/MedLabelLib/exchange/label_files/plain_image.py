"""Label images as files of labels: NRRD, NIfTI, MetaImage, with the names that lie beside them."""

from __future__ import annotations

import functools
from pathlib import Path

from ..label_image import LabelImage
from .itksnap import descriptions_beside
from .label_file import FoundLabel, LabelFile


def read_label_image(path: str | Path) -> LabelFile:
    """A label for each value of the image, named as ITK-SNAP's or Slicer's table beside it says.

    Raises FileFormatError when it cannot be read or its values are no whole numbers; OSError.
    """
    path = Path(path)
    image = LabelImage.read(path)
    known = {entry.value: entry for entry in descriptions_beside(path)}
    labels = []
    for value in image.values():
        entry = known.get(value)
        name = entry.name if entry else f"label {value}"
        color = entry.color if entry else None
        carry = functools.partial(image.mask, value=value)
        labels.append(FoundLabel(name, name, color, value, carry=carry))
    return LabelFile(path, "label image", tuple(labels), grid=image.geometry)
