"""The history, looked at before anything is applied: what is shown would change, and goes without a trace."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from MedLabelLib.model.annotation import LabelObject, PlaneFigure, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import TagDefinition
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.model.figures import Rectangle
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project_journal import change_definitions
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.workspace.arrays import image_box, image_voxels
from MedLabelLib.workspace.compat import BINARY_LABELMAP
from MedLabelLib.workspace.history_preview import LOOKS, HistoryPreview, dots
from MedLabelLib.workspace.preview_layer import hatch
from MedLabelLib.workspace.workspace import Workspace
from support.small_project import SHAPE, small_volume


@pytest.fixture
def at_work(tmp_path):
    """A workspace on a small volume: a tumour that grew, a node that was deleted since."""
    volume = small_volume(tmp_path / "project")
    session = VolumeSession.open(volume, "ada", "browser", rest_seconds=1000)
    made = Workspace(slicer.vtkMRMLScene(), volume.read_image(), "scan", session)
    yield made
    made.close()


def draw(workspace: Workspace, key: str, start, stop, value: bool = True) -> None:
    box = Box(start, stop)
    with workspace.session.edit("Brush", tool="brush") as edit:
        edit.write_mask(key, box, np.full(box.shape, value))


def shown(workspace: Workspace, name: str) -> np.ndarray:
    """The voxels of a segment of the preview's node, as a boolean array of the whole volume."""
    node = workspace.history._overlay.node
    whole = np.zeros(SHAPE, dtype=bool)
    segment = node.GetSegmentation().GetSegment(name)
    if segment is not None:
        labelmap = segment.GetRepresentation(BINARY_LABELMAP)
        whole[image_box(labelmap).slices] = image_voxels(labelmap) == 1
    return whole


def trace(workspace: Workspace) -> tuple:
    """All that a preview could leave behind."""
    scene = workspace.scene
    display = workspace.binding.node.GetDisplayNode()
    return (
        sorted(scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())),
        [(key, display.GetSegmentVisibility(key)) for key in workspace.binding.keys],
        dict(workspace.surfaces._visible),
        workspace.session.newest_entry,
        workspace.session.annotation.objects,
    )


def a_block(start, stop) -> np.ndarray:
    voxels = np.zeros(SHAPE, dtype=bool)
    voxels[Box(start, stop).slices] = True
    return voxels


def until_surfaces(workspace: Workspace) -> None:
    while workspace.collect_surfaces():
        pass


