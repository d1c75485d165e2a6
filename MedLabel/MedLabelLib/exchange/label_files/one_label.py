"""One new object out of a file of labels, whatever its format."""

from __future__ import annotations

from pathlib import Path

from ...model.errors import NotFoundError
from ...storage.project import Project
from ...storage.volume import Volume
from ..label_image import LabelImage
from .attaching import AttachReport, attach
from .label_file import FoundLabel, LabelFile
from .reading import is_plain_image, read_labels_of


def attach_one(
    project: Project,
    volume: Volume,
    path: str | Path,
    class_name: str,
    value: int | None,
    author: str,
    face: str,
) -> AttachReport:
    """Make one object of ``class_name`` on a volume from a file.

    Of a label image it is the voxels of ``value``, or of any label. Of other files it is the label whose
    number is ``value``, else the one of the class's name, else the only one.

    Raises
    ------
    NotFoundError
        when the file has no such label.
    GeometryError
        when the label does not lie in the volume.
    """
    path = Path(path)
    if is_plain_image(path):
        image = LabelImage.read(path)
        label = FoundLabel(class_name, class_name, carry=lambda geometry: image.mask(geometry, value))
        file = LabelFile(path, "label image", (label,))
    else:
        file = read_labels_of(path)
        label = _chosen(file, class_name, value)
    return attach(project, volume, file, author, face, [label], class_name, again=True)


def _chosen(file: LabelFile, class_name: str, value: int | None) -> FoundLabel:
    if value is not None:
        found = [label for label in file.labels if label.value == value]
    elif len(file.labels) == 1:
        found = list(file.labels)
    else:
        found = [label for label in file.labels if class_name in (label.name, label.class_name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{label.value}: {label.name}" for label in file.labels[:20]) or "none"
    wanted = f"the value {value}" if value is not None else f"the name {class_name!r}"
    how_many = "several labels have" if found else "no label has"
    raise NotFoundError(f"{how_many} {wanted}; choose one by --value (it has: {known})", file.path)
