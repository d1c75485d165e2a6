"""ITK-SNAP: NIfTI label images by class, and its label description file for them."""

from __future__ import annotations

from pathlib import Path

from ...model.errors import ExportError
from ..label_files.itksnap import read_descriptions
from .comparison import Comparison
from .image_files import write_images
from .image_format import NIFTI
from .label_item import VolumeLabels
from .options import ExportOptions

_HEAD = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
# Fields:
#    IDX:   Zero-based index
#    -R-:   Red color component (0..255)
#    -G-:   Green color component (0..255)
#    -B-:   Blue color component (0..255)
#    -A-:   Label transparency (0.00 .. 1.00)
#    VIS:   Label visibility (0 or 1)
#    MSH:   Label mesh visibility (0 or 1)
#  LABEL:   Label description
################################################
"""


def write_itksnap(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[list[Path], Comparison]:
    """Write a volume as NIfTI images with the classes' values, and ``labels.txt`` that describes these.

    Returns the files. Raises ExportError when one did not read back as it was written.
    """
    files, compared = write_images(labels, folder, NIFTI, lost, by_class=True)
    classes = labels.volume.dataset.project.definitions.classes
    path = folder / "labels.txt"
    lines = [_line(0, "#000000", "0", "Clear Label")]
    for value, entry in enumerate(classes, 1):
        name = entry.name.replace('"', "'").replace("\n", " ")
        if name != entry.name:
            lost.append(
                f"{labels.label}: ITK-SNAP has no quotation marks in names; {entry.name!r} is {name!r}"
            )
        lines.append(_line(value, entry.color, "1", name))
    path.write_text(_HEAD + "".join(lines), encoding="utf-8")
    found = [(entry.value, entry.name, entry.color) for entry in read_descriptions(path)]
    expected = [
        (value, entry.name.replace('"', "'").replace("\n", " "), entry.color)
        for value, entry in enumerate(classes, 1)
    ]
    if found != expected:
        raise ExportError(f"{path.name} did not read back with the classes that were written")
    return [*files, path], Comparison(labels.label, compared.objects, (*compared.what, "names", "colours"))


def _line(value: int, color: str, shown: str, name: str) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f'{value:5d} {red:5d} {green:4d} {blue:4d} {int(shown):8d}  {shown}  {shown}    "{name}"\n'
