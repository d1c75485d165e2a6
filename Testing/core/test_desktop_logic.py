"""MedLabel's module on a real scene and a real project, stand-ins for Qt: nothing is lost, all is said."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.errors import MedLabelError, ProjectError
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.journal.errors import JournalError
from MedLabelLib.storage.journal.journal import Journal
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from support import desktop_stubs
from support.followed import read_followed

SHAPE = (12, 10, 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    geometry = VolumeGeometry(SHAPE, np.diag([0.7, 0.7, 2.5, 1.0]))
    same = AxisMap((0, 1, 2), (False, False, False), SHAPE)
    image = VolumeImage(
        np.zeros(SHAPE, dtype=np.int16, order="F"), geometry, SourceRecord("nrrd", geometry, same), "CT"
    )
    project = Project.create(tmp_path / "project", Definitions().with_class("liver"))
    voxels = np.zeros(SHAPE, dtype=bool)
    voxels[2:5, 2:5, 2:5] = True
    for name in ("one", "two"):
        volume = project.dataset("ds0", create=True).add_volume(name, image)
        with VolumeSession.open(volume, "test", "command") as session, session.edit("begin") as edit:
            edit.add_object(LabelObject("liver", mask=Mask.from_array(voxels)))
    return project.path


@pytest.fixture
def module(monkeypatch):
    return desktop_stubs.install(monkeypatch)


@pytest.fixture
def widget(module, folder):
    made = module.MedLabelWidget()
    made.setup()
    made.openProject(str(folder))
    yield made
    if made.logic is not None:
        made.logic.closeVolume(discard=True)
    made.cleanup()


def add_cyst(widget) -> None:
    widget.logic.edited.binding.segmentation.AddEmptySegment("", "cyst")


def classes_on_disk(folder: Path, label: str = "ds0/one") -> list[str]:
    annotation = read_followed(Project.open(folder).find_volume(label))
    return [entry.class_name for entry in annotation.objects]


def scene_counts() -> tuple[int, int]:
    scene = slicer.mrmlScene
    return tuple(
        scene.GetNumberOfNodesByClass(name) for name in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
    )


def refuse(*_args, **_kwargs):
    raise JournalError("the disk is full")


def test_the_logic_opens_one_volume_at_a_time(module, folder) -> None:
    logic = module.MedLabelLogic()
    with pytest.raises(ProjectError, match="no project is open"):
        logic.openVolume("ds0/one")
    logic.openProject(folder)
    first = logic.openVolume("ds0/one")
    assert first.session.author == getpass.getuser()
    first.binding.segmentation.AddEmptySegment("", "cyst")
    logic.openVolume("ds0/two")
    assert scene_counts() == (1, 1)
    assert classes_on_disk(folder) == ["liver", "cyst"]
    logic.closeVolume()
    assert scene_counts() == (0, 0)


def test_a_volume_that_cannot_be_read_leaves_the_scene_as_it_was(module, folder) -> None:
    logic = module.MedLabelLogic()
    logic.openProject(folder)
    (folder / "ds0" / "volume" / "one.nrrd").write_bytes(b"no scan")
    with pytest.raises(MedLabelError, match=r"one\.nrrd"):
        logic.openVolume("ds0/one")
    assert scene_counts() == (0, 0)
    assert logic.edited is None


def test_a_volume_that_cannot_be_read_is_listed_with_its_problem(module, folder) -> None:
    from MedLabelWidgets.project_rows import volume_rows

    (folder / "ds0" / "ann" / "two.nrrd.json").write_text("{", encoding="utf-8")
    one, two = volume_rows(Project.open(folder))
    assert (one.dataset, one.name, one.label) == ("ds0", "one", "ds0/one")
    assert (one.modality, one.size, one.objects, one.problem) == ("CT", "12×10×8", "1", "")
    assert "not JSON" in two.problem


def test_the_panel_opens_a_volume_for_the_segment_editor(widget) -> None:
    widget.openVolume("ds0/one")
    editor = widget.segmentEditor.editor
    edited = widget.logic.edited
    editor.setSegmentationNode.assert_called_with(edited.binding.node)
    editor.setSourceVolumeNode.assert_called_with(edited.volume_node)
    editor.setReadOnly.assert_called_with(False)
    assert widget.ui.savedLabel.text == "no changes"
    assert widget.ui.saveButton.enabled
    slicer.util.errorDisplay.assert_not_called()


def test_the_panel_says_what_is_saved(widget, folder, monkeypatch) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    assert widget.ui.savedLabel.text.startswith("NOT SAVED: there are changes")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", refuse)
        widget.onSave()
    slicer.util.errorDisplay.assert_called_once_with("the disk is full")
    assert widget.ui.savedLabel.text.startswith("NOT SAVED: the disk is full")
    widget.onSave()
    assert widget.ui.savedLabel.text.startswith("saved at ")
    assert classes_on_disk(folder) == ["liver", "cyst"]


def test_closing_the_scene_saves(widget, folder) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    slicer.mrmlScene.Clear(0)
    assert classes_on_disk(folder) == ["liver", "cyst"]
    assert widget.logic.edited is None
    assert widget.ui.volumeLabel.text == "No volume is open."


def test_a_closed_scene_that_could_not_be_saved_is_kept_and_saved_later(widget, folder, monkeypatch) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", refuse)
        slicer.mrmlScene.Clear(0)
    assert widget.ui.savedLabel.text.startswith("NOT SAVED: the disk is full")
    slicer.util.confirmYesNoDisplay.assert_called_once()
    widget.onSave()
    assert classes_on_disk(folder) == ["liver", "cyst"]


def test_a_segmentation_deleted_from_the_scene_is_saved_and_closed(widget, folder) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    slicer.mrmlScene.RemoveNode(widget.logic.edited.binding.node)
    assert widget.logic.edited is None
    assert scene_counts() == (0, 0)
    assert classes_on_disk(folder) == ["liver", "cyst"]


@pytest.mark.parametrize("give_up", [False, True])
def test_what_cannot_be_saved_is_given_up_only_when_the_user_says_so(
    widget, folder, monkeypatch, give_up
) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    monkeypatch.setattr(Journal, "append", refuse)
    slicer.util.confirmYesNoDisplay.return_value = give_up
    widget.openVolume("ds0/two")
    assert widget.logic.edited.volume.name == ("two" if give_up else "one")
    monkeypatch.undo()
    assert classes_on_disk(folder) == ["liver"]


def test_the_module_that_is_unloaded_saves_and_lets_go(widget, folder) -> None:
    widget.openVolume("ds0/one")
    add_cyst(widget)
    scene = slicer.mrmlScene
    widget.cleanup()
    widget.cleanup()
    assert classes_on_disk(folder) == ["liver", "cyst"]
    assert widget.Observations == []
    scene.Clear(0)


def test_a_volume_open_elsewhere_can_only_be_looked_at(widget, module, folder) -> None:
    other = module.MedLabelLogic()
    other.openProject(folder)
    other.openVolume("ds0/one")
    widget.openVolume("ds0/one")
    assert widget.ui.savedLabel.text.startswith("READ ONLY: ")
    assert not widget.ui.saveButton.enabled
    widget.segmentEditor.editor.setReadOnly.assert_called_with(True)
    other.closeVolume()


def test_a_reload_closes_the_volume_and_forgets_the_extensions_packages(widget, folder) -> None:
    kept = {name: loaded for name, loaded in sys.modules.items() if name.startswith("MedLabel")}
    widget.openVolume("ds0/one")
    add_cyst(widget)
    try:
        widget.onReload()
        left = [name for name in sys.modules if name.partition(".")[0] in ("MedLabelLib", "MedLabelWidgets")]
    finally:
        sys.modules.update(kept)
    assert left == []
    assert widget.reloaded
    assert classes_on_disk(folder) == ["liver", "cyst"]


def test_what_is_no_project_is_said_once(widget, tmp_path) -> None:
    widget.openProject(str(tmp_path))
    slicer.util.errorDisplay.assert_called_once()
    assert "no meta.json" in slicer.util.errorDisplay.call_args.args[0]
