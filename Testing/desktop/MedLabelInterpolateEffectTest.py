"""Inside Slicer: the effect is found by its name, previews, applies in one undo step, and cancels."""

import unittest

import numpy as np
import slicer

EFFECT = "MedLabel interpolate"
SHAPE = (24, 22, 20)  # k, j, i
KEYS = (3, 9, 15)


class MedLabelInterpolateEffectTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear(0)
        self.volume = slicer.util.addVolumeFromArray(np.zeros(SHAPE, np.int16))
        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        self.node.CreateDefaultDisplayNodes()
        self.node.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        self.segmentId = self.node.GetSegmentation().AddEmptySegment("", "tumour")
        self.draw(np.isin(np.arange(SHAPE[0]), KEYS))
        self.editorNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.editorNode.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
        self.editorNode.SetOverwriteMode(self.editorNode.OverwriteNone)
        self.widget = slicer.qMRMLSegmentEditorWidget()
        self.widget.setMaximumNumberOfUndoStates(10)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.widget.setMRMLSegmentEditorNode(self.editorNode)
        self.widget.setSegmentationNode(self.node)
        self.widget.setSourceVolumeNode(self.volume)
        self.widget.setCurrentSegmentID(self.segmentId)
        self.widget.setActiveEffectByName(EFFECT)
        self.effect = self.widget.activeEffect().self()

    def tearDown(self):
        self.effect.onCancel()
        self.widget.setActiveEffect(None)
        self.widget.setMRMLScene(None)
        slicer.mrmlScene.Clear(0)

    def draw(self, slices):
        voxels = np.zeros(SHAPE, np.uint8)
        voxels[slices, 6:15, 5:14] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, self.node, self.segmentId, self.volume)

    def filledSlices(self):
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(self.node, self.segmentId, self.volume)
        return np.flatnonzero(voxels.any(axis=(1, 2))).tolist()

    def segmentations(self):
        return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")

    def test_APreviewIsAppliedAsOneUndoStep(self):
        self.effect.onPreview()
        assert self.segmentations() == 2
        assert self.filledSlices() == list(KEYS)
        self.effect.onApply()
        assert self.segmentations() == 1
        assert self.filledSlices() == list(range(KEYS[0], KEYS[-1] + 1))
        self.widget.undo()
        assert self.filledSlices() == list(KEYS)

    def test_CancelLeavesNoTrace(self):
        self.effect.onPreview()
        self.effect.onCancel()
        assert self.segmentations() == 1
        assert self.filledSlices() == list(KEYS)

    def test_ThePreviewFollowsAndStaysWhileAnotherEffectDraws(self):
        self.effect.onPreview()
        self.widget.setActiveEffectByName("Paint")
        self.draw(np.isin(np.arange(SHAPE[0]), (*KEYS, 12)))
        assert len(self.effect.interpolation.live.gaps) == 3
