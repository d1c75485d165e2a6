"""The Segment Editor effect's logic on Slicer's own segmentations: any grid, masking, overwriting, undo."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelInterpolateLib.errors import InterpolationError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.planes import Plane
from support.grids import random_matrix
from support.segment_editing import SHAPE, LogicEditing, register_converters

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "MedLabelInterpolate"))
from MedLabelInterpolateEffect.segment_interpolation import SegmentInterpolation

DICOM = np.array([[-0.7, 0, 0, 90.0], [0, -0.7, 0, 80], [0, 0, 2.5, -40], [0, 0, 0, 1]])
CORONAL = np.array([[-0.7, 0, 0, 90.0], [0, 0, 2.5, 80], [0, -0.7, 0, -40], [0, 0, 0, 1]])
GRIDS = {
    "dicom": DICOM,
    "coronal": CORONAL,
    "oblique": random_matrix(np.random.default_rng(3)),
    "left-handed": random_matrix(np.random.default_rng(4)) @ np.diag([1, 1, -1, 1]),
}


@pytest.fixture(scope="module", autouse=True)
def converters():
    register_converters()


@pytest.fixture(params=GRIDS)
def editing(request) -> LogicEditing:
    return LogicEditing(GRIDS[request.param])


def drawn(editing: LogicEditing, *keys: int) -> str:
    segment_id = editing.add("tumour")
    for index in keys:
        editing.paint(segment_id, index)
    return segment_id


def square(*indices: int) -> np.ndarray:
    voxels = np.zeros(SHAPE, bool)
    for index in indices:
        voxels[8:18, 8:18, index] = True
    return voxels


def rested(editing: LogicEditing, segment_id: str, **options) -> SegmentInterpolation:
    made = SegmentInterpolation(editing.scene, editing, segment_id, method="shape", **options)
    made.rest()
    return made


def test_the_gaps_are_proposed_beside_the_segments_and_applied_in_one_step(editing) -> None:
    segment_id = drawn(editing, 3, 8, 15)
    before = editing.voxels(segment_id)
    assert np.array_equal(before, square(3, 8, 15))
    nodes = editing.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    made = rested(editing, segment_id)
    preview = editing.voxels(segment_id, made.preview_node)
    assert np.array_equal(preview, square(*range(4, 8), *range(9, 15)))
    assert made.preview_node.GetSegmentation().ContainsRepresentation("Closed surface")
    assert np.array_equal(editing.voxels(segment_id), before)
    assert editing.saved == 0
    assert made.apply() == preview.sum()
    assert np.array_equal(editing.voxels(segment_id), before | preview)
    assert editing.saved == 1
    assert editing.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == nodes
    editing.logic.Undo()
    assert np.array_equal(editing.voxels(segment_id), before)


def test_the_plane_is_that_of_the_drawn_slices_in_the_patient(editing) -> None:
    segment_id = drawn(editing, 3, 8)
    geometry, axis_map = VolumeGeometry(
        SHAPE, np.array([[editing.matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    ).canonical()
    made = rested(editing, segment_id)
    assert made.live.plane is Plane.of_axis(axis_map.permutation.index(2))
    assert geometry.shape[made.live.plane.axis] == SHAPE[2]


def test_cancelling_leaves_no_trace(editing) -> None:
    segment_id = drawn(editing, 3, 8)
    before = editing.voxels(segment_id)
    nodes = editing.scene.GetNumberOfNodes()
    made = rested(editing, segment_id)
    made.close()
    assert editing.scene.GetNumberOfNodes() == nodes
    assert np.array_equal(editing.voxels(segment_id), before)
    assert editing.saved == 0


def test_it_follows_an_edited_key_slice(editing) -> None:
    segment_id = drawn(editing, 3, 8, 15)
    made = rested(editing, segment_id)
    before = [gap.fill for gap in made.live.gaps]
    editing.paint(segment_id, 3, 6, 20)
    assert made.follow() is True
    preview = editing.voxels(segment_id, made.preview_node)
    assert preview[:, :, 4].sum() > 100
    assert preview[:, :, 12].sum() == 100
    # of the two gaps, only that beside the slice was filled anew
    assert sorted(gap.fill is fill for gap, fill in zip(made.live.gaps, before, strict=True)) == [False, True]
    made.close()


def test_filled_slices_are_no_key_slices_until_they_are_edited(editing) -> None:
    segment_id = drawn(editing, 3, 11)
    rested(editing, segment_id).apply()
    again = rested(editing, segment_id)
    assert len(again.live.gaps) == 1
    again.close()
    editing.paint(segment_id, 6, 4, 22)
    again = rested(editing, segment_id)
    assert len(again.live.gaps) == 2
    again.apply()
    after = editing.voxels(segment_id)
    assert after[:, :, 6].sum() == 18 * 18
    assert 100 < after[:, :, 5].sum() < 18 * 18


def test_what_was_filled_before_gives_way_to_a_smaller_proposal(editing) -> None:
    segment_id = drawn(editing, 3, 11)
    rested(editing, segment_id).apply()
    editing.paint(segment_id, 11, add=False)
    editing.paint(segment_id, 11, 11, 15)
    rested(editing, segment_id).apply()
    after = editing.voxels(segment_id)
    assert after[:, :, 11].sum() == 16
    assert after[:, :, 10].sum() < 60


def test_masking_and_overwriting_are_as_the_editor_is_set(editing) -> None:
    other = editing.add("vessel")
    editing.paint(other, 5, 8, 11)
    segment_id = drawn(editing, 3, 8)
    vessel = editing.voxels(other)
    editing.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
    editing.node.SetSelectedSegmentID(segment_id)
    made = rested(editing, segment_id)
    assert not (editing.voxels(segment_id, made.preview_node) & vessel).any()
    made.apply()
    assert not (editing.voxels(segment_id) & vessel).any()
    assert np.array_equal(editing.voxels(other), vessel)
    editing.logic.Undo()
    editing.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    editing.node.SetOverwriteMode(editing.node.OverwriteAllSegments)
    rested(editing, segment_id).apply()
    assert not (editing.voxels(segment_id) & editing.voxels(other)).any()
    assert not editing.voxels(other).any()


def test_the_next_slice_is_a_place_in_the_scene(editing) -> None:
    segment_id = drawn(editing, 3, 8, 15)
    made = rested(editing, segment_id)
    place = np.array([*made.next_slice_position(), 1.0])
    matrix = np.array([[editing.matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    index = np.linalg.inv(matrix) @ place
    assert np.abs(index[:2] - 12.5).max() <= 1
    assert round(index[2]) in (*range(4, 8), *range(9, 15))
    made.close()


def test_what_cannot_be_filled_is_said(editing) -> None:
    segment_id = editing.add("tumour")
    made = rested(editing, segment_id)
    assert made.problem == "tumour is drawn on no slice."
    assert made.next_slice_position() is None
    with pytest.raises(InterpolationError, match="nothing to apply"):
        made.apply()
    assert editing.saved == 0
    made.close()
