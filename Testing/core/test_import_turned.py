"""Supervisely projects whose scans have other axes than R, A, S: turned on import, labels and all.

Where a label lies is worked out from the files as Supervisely means them, by the index of the NRRD file;
it must lie at the same places of the patient afterwards.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import Annotation, LabelObject, PlaneFigure
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.figures import Bitmap, OpaqueShape, Polygon, Rectangle
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.annotation_json import annotation_to_json
from MedLabelLib.storage.atomic import write_json
from MedLabelLib.storage.mask_file import write_mask
from MedLabelLib.storage.project import Project
from support.dicom_files import numbers
from support.grids import every_voxel, random_geometry, seeds
from support.projects import new_project, random_mask, write_nrrd

# (column, row) of each plane's images as indices of the volume: Supervisely's table
_IMAGE_AXES = {"sagittal": (0, 1, 2), "coronal": (1, 0, 2), "axial": (2, 0, 1)}


def _places(geometry: VolumeGeometry, figure: PlaneFigure, points) -> set[tuple]:
    axis, column, row = _IMAGE_AXES[figure.plane.value]
    index = np.empty((len(points), 3))
    index[:, axis] = figure.slice_index
    index[:, [column, row]] = points
    return set(map(tuple, np.round(geometry.grid_to_ras(index), 3).tolist()))


def _figure_places(geometry: VolumeGeometry, figure: PlaneFigure) -> list[set[tuple]]:
    shape = figure.shape
    if isinstance(shape, Bitmap):
        rows, columns = np.nonzero(shape.pixels)
        return [_places(geometry, figure, np.stack([columns, rows], 1) + shape.origin)]
    if isinstance(shape, Polygon):
        return [_places(geometry, figure, points) for points in (shape.exterior, *shape.interior)]
    if isinstance(shape, Rectangle):
        left, top, right, bottom = shape.bounds
        return [_places(geometry, figure, list(itertools.product((left, right), (top, bottom))))]
    return [_places(geometry, figure, shape.geometry["points"]["exterior"])]


def _foreign(folder: Path, geometry: VolumeGeometry, labels: Annotation) -> np.ndarray:
    """A project as other tools write it, its scan in the axes of ``geometry``; returns its voxels."""
    project = Project.create(folder, Definitions().with_class("tumour", "any"))
    dataset = project.dataset("ds0", create=True)
    array = numbers(geometry.shape)
    write_nrrd(dataset.path / "volume" / "a.nrrd", array, geometry)
    (dataset.path / "ann").mkdir(parents=True, exist_ok=True)
    write_json(dataset.path / "ann" / "a.nrrd.json", annotation_to_json(labels))
    for entry in labels.objects:
        if entry.mask is not None:
            path = dataset.path / "mask" / "a.nrrd" / f"{entry.mask_key}.nrrd"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_mask(path, entry.mask, geometry)
    return array


def _labels(random: np.random.Generator, shape: tuple[int, int, int]) -> Annotation:
    owner = LabelObject("tumour", mask=random_mask(random, shape), mask_key="ab" * 16)
    labels = Annotation(shape, volume_meta={"modality": "MR"}, objects=[owner])
    for plane in Plane:
        axis, column, row = _IMAGE_AXES[plane.value]
        height, width = shape[row], shape[column]
        pixels = random.random((height, width)) < 0.4
        pixels[0, -1] = True
        corners = [tuple(random.uniform(0, (width - 1, height - 1)).tolist()) for _ in range(6)]
        for figure in (
            Bitmap((0, 0), pixels),
            Polygon(tuple(corners[:3]), (tuple(corners[3:]),)),
            Rectangle((corners[0], corners[1])),
            OpaqueShape("point", {"points": {"exterior": [list(corners[0])], "interior": []}}),
        ):
            labels.figures.append(PlaneFigure(owner.key, plane, int(random.integers(shape[axis])), figure))
    return labels


@given(seeds)
def test_every_label_stays_at_its_place_in_the_patient(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("turned")
    geometry = random_geometry(random, random.choice(["even", "sheared", "single"]))
    labels = _labels(random, geometry.shape)
    array = _foreign(folder / "other", geometry, labels)
    project = new_project(folder / "p")
    report = import_sources(project, [folder / "other"])
    assert report.failed == []
    volume = Project.open(folder / "p").find_volume("a")
    image, taken = volume.read_image(), volume.read_annotation()
    assert image.modality == "MR"
    assert (np.diag(image.geometry.directions) > 0).all() or geometry.canonical()[1].is_identity
    indices = every_voxel(geometry.shape)
    found = np.rint(image.geometry.ras_to_ijk(geometry.ijk_to_ras(indices))).astype(int)
    assert np.array_equal(image.array[tuple(found.T)], array[tuple(indices.T)])

    (owner,) = taken.objects
    moved = np.rint(
        image.geometry.ras_to_ijk(geometry.grid_to_ras(np.argwhere(labels.objects[0].mask.full())))
    )
    assert set(map(tuple, moved)) == set(map(tuple, np.argwhere(owner.mask.full()).astype(float)))
    before = {figure.key: figure for figure in labels.figures}
    assert {figure.key for figure in taken.figures} == set(before)
    for figure in taken.figures:
        old = before[figure.key]
        assert type(figure.shape) is type(old.shape)
        for ours, theirs in zip(
            _figure_places(image.geometry, figure), _figure_places(geometry, old), strict=True
        ):
            assert len(ours) == len(theirs)
            ours, theirs = np.array(sorted(ours)), np.array(sorted(theirs))
            far = np.abs(ours[:, None] - theirs[None]).max(axis=2).min(axis=1)
            assert far.max() < 0.01


def test_a_turned_project_is_told_of_and_what_cannot_be_turned_too(tmp_path):
    geometry = VolumeGeometry((4, 5, 6), np.diag([-1.0, -2.0, 3.0, 1.0]))
    labels = _labels(np.random.default_rng(1), geometry.shape)
    labels.figures.append(
        PlaneFigure(labels.objects[0].key, Plane.AXIAL, 2, OpaqueShape("graph", {"nodes": {"a": [1, 2]}}))
    )
    _foreign(tmp_path / "other", geometry, labels)
    other = Project.open(tmp_path / "other").find_volume("a")
    for ask in (other.geometry, other.read_image, other.read_annotation):
        with pytest.raises(GeometryError, match="medlabel import"):
            ask()
    report = import_sources(new_project(tmp_path / "p"), [tmp_path / "other"])
    told = [reason for label, reason in report.warnings if label == "ds0/a"]
    assert "it was turned, labels and all" in told[0]
    assert told[1] == "a figure of kind 'graph' cannot be turned, and was left out"
    assert len(report.added[0].read_annotation().figures) == len(labels.figures) - 1
