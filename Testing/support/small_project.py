"""A small real project on the disk, for tests of what is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

SHAPE = (24, 20, 12)


def small_volume(folder: Path, shape: tuple[int, int, int] = SHAPE, name: str = "scan") -> Volume:
    """A project with the classes ``tumour`` and ``node``, and one empty volume of ``shape`` voxels."""
    classes = (LabelClass("tumour"), LabelClass("node", color="#56B4E9"))
    project = Project.create(folder, Definitions(classes))
    return add_small_volume(project, shape, name)


def add_small_volume(project: Project, shape: tuple[int, int, int] = SHAPE, name: str = "scan") -> Volume:
    geometry = VolumeGeometry(shape, np.diag([0.8, 0.8, 2.5, 1.0]))
    values = np.arange(np.prod(shape), dtype=np.int64) % 500
    array = np.asfortranarray(values.reshape(shape).astype(np.int16))
    whole = AxisMap((0, 1, 2), (False, False, False), shape)
    image = VolumeImage(array, geometry, SourceRecord("nrrd", geometry, whole), "CT")
    return project.dataset("scans", create=True).add_volume(name, image)


def reopened(volume: Volume) -> Volume:
    """The same volume through a project opened anew."""
    project = Project.open(volume.dataset.project.path)
    return project.dataset(volume.dataset.name).volume(volume.name)
