"""Volumes with random labels of every kind: overlapping, empty, filling all, touching every border."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from support.dicom_files import Series, numbers
from support.grids import random_geometry
from support.projects import write_nrrd

CLASSES = (
    "liver",
    "tumour",
    "kidney_left",
    "Ünï \\ cödé",
    "a class of a name so long that no field holds it" * 2,
)


def random_labels(
    random: np.random.Generator, shape: tuple[int, int, int], count: int, overlap: bool = True
) -> list[Mask]:
    """``count`` masks; without ``overlap`` they are parts of one labelmap."""
    if not overlap:
        parts = random.integers(0, count + 1, shape)
        return [Mask.from_array(parts == number) for number in range(1, count + 1)]
    masks = []
    for kind in random.choice(["scattered", "empty", "filled", "borders", "box", "voxel"], count):
        array = np.zeros(shape, dtype=bool)
        if kind == "scattered":
            array = random.random(shape) < 0.3
        elif kind == "filled":
            array[:] = True
        elif kind == "borders":
            array[[0, -1]] = array[:, [0, -1]] = array[:, :, [0, -1]] = True
        elif kind == "box":
            ends = np.sort([random.integers(0, n, 2) for n in shape])
            array[tuple(slice(a, b + 1) for a, b in ends)] = True
        elif kind == "voxel":
            array[tuple(random.integers(0, shape))] = True
        masks.append(Mask.from_array(array))
    return masks


def random_series(random: np.random.Generator, folder: Path) -> None:
    """A DICOM series of any size and orientation, its slices in any order."""
    shape = tuple(int(n) for n in random.integers(1, 12, 3))
    axes = np.eye(3) if random.random() < 0.2 else Rotation.random(random_state=random).as_matrix()
    series = Series(
        numbers(shape),
        (*axes[:, 0], *axes[:, 1]),
        tuple(random.uniform(0.3, 3.0, 2)),
        np.array([1.0, 2.0, 3.0]) + np.arange(shape[2])[:, None] * random.uniform(0.5, 6.0) * axes[:, 2],
        every={"SliceThickness": 2.0},
    )
    series.write(folder, random.permutation(shape[2]).tolist())


def random_volume(random: np.random.Generator, folder: Path, kind: str) -> Volume:
    """A volume in a new project, of a DICOM series (``dicom``) or of an NRRD file (as random_geometry)."""
    definitions = Definitions()
    for name in CLASSES:
        definitions = definitions.with_class(name)
    definitions = definitions.with_tag(TagDefinition("seen")).with_tag(TagDefinition("note", "any_string"))
    project = Project.create(folder / "project", definitions.with_tag(TagDefinition("grade", "any_number")))
    if kind == "dicom":
        random_series(random, folder / "scan")
        return import_sources(project, [folder / "scan"]).added[0]
    geometry = random_geometry(random, kind)
    dtype = random.choice([np.int16, np.uint8, np.float32])
    path = write_nrrd(folder / "scan.nrrd", random.integers(0, 200, geometry.shape).astype(dtype), geometry)
    return import_sources(project, [path]).added[0]


def label(volume: Volume, masks: list[Mask], random: np.random.Generator) -> list[LabelObject]:
    """Give a volume an object of each mask, of random classes."""
    annotation = volume.read_annotation()
    annotation.objects += [LabelObject(str(random.choice(CLASSES)), mask=mask) for mask in masks]
    volume.write_annotation(annotation)
    return annotation.objects
