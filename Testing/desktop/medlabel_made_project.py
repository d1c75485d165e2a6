"""A small project for the tests that run inside Slicer: one CT on a tilted grid, two objects that overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

SHAPE = (40, 36, 20)
LABEL = "ds0/scan"


def block(start: tuple[int, int, int], stop: tuple[int, int, int]) -> np.ndarray:
    voxels = np.zeros(SHAPE, dtype=bool, order="F")
    voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return voxels


TUMOUR = block((8, 8, 4), (18, 18, 10))
LIVER = block((14, 12, 6), (30, 28, 16))


def tilted_matrix() -> np.ndarray:
    turn = np.radians(12)
    matrix = np.eye(4)
    matrix[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    matrix[:3, :3] *= (0.8, 0.9, 2.5)
    matrix[:3, 3] = (-20.0, 15.0, -130.0)
    return matrix


def make_project(folder: Path) -> Project:
    geometry = VolumeGeometry(SHAPE, tilted_matrix())
    values = np.full(SHAPE, -1000, dtype=np.int16, order="F")
    values[TUMOUR | LIVER] = 40
    same = AxisMap((0, 1, 2), (False, False, False), SHAPE)
    image = VolumeImage(values, geometry, SourceRecord("nrrd", geometry, same), "CT", unit="HU")
    project = Project.create(folder, Definitions().with_class("tumour").with_class("liver"))
    volume = project.dataset("ds0", create=True).add_volume("scan", image)
    with VolumeSession.open(volume, "test", "command") as session, session.edit("begin") as edit:
        edit.add_object(LabelObject("tumour", mask=Mask.from_array(TUMOUR)))
        edit.add_object(LabelObject("liver", mask=Mask.from_array(LIVER)))
    return project


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """The voxels of every object as the core reads them anew from the folder, by ``class #n``."""
    volume = Project.open(folder).find_volume(LABEL)
    # by the journal: the files follow a little later
    with VolumeSession.open(volume, "test", "command", read_only=True) as session:
        annotation = session.annotation
        return {
            f"{entry.class_name} #{annotation.number(entry)}": (entry.mask or Mask(SHAPE)).full() != 0
            for entry in annotation.objects
        }
