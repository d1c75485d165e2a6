"""What the desktop lists of a project, without Qt."""

from __future__ import annotations

from dataclasses import dataclass

from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume


@dataclass(frozen=True)
class VolumeRow:
    """A volume as a line of the list; ``problem`` says why it cannot be opened, where it cannot."""

    dataset: str
    name: str
    label: str
    modality: str = ""
    size: str = ""
    objects: str = ""
    problem: str = ""


def volume_rows(project: Project) -> list[VolumeRow]:
    """All volumes by dataset and name. One that cannot be read is listed with its problem."""
    return [_row(volume) for volume in project.volumes()]


def _row(volume: Volume) -> VolumeRow:
    place = (volume.dataset.name, volume.name, volume.label)
    try:
        annotation = volume.read_annotation(with_masks=False)
        size = "×".join(str(n) for n in annotation.shape)
        return VolumeRow(*place, volume.modality, size, str(len(annotation.objects)))
    except MedLabelError as error:
        return VolumeRow(*place, problem=error.reason)
