"""Inside Slicer: MedLabel's panel opens a volume, says what is saved, survives a closed scene."""

import tempfile
import unittest
from pathlib import Path

import slicer
from medlabel_made_project import LABEL, LIVER, TUMOUR, make_project, read_masks

from MedLabel import MedLabelWidget


class MedLabelPanelTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear(0)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "project"
        make_project(self.folder)
        # made as the application makes it, but by hand, so that none is left over between tests
        self.representation = slicer.modules.medlabel.createNewWidgetRepresentation()
        self.widget = self.representation.self()
        assert isinstance(self.widget, MedLabelWidget)
        self.widget.openProject(str(self.folder))

    def tearDown(self):
        self.widget.cleanup()
        self.representation.deleteLater()
        slicer.mrmlScene.Clear(0)
        self.temporary.cleanup()

    def addCyst(self):
        return self.widget.logic.edited.binding.segmentation.AddEmptySegment("", "cyst")

    def test_TheTreeListsTheVolumes(self):
        tree = self.widget.ui.volumeTree
        assert tree.topLevelItemCount == 1
        item = tree.topLevelItem(0).child(0)
        assert [item.text(column) for column in range(4)] == ["scan", "CT", "40×36×20", "2"]

    def test_OpeningShowsVolumeAndSegments(self):
        self.widget.openVolume(LABEL)
        editor = self.widget.segmentEditor.editor
        segmentation = editor.segmentationNode().GetSegmentation()
        names = [segmentation.GetSegment(n).GetName() for n in segmentation.GetSegmentIDs()]
        assert names == ["tumour #1", "liver #1"]
        assert editor.sourceVolumeNode().GetName() == "scan"
        assert self.widget.ui.saveButton.enabled
        assert self.widget.ui.volumeLabel.text == LABEL

    def test_TheLabelSaysWhetherItIsSaved(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        assert self.widget.ui.savedLabel.text.startswith("NOT SAVED")
        self.widget.onSave()
        assert self.widget.ui.savedLabel.text.startswith("saved at")
        assert "cyst #1" in read_masks(self.folder)

    def test_UndoGoesThroughTheJournalAndTheSegmentsFollow(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        self.widget.onRested()
        segmentation = self.widget.logic.edited.binding.segmentation
        assert self.widget.ui.historyTree.topLevelItem(0).text(3) == "now here"
        self.widget.historyPanel.onUndo()
        assert len(segmentation.GetSegmentIDs()) == 2
        self.widget.historyPanel.onRedo()
        assert len(segmentation.GetSegmentIDs()) == 3
        assert "cyst #1" in read_masks(self.folder)

    def test_AnEarlierStateIsShownAndLeavesNoTrace(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        self.widget.onRested()
        edited = self.widget.logic.edited
        first = edited.session.history()[0].id
        assert "goes" in edited.show_earlier(first)
        assert not self.widget.ui.previewSection.isHidden()
        self.widget.historyPanel.onCancel()
        assert self.widget.ui.previewSection.isHidden()
        assert "cyst #1" in read_masks(self.folder)

    def test_AClosedSceneLosesNothing(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        slicer.mrmlScene.Clear(0)
        assert self.widget.logic.edited is None
        assert "cyst #1" in read_masks(self.folder)

    def test_ADeletedSegmentationIsSavedAndClosed(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        slicer.mrmlScene.RemoveNode(self.widget.logic.edited.binding.node)
        assert self.widget.logic.edited is None
        assert "cyst #1" in read_masks(self.folder)

    def test_CleanupSaves(self):
        self.widget.openVolume(LABEL)
        self.addCyst()
        self.widget.cleanup()
        assert "cyst #1" in read_masks(self.folder)

    def test_EnterAndExitKeepTheVolume(self):
        self.widget.openVolume(LABEL)
        self.widget.exit()
        self.widget.enter()
        assert self.widget.logic.edited is not None
        self.widget.onCloseVolume()
        assert self.widget.logic.edited is None
        masks = read_masks(self.folder)
        assert (masks["tumour #1"] == TUMOUR).all()
        assert (masks["liver #1"] == LIVER).all()

    def test_AFolderThatIsNoProjectIsSaid(self):
        self.widget.openProject(self.temporary.name)
        assert self.widget.logic.project.name == "project"
