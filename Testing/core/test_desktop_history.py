"""The history section of MedLabel's panel on a real scene, stand-ins for Qt."""

from __future__ import annotations

from datetime import date, timezone
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer

from MedLabelLib.model.box import Box
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support import desktop_stubs
from support.slicers_editor import TUMOUR, SlicersEditor, a_block, id_of, two_objects


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_objects(tmp_path / "project").dataset.project.path


@pytest.fixture
def widget(monkeypatch, folder):
    made = desktop_stubs.install(monkeypatch).MedLabelWidget()
    made.setup()
    made.openProject(str(folder))
    made.openVolume("ds0/scan")
    yield made
    made.logic.closeVolume(discard=True)
    made.cleanup()


def paint(widget) -> str:
    """A stroke of the Segment Editor that the panel embeds; returns the segment's id."""
    edited = widget.logic.edited
    editor = SlicersEditor(edited)
    node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    node.SetAndObserveSegmentationNode(edited.binding.node)
    node.SetActiveEffectName("Paint")
    tumour = id_of(edited, "tumour")
    node.SetSelectedSegmentID(tumour)
    editor.modify(tumour, a_block((5, 5, 4), (12, 14, 5)), "Add")
    return tumour


def rows(widget) -> list[tuple[str, ...]]:
    """The texts of the tree's items, as they were set since it was last cleared."""
    calls = widget.ui.historyTree.mock_calls
    last = max(at for at, call in enumerate(calls) if call[0] == "clear")
    items = [call.args[0] for call in calls[last:] if call[0] == "addTopLevelItem"]
    return [tuple(call.args[1] for call in item.setText.call_args_list) for item in items]


@pytest.fixture(autouse=True)
def items_of_their_own(widget):
    """Each QTreeWidgetItem is another stand-in."""
    from MedLabelWidgets import HistoryPanel

    HistoryPanel.qt.QTreeWidgetItem.side_effect = lambda *_: MagicMock()


def test_a_stroke_is_journalled_when_editing_rests_and_listed(widget) -> None:
    paint(widget)
    widget._rest.start.assert_called()
    assert widget.ui.savedLabel.text.startswith("NOT SAVED")
    widget.onRested()
    assert widget.ui.savedLabel.text.startswith("saved at")
    first = rows(widget)[0]
    assert first[1] == "Paint on tumour #1, axial 5"
    assert first[2].startswith("paint · ")
    assert first[3] == "now here"
    assert widget.ui.undoButton.toolTip == "Undo: Paint on tumour #1, axial 5"


def test_undo_and_redo_of_the_panel(widget) -> None:
    paint(widget)
    widget.historyPanel.onUndo()
    assert [row[3] for row in rows(widget)] == ["undone", "now here", ""]
    assert widget.ui.redoButton.enabled
    edited = widget.logic.edited
    tumour = id_of(edited, "tumour")
    assert (edited.session.annotation.object(tumour).mask.full() == TUMOUR).all()
    widget.historyPanel.onRedo()
    assert [row[3] for row in rows(widget)] == ["now here", "", ""]


def test_a_click_shows_the_step_and_go_there_goes(widget) -> None:
    edited = widget.logic.edited
    first = edited.session.history()[-1].id
    paint(widget)
    item = MagicMock()
    item.data.return_value = first
    widget.historyPanel.onStepClicked(item, 1)
    widget.ui.previewSection.setVisible.assert_called_with(True)
    assert widget.ui.previewLabel.text.startswith("tumour #1 loses ")
    assert widget.ui.goThereButton.enabled
    widget.ui.objectChoice.addItem.assert_called_with("tumour #1", id_of(edited, "tumour"))
    widget.historyPanel.onCancel()
    widget.ui.previewSection.setVisible.assert_called_with(False)
    widget.historyPanel.onStepClicked(item, 1)
    widget.historyPanel.onGoThere()
    assert rows(widget)[0][1].startswith("Restore to “begin”")
    # an object alone
    item.data.return_value = edited.session.history()[-2].id
    widget.historyPanel.onStepClicked(item, 1)
    widget.ui.objectChoice.currentData = id_of(edited, "tumour")
    widget.historyPanel.onBringBack()
    assert rows(widget)[0][1].startswith("Restore tumour to “Paint on tumour #1, axial 5”")


def test_the_selected_segments_origin_is_said(widget) -> None:
    paint(widget)
    widget.onRested()
    widget.onBreath()
    assert "drawn" in widget.ui.originLabel.text
    assert "last set by" in widget.ui.originLabel.text


def test_a_takeover_is_told_at_once_and_taken_back(widget, folder) -> None:
    volume = Project.open(folder).find_volume("scan")
    other = VolumeSession.open(volume, "bob", "browser", take_over=True)
    widget.onBreath()
    assert "bob" in widget.ui.savedLabel.text
    widget.ui.takeOverButton.setVisible.assert_called_with(True)
    widget.onTakeOver()
    widget.ui.takeOverButton.setVisible.assert_called_with(False)
    assert not widget.logic.edited.read_only
    assert other.notice_takeover()
    other.close()


def test_a_long_history_is_listed_in_part(widget) -> None:
    from MedLabelWidgets.history_rows import history_rows

    session = widget.logic.edited.session
    key = session.annotation.objects[0].key
    for number in range(7):
        with session.edit(f"Step {number}") as edit:
            edit.write_mask(key, Box((number, 0, 0), (number + 1, 1, 1)), np.ones((1, 1, 1), bool))
    listed, has_older = history_rows(session, 3, timezone.utc, date(2020, 1, 1))
    assert [row.name for row in listed] == ["Step 6", "Step 5", "Step 4"]
    assert has_older
    assert listed[0].when == f"{session.history()[-1].when:%Y-%m-%d %H:%M}"
    listed, has_older = history_rows(session, 100)
    assert (len(listed), has_older) == (9, False)
