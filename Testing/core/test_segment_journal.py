"""Each edit of Slicer's Segment Editor is a step of the journal, and the segments follow undo and restore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelLib.model.box import Box
from MedLabelLib.storage.journal.errors import JournalError
from MedLabelLib.storage.journal.journal import Journal
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.workspace.edited_volume import EditedVolume
from MedLabelLib.workspace.segment_reader import SegmentReader
from support.slicers_editor import LIVER, SHAPE, TUMOUR, SlicersEditor, a_block, id_of, two_objects


@pytest.fixture(params=["even", "oblique"])
def edited(request, tmp_path: Path):
    volume = two_objects(tmp_path / "project", request.param)
    opened = EditedVolume(slicer.vtkMRMLScene(), volume, "test", "desktop")
    yield opened
    opened.close(discard=True)


@pytest.fixture
def editor(edited) -> SlicersEditor:
    return SlicersEditor(edited)


def steps_of(edited: EditedVolume) -> list[tuple[str, str]]:
    return [(entry.name, entry.tool) for entry in edited.session.history() if entry.face == "desktop"]


def segment(edited: EditedVolume, segment_id: str) -> np.ndarray:
    """What Slicer has as the segment's voxels on the volume's grid."""
    return SegmentReader(edited.binding.segmentation, edited.binding.geometry).read(segment_id).full() != 0


def object_of(edited: EditedVolume, key: str) -> np.ndarray:
    return edited.session.annotation.object(key).mask.full() != 0


def assert_segments_follow(edited: EditedVolume) -> None:
    """Every segment is its object, to the voxel, by id, name and colour; and there are no others."""
    annotation = edited.session.annotation
    keys = [edited.sync.key_of(segment_id) for segment_id in edited.binding.keys]
    assert sorted(keys) == sorted(entry.key for entry in annotation.objects)
    for segment_id, key in zip(edited.binding.keys, keys, strict=True):
        entry = annotation.object(key)
        wanted = np.zeros(SHAPE, bool) if entry.mask is None else entry.mask.full() != 0
        assert (segment(edited, segment_id) == wanted).all()
        name = edited.binding.segmentation.GetSegment(segment_id).GetName()
        assert name == f"{entry.class_name} #{annotation.number(entry)}"
    assert not edited.sync.compare().any


@pytest.mark.parametrize(
    ("effect", "how", "stroke", "name"),
    [
        ("Paint", "Add", a_block((5, 5, 4), (12, 14, 5)), "Paint on tumour #1, axial 5"),
        ("Erase", "Remove", a_block((4, 4, 2), (5, 9, 6)), "Erase on tumour #1, sagittal 5"),
        ("Scissors", "Remove", a_block((5, 5, 3), (8, 8, 6)), "Scissors on tumour #1"),
        ("Threshold", "Set", a_block((1, 1, 1), (9, 9, 9)), "Threshold on tumour #1"),
        ("", "Add", a_block((5, 5, 4), (12, 14, 5)), "Segment Editor: drew on tumour #1"),
    ],
)
def test_an_effects_edit_is_a_step_named_by_it(edited, editor, effect, how, stroke, name) -> None:
    tumour = id_of(edited, "tumour")
    touches = []
    edited.on_touch = lambda: touches.append(1)
    editor.node.SetActiveEffectName(effect)
    editor.modify(tumour, stroke, how)
    assert touches
    # the effect may be put away before editing rests
    editor.node.SetActiveEffectName("")
    edited.journal()
    assert steps_of(edited) == [(name, effect.lower() or "segment editor")]
    assert edited.saved.state == "saved"
    after = {"Add": TUMOUR | stroke, "Remove": TUMOUR & ~stroke, "Set": stroke}[how]
    assert (object_of(edited, tumour) == after).all()
    edited.journal()
    edited.save()
    assert len(steps_of(edited)) == 1


def test_an_edit_that_takes_from_others_names_the_one_it_was_on(edited, editor) -> None:
    editor.overwrite(editor.node.OverwriteAllSegments)
    editor.node.SetActiveEffectName("Paint")
    stroke = a_block((8, 7, 4), (18, 12, 5))
    editor.modify(id_of(edited, "liver"), stroke, "Add")
    edited.journal()
    assert steps_of(edited) == [("Paint on liver #1, axial 5, and 1 other object", "paint")]
    assert (object_of(edited, id_of(edited, "tumour")) == (TUMOUR & ~stroke)).all()
    assert_segments_follow(edited)


def test_what_slicer_fills_between_slices_is_said_to_be_interpolated(edited, editor) -> None:
    tumour = id_of(edited, "tumour")
    editor.node.SetActiveEffectName("Fill between slices")
    editor.modify(tumour, a_block((3, 4, 6), (9, 11, 9)), "Add")
    edited.journal()
    kinds = {index: origin.kind for index, origin in edited.session.provenance(tumour).items()}
    assert kinds[7] == "interpolated"
    assert kinds[3] != "interpolated"
    assert "3 interpolated" in edited.provenance_text(tumour)
    assert "last set by test" in edited.provenance_text(tumour)


def test_undo_and_redo_go_through_the_journal_and_the_segments_follow(edited, editor) -> None:
    tumour, liver = id_of(edited, "tumour"), id_of(edited, "liver")
    editor.node.SetActiveEffectName("Paint")
    first, second = a_block((5, 5, 4), (12, 14, 5)), a_block((0, 0, 0), (3, 18, 12))
    editor.modify(tumour, first, "Add")
    edited.journal()
    # not journalled yet: undo takes back this one, and no older one
    editor.modify(liver, second, "Add")
    assert edited.undo().name == "Paint on liver #1"
    assert (segment(edited, liver) == LIVER).all()
    assert (segment(edited, tumour) == (TUMOUR | first)).all()
    assert edited.undo().name == "Paint on tumour #1, axial 5"
    assert (segment(edited, tumour) == TUMOUR).all()
    assert_segments_follow(edited)
    assert edited.redo().name == "Paint on tumour #1, axial 5"
    assert edited.redo().name == "Paint on liver #1"
    assert (segment(edited, liver) == (LIVER | second)).all()
    assert_segments_follow(edited)
    edited.save()
    assert len(steps_of(edited)) == 2, "what followed is no edit of its own"


def test_segments_that_share_a_labelmap_follow_and_stay_apart(edited, editor) -> None:
    tumour, liver = id_of(edited, "tumour"), id_of(edited, "liver")
    editor.modify(tumour, TUMOUR & LIVER, "Remove")
    edited.journal()
    edited.binding.segmentation.CollapseBinaryLabelmaps(False)
    assert len(edited.binding.sharing(tumour)) == 2
    edited.journal()
    edited.undo()
    assert (segment(edited, tumour) == TUMOUR).all()
    assert (segment(edited, liver) == LIVER).all()
    assert_segments_follow(edited)
    # an edit of the one in a shared labelmap is the one's
    edited.redo()
    edited.binding.segmentation.CollapseBinaryLabelmaps(False)
    editor.node.SetActiveEffectName("Paint")
    editor.modify(liver, a_block((0, 14, 8), (5, 18, 9)), "Add")
    edited.journal()
    assert steps_of(edited)[-1] == ("Paint on liver #1, axial 9", "paint")
    assert_segments_follow(edited)


def test_added_and_removed_segments_follow_too(edited, editor) -> None:
    segmentation = edited.binding.segmentation
    cyst = segmentation.AddEmptySegment("", "cyst")
    editor.modify(cyst, a_block((0, 0, 0), (3, 3, 3)), "Set")
    edited.journal()
    key = edited.sync.key_of(cyst)
    assert key != cyst
    segmentation.RemoveSegment(id_of(edited, "liver"))
    edited.journal()
    edited.undo()
    assert (segment(edited, id_of(edited, "liver")) == LIVER).all()
    assert_segments_follow(edited)
    edited.undo()
    assert segmentation.GetNumberOfSegments() == 2
    edited.redo()
    assert (segment(edited, edited.sync.segment_of(key)) == a_block((0, 0, 0), (3, 3, 3))).all()
    color = segmentation.GetSegment(edited.sync.segment_of(key)).GetColor()
    wanted = edited.volume.dataset.project.definitions.label_class("cyst").color
    assert "#" + "".join(f"{round(255 * part):02X}" for part in color) == wanted
    assert_segments_follow(edited)
    edited.redo()
    assert_segments_follow(edited)


def test_restore_and_one_object_back_through_the_preview(edited, editor) -> None:
    tumour = id_of(edited, "tumour")
    first = edited.session.history()[-1].id
    editor.modify(tumour, TUMOUR, "Remove")
    edited.journal()
    edited.binding.segmentation.RemoveSegment(id_of(edited, "liver"))
    before = edited.scene.GetNumberOfNodes()
    said = edited.show_earlier(first)
    assert "liver #1 comes back with" in said
    assert "tumour #1 gains" in said
    assert edited.scene.GetNumberOfNodes() > before
    (liver,) = [item.key for item in edited.history.difference.objects if item.how == "comes back"]
    edited.bring_back(liver)
    assert edited.scene.GetNumberOfNodes() == before
    assert (segment(edited, edited.sync.segment_of(liver)) == LIVER).all()
    assert not segment(edited, tumour).any()
    edited.show_earlier(first)
    edited.go_there()
    assert (segment(edited, tumour) == TUMOUR).all()
    assert_segments_follow(edited)
    assert [name for name, _ in steps_of(edited)][-2:] == [
        f"Restore liver to “begin” ({first})",
        f"Restore to “begin” ({first})",
    ]


def test_what_was_edited_in_slicer_is_undone_by_another_face(edited, editor) -> None:
    tumour = id_of(edited, "tumour")
    editor.node.SetActiveEffectName("Paint")
    editor.modify(tumour, a_block((5, 5, 4), (12, 14, 5)), "Add")
    edited.journal()
    edited.close()
    with VolumeSession.open(edited.volume, "bob", "command") as session:
        assert session.undo().name == "Paint on tumour #1, axial 5"
        assert (session.annotation.object(tumour).mask.full() == TUMOUR).all()


def test_a_journal_that_cannot_be_written_is_said_and_the_edit_is_kept(edited, editor, monkeypatch) -> None:
    tumour = id_of(edited, "tumour")
    with monkeypatch.context() as patch:

        def refuse(*_args, **_kwargs):
            raise JournalError("the disk is full")

        patch.setattr(Journal, "append", refuse)
        editor.modify(tumour, a_block((5, 5, 4), (12, 14, 5)), "Add")
        edited.journal()
        assert (edited.saved.state, edited.saved.reason) == ("not saved", "the disk is full")
        assert segment(edited, tumour)[11, 13, 4]
    edited.journal()
    assert edited.saved.state == "saved"
    assert object_of(edited, tumour)[11, 13, 4]


def test_a_takeover_is_noticed_and_taken_back(edited, editor) -> None:
    told = []
    edited.listen(lambda: told.append(edited.read_only))
    other = VolumeSession.open(edited.volume, "bob", "browser", take_over=True)
    assert edited.notice_takeover()
    assert "bob" in told[-1]
    editor.modify(id_of(edited, "tumour"), a_block((5, 5, 4), (12, 14, 5)), "Add")
    edited.journal()
    assert edited.saved.state == "not saved"
    assert "bob" in edited.saved.reason
    edited.close(discard=True)
    back = EditedVolume(edited.scene, edited.volume, "test", "desktop", take_over=True)
    assert not back.read_only
    assert other.notice_takeover()
    other.close()
    back.close()


def test_only_what_was_touched_is_read(edited, editor, monkeypatch) -> None:
    read = []
    real = SegmentReader.read
    monkeypatch.setattr(SegmentReader, "read", lambda self, key: read.append(key) or real(self, key))
    tumour = id_of(edited, "tumour")
    editor.modify(tumour, a_block((5, 5, 4), (12, 14, 5)), "Add")
    edited.journal()
    assert read == [tumour]
    edited.undo()
    read.clear()
    editor.modify(id_of(edited, "liver"), a_block((0, 0, 0), (2, 2, 2)), "Add")
    edited.journal()
    assert read == [id_of(edited, "liver")]


def test_any_sequence_of_effects_undos_and_restores_leaves_segments_and_objects_the_same(
    tmp_path: Path, proof
) -> None:
    for number, random in enumerate(proof.cases(sample=6, full=300)):
        volume = two_objects(tmp_path / str(number), "oblique")
        edited = EditedVolume(slicer.vtkMRMLScene(), volume, "test", "desktop")
        editor = SlicersEditor(edited)
        segmentation = edited.binding.segmentation
        for _ in range(14):
            keys = edited.binding.keys
            what = random.choice(
                ["stroke", "stroke", "stroke", "undo", "redo", "restore", "add", "remove", "join"]
            )
            if what == "stroke" and keys:
                start = [int(random.integers(0, n - 1)) for n in SHAPE]
                stop = [int(random.integers(a + 1, n + 1)) for a, n in zip(start, SHAPE, strict=True)]
                editor.overwrite(int(random.integers(0, 3)))
                how = str(random.choice(["Add", "Remove", "Set"]))
                box = Box(tuple(start), tuple(stop))
                editor.modify(str(random.choice(keys)), np.ones(box.shape, bool), how, box.start)
            elif what == "undo":
                edited.undo()
            elif what == "redo":
                edited.redo()
            elif what == "restore":
                edited.show_earlier(int(random.choice([entry.id for entry in edited.session.history()])))
                edited.go_there()
            elif what == "add":
                segmentation.AddEmptySegment("", str(random.choice(["tumour", "cyst"])))
            elif what == "remove" and keys:
                segmentation.RemoveSegment(str(random.choice(keys)))
            elif what == "join":
                segmentation.CollapseBinaryLabelmaps(False)
            edited.journal()
            assert_segments_follow(edited)
        edited.close()
