"""Inside Slicer: what the Segment Editor does to a volume's objects is in the project afterwards."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
import vtk
from medlabel_made_project import LABEL, LIVER, SHAPE, TUMOUR, block, make_project, read_masks
from vtk.util.numpy_support import vtk_to_numpy

from MedLabel import MedLabelLogic


class MedLabelEditingTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear(0)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "project"
        make_project(self.folder)
        self.logic = MedLabelLogic()
        self.logic.openProject(self.folder)
        self.edited = self.logic.openVolume(LABEL)
        self.editorNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.editorNode.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
        self.editorNode.SetOverwriteMode(self.editorNode.OverwriteNone)
        self.widget = slicer.qMRMLSegmentEditorWidget()
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.widget.setMRMLSegmentEditorNode(self.editorNode)
        self.widget.setSegmentationNode(self.edited.binding.node)
        self.widget.setSourceVolumeNode(self.edited.volume_node)

    def tearDown(self):
        self.widget.setActiveEffect(None)
        self.widget.setMRMLScene(None)
        self.logic.closeVolume(discard=True)
        slicer.mrmlScene.Clear(0)
        self.temporary.cleanup()

    def segmentId(self, class_name):
        objects = self.edited.session.annotation.objects
        return next(entry.key for entry in objects if entry.class_name == class_name)

    def paint(self, segmentId, voxels, modeName):
        """What an effect does once it has filled its modifier labelmap."""
        self.widget.setCurrentSegmentID(segmentId)
        self.widget.setActiveEffectByName("Paint")
        effect = self.widget.activeEffect()
        assert effect is not None
        effect.saveStateForUndo()
        labelmap = effect.defaultModifierLabelmap()
        filled = vtk_to_numpy(labelmap.GetPointData().GetScalars())
        assert labelmap.GetDimensions() == SHAPE
        filled[:] = voxels.ravel(order="F")
        labelmap.GetPointData().GetScalars().Modified()
        mode = getattr(slicer.qSlicerSegmentEditorAbstractEffect, "ModificationMode" + modeName)
        effect.modifySelectedSegmentByLabelmap(labelmap, mode)

    def assertSaved(self, **expected):
        found = {name.replace(" #", "_"): voxels for name, voxels in read_masks(self.folder).items()}
        assert set(found) == set(expected)
        for name, voxels in expected.items():
            assert int((found[name] != voxels).sum()) == 0, name

    def test_AStrokeIsSavedToTheVoxel(self):
        stroke = block((10, 10, 5), (25, 14, 9))
        self.paint(self.segmentId("tumour"), stroke, "Add")
        assert self.edited.saved.state == "not saved"
        self.edited.save()
        assert self.edited.saved.state == "saved"
        self.assertSaved(tumour_1=TUMOUR | stroke, liver_1=LIVER)

    def test_ErasingAllKeepsTheObject(self):
        self.paint(self.segmentId("liver"), np.ones(SHAPE, dtype=bool), "Remove")
        self.edited.save()
        self.assertSaved(tumour_1=TUMOUR, liver_1=np.zeros(SHAPE, dtype=bool))

    def test_PaintingOverAnotherSegment(self):
        self.editorNode.SetOverwriteMode(self.editorNode.OverwriteAllSegments)
        stroke = block((10, 10, 5), (25, 16, 9))
        self.paint(self.segmentId("tumour"), stroke, "Add")
        self.edited.save()
        self.assertSaved(tumour_1=TUMOUR | stroke, liver_1=LIVER & ~stroke)

    def test_UndoOfTheSegmentEditor(self):
        self.paint(self.segmentId("tumour"), block((0, 0, 0), (5, 5, 5)), "Add")
        self.widget.undo()
        self.edited.save()
        self.assertSaved(tumour_1=TUMOUR, liver_1=LIVER)

    def test_ANewSegmentIsANewObject(self):
        segmentation = self.edited.binding.segmentation
        added = segmentation.AddEmptySegment("", "cyst")
        stroke = block((1, 1, 1), (4, 4, 4))
        self.paint(added, stroke, "Add")
        self.edited.save()
        self.assertSaved(tumour_1=TUMOUR, liver_1=LIVER, cyst_1=stroke)

    def test_ClosingTheSceneSaves(self):
        stroke = block((0, 0, 0), (5, 5, 5))
        self.paint(self.segmentId("tumour"), stroke, "Add")
        self.edited.leave_scene()
        slicer.mrmlScene.Clear(0)
        self.assertSaved(tumour_1=TUMOUR | stroke, liver_1=LIVER)

    def test_TheVolumeLiesWhereItsGridSays(self):
        """Slicer's own reader puts the project's file in the same place, with the same values."""
        path = self.folder / "ds0" / "volume" / "scan.nrrd"
        loaded = slicer.util.loadVolume(str(path))
        ours, theirs = (slicer.util.arrayFromVolume(node) for node in (self.edited.volume_node, loaded))
        assert (ours == theirs).all()
        first, second = (self.matrixOf(node) for node in (self.edited.volume_node, loaded))
        assert np.allclose(first, second, atol=1e-4)

    def matrixOf(self, node):
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return slicer.util.arrayFromVTKMatrix(matrix)
