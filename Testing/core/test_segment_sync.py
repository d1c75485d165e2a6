"""What Slicer's own segment editing leaves in a scene, taken over into the project to the voxel."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.journal.errors import JournalError
from MedLabelLib.storage.journal.journal import Journal
from MedLabelLib.storage.steps import ReadOnlyError, SavedState
from MedLabelLib.workspace.edited_volume import EditedVolume, saved_text
from support.followed import read_followed
from support.slicers_editor import (
    GRIDS,
    LABELMAP,
    LIVER,
    SHAPE,
    TUMOUR,
    SlicersEditor,
    a_block,
    id_of,
    labelmap_of,
    two_objects,
)


@pytest.fixture(params=GRIDS)
def volume(request, tmp_path: Path):
    return two_objects(tmp_path / "project", request.param)


@pytest.fixture
def edited(volume):
    opened = EditedVolume(slicer.vtkMRMLScene(), volume, "test", "desktop")
    yield opened
    opened.close(discard=True)


@pytest.fixture
def editor(edited) -> SlicersEditor:
    return SlicersEditor(edited)


def on_disk(volume) -> dict[str, np.ndarray]:
    """The voxels of every object, read anew by the core; keyed as the user names them."""
    annotation = read_followed(volume)
    return {
        f"{entry.class_name} #{annotation.number(entry)}": (entry.mask or Mask(annotation.shape)).full() != 0
        for entry in annotation.objects
    }


def assert_on_disk(volume, **expected) -> None:
    found = on_disk(volume)
    assert {name.replace(" #", "_") for name in found} == set(expected)
    for name, voxels in found.items():
        wanted = expected[name.replace(" #", "_")]
        assert (voxels == wanted).all(), f"{name}: {voxels.sum()} voxels, not {wanted.sum()}"


def steps_of(edited: EditedVolume) -> list[str]:
    return [entry.name for entry in edited.session.history() if entry.face == "desktop"]


def segments_of(edited: EditedVolume):
    return edited.binding.segmentation


def test_what_nobody_touched_makes_no_step(edited, volume) -> None:
    before = volume.annotation_path.read_bytes()
    edited.save()
    assert steps_of(edited) == []
    assert volume.annotation_path.read_bytes() == before
    assert edited.saved.state == "saved"


@pytest.mark.parametrize("how", ["Add", "Remove", "Set"])
def test_a_stroke_of_slicer_is_saved_to_the_voxel(edited, editor, volume, how) -> None:
    stroke = a_block((5, 5, 4), (12, 8, 7))
    editor.modify(id_of(edited, "tumour"), stroke, how)
    assert edited.saved.state == "not saved"
    edited.save()
    after = {"Add": TUMOUR | stroke, "Remove": TUMOUR & ~stroke, "Set": stroke}[how]
    assert_on_disk(volume, tumour_1=after, liver_1=LIVER)
    assert steps_of(edited) == ["Segment Editor: drew on tumour #1"]
    assert edited.saved.state == "saved"


def test_segments_that_share_a_labelmap_stay_apart(edited, editor, volume) -> None:
    """Without overlaps Slicer collapses the segments to one labelmap with a value each."""
    tumour, liver = id_of(edited, "tumour"), id_of(edited, "liver")
    editor.modify(tumour, TUMOUR & LIVER, "Remove")
    segments_of(edited).CollapseBinaryLabelmaps(False)
    assert segments_of(edited).GetNumberOfLayers() == 1
    assert segments_of(edited).GetSegment(tumour).GetLabelValue() != (
        segments_of(edited).GetSegment(liver).GetLabelValue()
    )
    stroke = a_block((0, 14, 8), (5, 18, 11))
    editor.modify(liver, stroke, "Add")
    edited.save()
    assert_on_disk(volume, tumour_1=TUMOUR & ~LIVER, liver_1=LIVER | stroke)


def test_painting_over_another_segment_takes_its_voxels(edited, editor, volume) -> None:
    editor.overwrite(editor.node.OverwriteAllSegments)
    stroke = a_block((4, 5, 3), (14, 13, 5))
    editor.modify(id_of(edited, "tumour"), stroke, "Add")
    edited.save()
    assert_on_disk(volume, tumour_1=TUMOUR | stroke, liver_1=LIVER & ~stroke)


def test_a_stroke_that_leaves_the_volume_is_cut_at_its_border(edited, editor, volume) -> None:
    big = np.ones((10, 8, 30), dtype=bool)
    editor.modify(id_of(edited, "tumour"), big, "Add", start=(-4, -3, -9))
    edited.save()
    assert_on_disk(volume, tumour_1=TUMOUR | a_block((0, 0, 0), (6, 5, 12)), liver_1=LIVER)


def test_a_stroke_wholly_outside_changes_nothing(edited, editor, volume) -> None:
    editor.modify(id_of(edited, "tumour"), np.ones((3, 3, 3), dtype=bool), "Add", start=(40, 2, 2))
    edited.save()
    assert_on_disk(volume, tumour_1=TUMOUR, liver_1=LIVER)
    assert steps_of(edited) == []


def test_an_emptied_segment_keeps_its_object(edited, volume) -> None:
    segments_of(edited).ClearSegment(id_of(edited, "tumour"))
    edited.save()
    assert_on_disk(volume, tumour_1=np.zeros(SHAPE, dtype=bool), liver_1=LIVER)
    assert [tag.name for tag in read_followed(volume).objects[0].tags] == ["solid"]


def test_an_emptied_segment_of_a_shared_labelmap_leaves_the_others(edited, editor, volume) -> None:
    editor.modify(id_of(edited, "tumour"), TUMOUR & LIVER, "Remove")
    segments_of(edited).CollapseBinaryLabelmaps(False)
    segments_of(edited).ClearSegment(id_of(edited, "tumour"))
    edited.save()
    assert_on_disk(volume, tumour_1=np.zeros(SHAPE, dtype=bool), liver_1=LIVER)


@pytest.mark.parametrize(
    ("name", "class_name", "title"),
    [
        ("liver", "liver", "liver #2"),
        ("liver #7", "liver", "liver #2"),
        ("cyst", "cyst", "cyst #1"),
        ("Segment_1", "Segment_1", "Segment_1 #1"),
        ("  ", "Segment", "Segment #1"),
    ],
)
def test_a_new_segment_becomes_an_object(edited, editor, volume, name, class_name, title) -> None:
    added = segments_of(edited).AddEmptySegment("", name, (0.2, 0.4, 0.6))
    segments_of(edited).GetSegment(added).SetName(name)
    first, second = a_block((1, 1, 1), (4, 4, 4)), a_block((10, 1, 1), (12, 3, 12))
    editor.modify(added, first, "Add")
    edited.save()
    assert (on_disk(volume)[title] == first).all()
    definitions = volume.dataset.project.definitions
    assert (definitions.label_class(class_name).color == "#336699") == (class_name != "liver")
    assert segments_of(edited).GetSegment(added).GetName() == title
    # it stays bound: what is drawn on it later is the same object's
    editor.modify(added, second, "Add")
    edited.save()
    assert (on_disk(volume)[title] == first | second).all()
    assert len(read_followed(volume).objects) == 3


def test_two_new_segments_of_one_new_class_are_two_objects_of_it(edited, volume) -> None:
    for name in ("cyst", "cyst #2"):
        segments_of(edited).AddEmptySegment("", name)
    edited.save()
    assert {"cyst #1", "cyst #2"} <= set(on_disk(volume))
    assert steps_of(edited) == ["Segment Editor: added 2 objects"]


def test_a_removed_segment_takes_its_object_away(edited, volume) -> None:
    segments_of(edited).RemoveSegment(id_of(edited, "tumour"))
    edited.save()
    assert_on_disk(volume, liver_1=LIVER)
    assert read_followed(volume).figures == []


def test_a_segment_that_comes_back_is_the_same_object(edited, volume) -> None:
    key = id_of(edited, "tumour")
    segment = segments_of(edited).GetSegment(key)
    segments_of(edited).RemoveSegment(key)
    edited.save()
    segments_of(edited).AddSegment(segment, key)
    edited.save()
    annotation = read_followed(volume)
    back = annotation.object(key)
    assert (back.class_name, [tag.name for tag in back.tags]) == ("tumour", ["solid"])
    assert [figure.slice_index for figure in annotation.figures_of(back)] == [4]
    assert (back.mask.full() == TUMOUR).all()


def test_a_rename_to_another_class_reclassifies(edited, volume) -> None:
    key = id_of(edited, "tumour")
    segments_of(edited).GetSegment(key).SetName("liver")
    edited.save()
    assert read_followed(volume).object(key).class_name == "liver"
    # numbered by their order in the annotation: the one that came from elsewhere is first
    assert {segments_of(edited).GetSegment(n).GetName() for n in edited.binding.keys} == {
        "liver #1",
        "liver #2",
    }
    assert edited.notices == []


def test_a_rename_to_no_class_is_not_taken_over_and_said(edited, volume) -> None:
    key = id_of(edited, "tumour")
    segments_of(edited).GetSegment(key).SetName("something")
    edited.save()
    assert read_followed(volume).object(key).class_name == "tumour"
    assert not volume.dataset.project.definitions.has_class("something")
    assert len(edited.notices) == 1
    assert "something" in edited.notices[0]
    assert segments_of(edited).GetSegment(key).GetName() == "tumour #1"
    edited.save()
    assert edited.notices == []


def test_a_labelmap_that_counts_from_its_own_corner_is_put_right(edited, volume) -> None:
    """Files and other modules bring labelmaps whose indices start at 0, wherever they lie."""
    matrix = edited.binding.geometry.ijk_to_ras_matrix.copy()
    matrix[:3, 3] = edited.binding.geometry.grid_to_ras((4, 5, 3))
    segment = slicer.vtkSegment()
    segment.SetName("cyst")
    segment.AddRepresentation(LABELMAP, labelmap_of(np.ones((3, 4, 5)), matrix))
    segment.SetLabelValue(1)
    segments_of(edited).AddSegment(segment, "imported")
    edited.save()
    assert (on_disk(volume)["cyst #1"] == a_block((4, 5, 3), (7, 9, 8))).all()
    assert edited.notices == []


def test_a_labelmap_of_a_finer_grid_is_resampled_and_said(edited, volume) -> None:
    fine = edited.binding.geometry.ijk_to_ras_matrix @ np.diag([0.5, 0.5, 0.5, 1.0])
    # centres of the eight small voxels in each large one lie a quarter off its centre
    fine[:3, 3] = edited.binding.geometry.grid_to_ras((-0.25, -0.25, -0.25))
    wanted = a_block((4, 5, 3), (7, 9, 8))
    segment = slicer.vtkSegment()
    segment.SetName("cyst")
    segment.AddRepresentation(LABELMAP, labelmap_of(np.kron(wanted, np.ones((2, 2, 2))), fine))
    segment.SetLabelValue(1)
    segments_of(edited).AddSegment(segment, "imported")
    edited.save()
    assert (on_disk(volume)["cyst #1"] == wanted).all()
    assert len(edited.notices) == 1
    assert "resampled" in edited.notices[0]


def test_a_segment_without_a_labelmap_is_refused_not_erased(edited, volume) -> None:
    segments_of(edited).GetSegment(id_of(edited, "tumour")).RemoveRepresentation(LABELMAP)
    with pytest.raises(GeometryError, match="tumour #1"):
        edited.save()
    assert_on_disk(volume, tumour_1=TUMOUR, liver_1=LIVER)
    assert saved_text(edited.saved).startswith("NOT SAVED: the segment 'tumour #1' has no labelmap")


def test_a_closed_scene_loses_nothing(edited, editor, volume) -> None:
    editor.modify(id_of(edited, "tumour"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    edited.leave_scene()
    edited.scene.Clear(0)
    assert_on_disk(volume, tumour_1=TUMOUR | a_block((0, 0, 0), (2, 2, 2)), liver_1=LIVER)


def test_what_could_not_be_saved_when_the_scene_closed_can_be_later(
    edited, editor, volume, monkeypatch
) -> None:
    def refuse(*_args, **_kwargs):
        raise JournalError("the disk is full")

    editor.modify(id_of(edited, "tumour"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", refuse)
        with pytest.raises(JournalError):
            edited.leave_scene()
        edited.scene.Clear(0)
        assert saved_text(edited.saved).startswith("NOT SAVED: the disk is full")
    edited.close()
    assert_on_disk(volume, tumour_1=TUMOUR | a_block((0, 0, 0), (2, 2, 2)), liver_1=LIVER)


def test_a_volume_that_cannot_be_saved_stays_open_until_it_is_given_up(
    edited, editor, volume, monkeypatch
) -> None:
    def refuse(*_args, **_kwargs):
        raise JournalError("the disk is full")

    editor.modify(id_of(edited, "tumour"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    monkeypatch.setattr(Journal, "append", refuse)
    with pytest.raises(JournalError):
        edited.close()
    assert edited.in_scene
    assert edited.binding.node.GetScene() is edited.scene
    edited.close(discard=True)
    assert edited.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    monkeypatch.undo()
    assert_on_disk(volume, tumour_1=TUMOUR, liver_1=LIVER)


def test_closing_takes_the_nodes_away(edited, editor, volume) -> None:
    editor.modify(id_of(edited, "liver"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    edited.close()
    assert edited.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert edited.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert_on_disk(volume, tumour_1=TUMOUR, liver_1=LIVER | a_block((0, 0, 0), (2, 2, 2)))


def test_a_volume_that_another_edits_is_read_only_and_says_so(edited, volume) -> None:
    other = EditedVolume(slicer.vtkMRMLScene(), volume, "somebody else", "desktop")
    before = volume.annotation_path.read_bytes()
    text = saved_text(other.saved, other.read_only)
    assert text.startswith("READ ONLY: test (desktop")
    SlicersEditor(other).modify(id_of(other, "tumour"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    assert saved_text(other.saved, other.read_only).startswith("NOT SAVED: test (desktop")
    with pytest.raises(ReadOnlyError):
        other.save()
    other.close(discard=True)
    assert volume.annotation_path.read_bytes() == before


def test_the_label_tells_when_it_was_saved_and_why_not() -> None:
    at = datetime(2026, 3, 1, 14, 2, tzinfo=timezone.utc)
    texts = {
        "no changes": SavedState("saved", None),
        "saved at 14:02": SavedState("saved", at),
        "saving…": SavedState("saving", at),
        "saved at 14:02 (the files lack)": SavedState("saved", at, "the files lack"),
        "NOT SAVED: the disk is full (last saved at 14:02)": SavedState("not saved", at, "the disk is full"),
    }
    assert {saved_text(state, zone=timezone.utc): state for state in texts.values()} == texts
