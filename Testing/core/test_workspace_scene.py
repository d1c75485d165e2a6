"""The workspace on Slicer's own scene: what a view's pixels are in voxels, and segments as masks are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import ReadOnlyError, VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from MedLabelLib.workspace.arrays import from_vtk_matrix
from MedLabelLib.workspace.segment_reader import SegmentReader
from MedLabelLib.workspace.slice_frame import direction_letters
from MedLabelLib.workspace.slice_orientation import SliceOrientation
from MedLabelLib.workspace.strokes import Stroke, StrokeError
from MedLabelLib.workspace.workspace import Workspace
from support.plain_brush import plain_stroke

SHAPE = (20, 24, 9)


def _image(matrix=None) -> VolumeImage:
    if matrix is None:
        matrix = np.diag([0.7, 0.7, 2.5, 1.0])
    geometry = VolumeGeometry(SHAPE, matrix)
    values = np.asfortranarray(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE))
    same = AxisMap((0, 1, 2), (False, False, False), SHAPE)
    return VolumeImage(values, geometry, SourceRecord("nrrd", geometry, same), "CT", unit="HU")


def _oblique() -> np.ndarray:
    a, b = np.radians(25), np.radians(-14)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * [0.7, 0.9, 2.5]
    matrix[:3, 3] = (-31.0, 12.0, 400.0)
    return matrix


@pytest.fixture
def workspace(tmp_path: Path):
    project = Project.create(tmp_path / "project", Definitions().with_class("liver"))
    volume = project.dataset("ds0", create=True).add_volume("scan", _image(_oblique()))
    with VolumeSession.open(volume, "test", "command") as session:
        opened = Workspace(slicer.vtkMRMLScene(), volume.read_image(), "scan", session)
        yield opened
        opened.close()


def _slice_node(scene, columns: int, rows: int):
    node = slicer.vtkMRMLSliceNode()
    node.SetName("view")
    node.SetLayoutName("view")
    scene.AddNode(node)
    node.SetDimensions(columns, rows, 1)
    return node


@pytest.mark.parametrize(("plane", "size"), list(itertools.product(Plane, [(300, 200), (200, 300)])))
def test_a_views_pixels_are_the_voxels_that_slicer_shows_there(workspace, plane, size) -> None:
    node = _slice_node(workspace.scene, *size)
    view = workspace.add_view("view", node, plane)
    for act in (
        lambda: None,
        lambda: view.go(3),
        lambda: view.zoom_by(2.5, (0.2, 0.7)),
        lambda: view.pan_by(0.1, -0.2),
        lambda: view.rotate(True),
        lambda: view.flip(True),
        lambda: view.zoom_by(0.7, (0.9, 0.1)),
        lambda: view.flip(False),
        lambda: view.rotate(False),
    ):
        act()
        to_ijk = view.pixels_to_ijk()
        xy_to_ras = from_vtk_matrix(node.GetXYToRAS())
        for x, y in [(0.0, 0.0), (120.5, 77.25), (199.0, 150.0)]:
            ours = to_ijk @ [x, y, 1.0]
            ras = xy_to_ras @ [x - 0.5, size[1] - 0.5 - y, 0.0, 1.0]
            assert np.allclose(workspace.geometry.ras_to_ijk(ras[:3]), ours, atol=1e-6)
            assert ours[plane.axis] == view.index


@pytest.mark.parametrize("plane", list(Plane))
def test_the_whole_slice_fits_and_the_letters_are_where_the_indices_grow(workspace, plane) -> None:
    view = workspace.add_view("view", _slice_node(workspace.scene, 300, 200), plane)
    corners = np.array([view.pixels_to_ijk() @ [x, y, 1.0] for x in (0, 300) for y in (0, 200)])
    for axis in (plane.columns, plane.rows):
        assert corners[:, axis].min() <= -0.5 + 1e-6
        assert corners[:, axis].max() >= SHAPE[axis] - 0.5 - 1e-6
    letters = {side: letter[0] for side, letter in view.letters().items()}
    across = view.pixels_to_ijk() @ [300, 100, 1.0] - view.pixels_to_ijk() @ [0, 100, 1.0]
    down = view.pixels_to_ijk() @ [150, 200, 1.0] - view.pixels_to_ijk() @ [150, 0, 1.0]
    grows = {"R": 0, "A": 1, "S": 2}
    shrinks = {"L": 0, "P": 1, "I": 2}
    for step, letter in ((across, letters["right"]), (down, letters["bottom"])):
        axis = grows.get(letter, shrinks.get(letter))
        assert abs(step[axis]) == pytest.approx(abs(step).max())
        assert (step[axis] > 0) == (letter in grows)


@pytest.mark.parametrize("plane", list(Plane))
def test_turning_and_flipping_move_what_is_on_the_screen(workspace, plane) -> None:
    """The voxel in the top left corner of a square view goes where turning a picture takes a corner."""
    view = workspace.add_view("view", _slice_node(workspace.scene, 200, 200), plane)
    view.zoom_by(1.7, (0.3, 0.6))
    view.pan_by(0.05, 0.1)

    def corners():
        return [view.pixels_to_ijk() @ [x, y, 1.0] for x, y in ((20, 30), (170, 20), (180, 170), (30, 180))]

    start, letters = corners(), view.letters()
    sides = ("left", "top", "right", "bottom")
    view.rotate(True)
    # a square about the middle of the view: each corner has gone to the next one, clockwise
    assert np.allclose(corners()[1:] + corners()[:1], start, atol=1e-6)
    assert [view.letters()[side] for side in sides] == [
        letters[s] for s in ("bottom", "left", "top", "right")
    ]
    view.rotate(False)
    assert np.allclose(corners(), start, atol=1e-6)
    for horizontally, (a, b) in ((True, ("left", "right")), (False, ("top", "bottom"))):
        there = view.pixels_to_ijk() @ [20, 30, 1.0]
        view.flip(horizontally)
        back = [180, 30, 1.0] if horizontally else [20, 170, 1.0]
        assert np.allclose(view.pixels_to_ijk() @ back, there, atol=1e-6)
        assert (view.letters()[a], view.letters()[b]) == (letters[b], letters[a])
        view.flip(horizontally)
    view.flip(True)
    view.rotate(True)
    view.inverted = True
    view.reset()
    assert view.letters() == letters
    assert (view.zoom, view.center, view.inverted) == (1.0, (0.0, 0.0), False)


def test_eight_ways_to_lay_a_picture_are_reached_and_undone() -> None:
    found = {SliceOrientation()}
    for _ in range(4):
        found |= {
            w for o in found for w in (o.rotated(True), o.rotated(False), o.flipped(True), o.flipped(False))
        }
    assert len(found) == 8
    for way in found:
        assert way.rotated(True).rotated(False) == way
        assert way.flipped(True).flipped(True) == way
        assert way.flipped(True).flipped(False) == way.rotated(True).rotated(True)
        # on the screen: a turn brings up to the right, a flip exchanges left and right
        assert np.array_equal(way.rotated(True).axes[:, 0], way.axes[:, 1])
        assert np.array_equal(way.flipped(True).axes, way.axes * [-1, 1])
        assert np.array_equal(way.flipped(False).axes, way.axes * [1, -1])


@pytest.mark.parametrize(
    ("direction", "letters"),
    [((1, 0, 0), "R"), ((0, -1, 0), "P"), ((0.2, 0, 0.98), "S"), ((0.8, 0.6, 0), "RA"),
     ((-0.5, 0.1, 0.85), "SL"), ((0.58, -0.577, 0.576), "RPS")],
)  # fmt: skip
def test_the_letters_of_an_oblique_direction(direction, letters) -> None:
    assert direction_letters(np.array(direction)) == letters


def test_a_point_that_is_zoomed_at_stays_under_the_pointer(workspace) -> None:
    view = workspace.add_view("view", _slice_node(workspace.scene, 300, 200), Plane.AXIAL)
    before = view.pixels_to_ijk() @ [60, 140, 1.0]
    view.zoom_by(3.0, (60 / 300, 140 / 200))
    assert np.allclose(view.pixels_to_ijk() @ [60, 140, 1.0], before, atol=1e-9)


def _stroke(key: str, number: int, **changes) -> dict:
    stroke = {"id": f"s{number}", "object": key, "plane": "coronal", "index": 7, "radius": 2.0, "mode": "add"}
    return {**stroke, "path": [[3, 7, 2], [12, 7, 6]], **changes}


def _shown(workspace, key: str) -> np.ndarray:
    """The voxels of an object's segment as they are in the scene."""
    return SegmentReader(workspace.binding.segmentation, workspace.geometry).read(key).full().astype(bool)