def test_the_preview_shows_what_is_added_removed_and_kept(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    entry = at_work.session.last_step
    draw(at_work, tumour, (2, 2, 2), (4, 8, 5), False)
    draw(at_work, tumour, (10, 10, 6), (13, 14, 8))
    until_surfaces(at_work)
    before = trace(at_work)

    difference = at_work.history.show(entry)
    (changed,) = difference.objects
    was = a_block((2, 2, 2), (8, 8, 5)) & ~a_block((2, 2, 2), (4, 8, 5)) | a_block((10, 10, 6), (13, 14, 8))
    will = a_block((2, 2, 2), (8, 8, 5))
    wanted = {"added": will & ~was, "removed": was & ~will, "kept": was & will}
    for name, voxels in wanted.items():
        assert (shown(at_work, f"{name}-{tumour}") == voxels).all(), name
        assert voxels.any()
    assert changed.counts == tuple(int(voxels.sum()) for voxels in wanted.values())
    assert (shown(at_work, f"added-pattern-{tumour}") & ~wanted["added"]).sum() == 0
    ml = at_work.geometry.voxel_ml
    assert at_work.history.sentence() == (
        f"tumour #1 gains {36 * ml:.2f} ml and loses {24 * ml:.2f} ml, keeps {72 * ml:.2f} ml."
    )
    # the object itself is not drawn under its parts, in the slices or in 3D
    assert not at_work.binding.node.GetDisplayNode().GetSegmentVisibility(tumour)
    assert not at_work.surfaces._nodes[tumour].GetDisplayVisibility()
    until_surfaces(at_work)
    models = [
        at_work.scene.GetNthNodeByClass(n, "vtkMRMLModelNode")
        for n in range(at_work.scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
    ]
    assert sum(bool(model.GetDisplayVisibility()) for model in models) == 3

    at_work.history.cancel()
    assert trace(at_work) == before
    assert at_work.surfaces._nodes[tumour].GetDisplayVisibility()


def test_going_there_is_one_step_and_undo_goes_back(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    entry = at_work.session.last_step
    draw(at_work, tumour, (3, 3, 3), (20, 18, 9))
    now = at_work.object(tumour).mask.full()
    steps = len(at_work.session.history())
    at_work.history.show(entry)
    step = at_work.history.go_there()
    assert step.name == f"Restore to “Brush” ({entry})"
    assert at_work.history.entry is None
    assert (at_work.object(tumour).mask.full() == a_block((2, 2, 2), (8, 8, 5))).all()
    assert len(at_work.session.history()) == steps + 1
    at_work.undo()
    assert (at_work.object(tumour).mask.full() == now).all()


def test_one_object_alone_comes_back_also_a_deleted_one_with_all_it_had(at_work) -> None:
    project = at_work.session.volume.dataset.project
    change_definitions(project, lambda now: now.with_tag(TagDefinition("solid")), "tag", "ada", "browser")
    tumour, node = at_work.new_object("tumour").key, at_work.new_object("node").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    draw(at_work, node, (12, 12, 2), (15, 15, 5))
    with at_work.session.edit("tag") as edit:
        edit.change_object(node, tags=[Tag("solid")])
        edit.put_figure(PlaneFigure(node, Plane.AXIAL, 4, Rectangle(((1, 1), (6, 7)))))
    entry = at_work.session.last_step
    at_work.delete_object(node)
    draw(at_work, tumour, (3, 3, 3), (20, 18, 9))
    grown = at_work.object(tumour).mask.full()

    difference = at_work.history.show(entry)
    assert [(item.title, item.how) for item in difference.objects] == [
        ("tumour #1", "changes"),
        ("node #1", "comes back"),
    ]
    assert "node #1 comes back with" in at_work.history.sentence()
    assert (shown(at_work, f"added-{node}") == a_block((12, 12, 2), (15, 15, 5))).all()
    at_work.history.bring_back(node)
    back = at_work.object(node)
    assert (back.mask.full() == a_block((12, 12, 2), (15, 15, 5))).all()
    assert [tag.name for tag in back.tags] == ["solid"]
    assert len(list(at_work.session.annotation.figures_of(back))) == 1
    assert (at_work.object(tumour).mask.full() == grown).all()
    at_work.undo()
    with pytest.raises(NotFoundError):
        at_work.object(node)


def test_an_object_made_since_is_shown_to_go(at_work) -> None:
    entry = at_work.session.history()[-1].id
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    (gone,) = at_work.history.show(entry).objects
    assert (gone.how, gone.can_come_back) == ("goes", False)
    assert (shown(at_work, f"removed-{tumour}") == a_block((2, 2, 2), (8, 8, 5))).all()
    assert at_work.history.sentence().startswith("tumour #1 goes with its ")
    at_work.history.go_there()
    assert at_work.objects == []


def test_any_edit_ends_the_preview(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    entry = at_work.session.history()[0].id
    prepared = at_work.history.prepare(entry)
    at_work.history.show(prepared)
    told = []
    at_work.history.listen(lambda: told.append(at_work.history.entry))
    draw(at_work, tumour, (9, 9, 2), (12, 12, 5))
    assert told == [None]
    assert at_work.binding.node.GetDisplayNode().GetSegmentVisibility(tumour)
    # what was worked out before the edit is not shown after it
    (changed,) = at_work.history.show(prepared).objects
    assert changed.counts[1] == 108 + 27
    at_work.delete_object(tumour)
    assert at_work.history.entry is None


def test_a_hidden_object_stays_hidden(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    at_work.set_visible(tumour, False)
    before = trace(at_work)
    at_work.history.show(at_work.session.history()[0].id)
    at_work.history.cancel()
    assert trace(at_work) == before


def test_the_present_changes_nothing_and_an_unknown_entry_is_refused(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    before = trace(at_work)
    assert not at_work.history.show(at_work.session.last_step).any
    assert at_work.history.sentence().startswith("Nothing would change")
    assert at_work.history.go_there() is None
    with pytest.raises(NotFoundError):
        at_work.history.show(10_000)
    assert trace(at_work) == before


def test_the_preview_of_a_read_only_volume_shows_and_does_not_go(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    draw(at_work, tumour, (2, 2, 2), (8, 8, 5))
    with VolumeSession.open(at_work.session.volume, "bob", "browser") as second:
        assert second.read_only
        image = at_work.session.volume.read_image()
        looking = Workspace(slicer.vtkMRMLScene(), image, "scan", second)
        assert looking.history.show(second.history()[0].id).objects
        looking.close()


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 2.5), (0.7, 0.7, 0.7), (1.5, 0.5, 6.0)])
def test_the_patterns_differ_in_every_plane(spacing) -> None:
    geometry = VolumeGeometry((200, 200, 60), np.diag([*spacing, 1.0]))
    box = Box((30, 10, 20), (130, 115, 56))
    stripes, squares = hatch(box, geometry), dots(box, geometry)
    for axis in range(3):
        for index in range(36):
            one, other = stripes.take(index, axis), squares.take(index, axis)
            assert 0.1 < one.mean() < 0.95
            assert 0.1 < other.mean() < 0.9
            assert (one != other).mean() > 0.2
    assert len({look.color for look in LOOKS.values()}) == 3
    assert LOOKS["kept"].pattern is None


def test_a_long_history_is_had_page_by_page(at_work) -> None:
    tumour = at_work.new_object("tumour").key
    for number in range(12):
        draw(at_work, tumour, (number, 2, 2), (number + 1, 8, 5))
    for _ in range(3):
        at_work.undo()
    whole = at_work.session.history()
    assert [entry.undone for entry in whole] == [False] * 11 + [True] * 3
    assert [entry.current for entry in whole] == [False] * 10 + [True] + [False] * 3
    pages, before = [], None
    while page := at_work.session.history(before, 5):
        pages = page + pages
        before = page[0].id
        assert len(page) <= 5
    assert pages == whole


def test_the_history_preview_needs_no_workspace(at_work) -> None:
    """As the desktop has it: no surfaces of its own, and segments that have other ids than objects."""
    tumour = LabelObject("tumour")
    with at_work.session.edit("New") as edit:
        edit.add_object(tumour)
    draw(at_work, tumour.key, (2, 2, 2), (8, 8, 5))
    preview = HistoryPreview(at_work.scene, at_work.volume_node, at_work.binding, at_work.session)
    preview.show(at_work.session.history()[0].id)
    assert preview.difference.objects
    preview.close()
    assert at_work.binding.node.GetDisplayNode().GetSegmentVisibility(tumour.key)