def test_strokes_reach_mask_segment_and_undo_alike(workspace) -> None:
    key = workspace.new_object("liver").key
    expected = np.zeros(SHAPE, dtype=bool)
    for number, changes in enumerate(
        [
            {},
            {"plane": "axial", "index": 0, "path": [[-3, 2, 0], [30, 2, 0]]},
            {"mode": "erase", "radius": 1.0},
        ]
    ):
        data = _stroke(key, number, **changes)
        workspace.draw(Stroke.from_json(data))
        painted = plain_stroke(workspace.geometry, data)
        expected = expected & ~painted if data["mode"] == "erase" else expected | painted
        assert np.array_equal(workspace.object(key).mask.full().astype(bool), expected)
        assert np.array_equal(_shown(workspace, key), expected)
    workspace.undo()
    workspace.undo()
    workspace.undo()
    assert workspace.object(key).mask is None or workspace.object(key).mask.count == 0
    assert not _shown(workspace, key).any()


def test_a_stroke_that_is_sent_again_is_drawn_once(workspace) -> None:
    key = workspace.new_object("liver").key
    assert workspace.draw(Stroke.from_json(_stroke(key, 1))) > 0
    workspace.undo()
    assert workspace.draw(Stroke.from_json(_stroke(key, 1))) == 0
    assert workspace.object(key).mask is None or workspace.object(key).mask.count == 0


@pytest.mark.parametrize(
    "changes",
    [{"path": []}, {"path": [[1, 2]]}, {"path": [[1, 2, float("nan")]]}, {"plane": "oblique"}, {"mode": "x"},
     {"radius": "wide"}, {"id": ""}, {"index": None}],
)  # fmt: skip
def test_what_is_no_stroke_is_refused(changes) -> None:
    with pytest.raises(StrokeError):
        Stroke.from_json(_stroke("key", 1, **changes))


def test_a_deleted_object_leaves_the_scene_and_undo_brings_it_back(workspace) -> None:
    key = workspace.new_object("liver").key
    workspace.draw(Stroke.from_json(_stroke(key, 1)))
    count = workspace.object(key).mask.count
    workspace.delete_object(key)
    assert key not in workspace.binding.keys
    assert workspace.selected is None
    workspace.undo()
    assert _shown(workspace, key).sum() == count


def test_a_scan_without_a_project_gets_one_at_the_first_object(tmp_path: Path) -> None:
    def make_session() -> VolumeSession:
        project = Project.create(tmp_path / "beside")
        return VolumeSession.open(
            project.dataset("ds0", create=True).add_volume("scan", _image()), "test", "command"
        )

    opened = Workspace(slicer.vtkMRMLScene(), _image(), "scan", make_session=make_session)
    assert not (tmp_path / "beside").exists()
    key = opened.new_object("new class").key
    opened.draw(Stroke.from_json(_stroke(key, 1)))
    opened.close()
    (entry,) = Project.open(tmp_path / "beside").find_volume("scan").read_annotation().objects
    assert entry.class_name == "new class"
    assert entry.mask.count > 0


def test_a_scan_to_look_at_only_refuses_edits() -> None:
    opened = Workspace(slicer.vtkMRMLScene(), _image(), "scan")
    with pytest.raises(ReadOnlyError):
        opened.new_object("liver")


def test_the_value_under_the_pointer_is_the_scans(workspace) -> None:
    assert workspace.value_at((3, 4, 5)) == int(_image().array[3, 4, 5])
    assert workspace.value_at((-1, 0, 0)) is None
    assert workspace.value_at((0, 0, 9)) is None


def test_an_object_is_found_where_it_is(workspace) -> None:
    added = LabelObject("liver")
    with workspace.session.edit("ring", tool="test") as edit:
        live = edit.add_object(added)
        ring = np.zeros(SHAPE, dtype=bool)
        ring[4:11, 4:11, 5] = True
        ring[6:9, 6:9, 5] = False
        from MedLabelLib.model.box import Box

        edit.write_mask(live.key, Box.whole(SHAPE), ring)
    assert ring[workspace.center_of(added.key)]
