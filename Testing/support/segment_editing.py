"""Slicer's own segment editing on slicer-core, as an effect has it in the application."""

from __future__ import annotations

import numpy as np
import slicer

from MedLabelLib.workspace.arrays import fill_image, image_box, image_voxels, to_vtk_matrix

SHAPE = (30, 26, 22)


def register_converters() -> None:
    """What the application registers as it starts: how labelmaps become surfaces."""
    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    factory.DisableRepresentation("Closed surface")
    factory.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())


class LogicEditing:
    """Slicer's segment editor logic, used as the effect uses its editor."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.scene = slicer.vtkMRMLScene()
        values = np.asfortranarray(np.random.default_rng(0).integers(0, 100, SHAPE).astype(np.int16))
        image = slicer.vtkOrientedImageData()
        fill_image(image, values)
        self.volume = slicer.vtkMRMLScalarVolumeNode()
        self.scene.AddNode(self.volume)
        self.volume.SetIJKToRASMatrix(to_vtk_matrix(matrix))
        self.volume.SetAndObserveImageData(image)
        self.segmentation_node = slicer.vtkMRMLSegmentationNode()
        self.scene.AddNode(self.segmentation_node)
        self.segmentation_node.CreateDefaultDisplayNodes()
        self.segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        self.node = slicer.vtkMRMLSegmentEditorNode()
        self.scene.AddNode(self.node)
        self.node.SetAndObserveSegmentationNode(self.segmentation_node)
        self.node.SetAndObserveSourceVolumeNode(self.volume)
        self.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
        self.node.SetOverwriteMode(self.node.OverwriteNone)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(self.scene)
        self.logic.SetSegmentEditorNode(self.node)
        self.logic.SetMaximumNumberOfUndoStates(5)
        self.saved = 0

    def add(self, name: str) -> str:
        return self.segmentation_node.GetSegmentation().AddEmptySegment(name, name)

    def reference_geometry(self):
        self.logic.UpdateReferenceGeometryImage()
        return self.logic.GetReferenceGeometryImage()

    def source_image(self):
        self.logic.UpdateAlignedSourceVolume()
        return self.logic.GetAlignedSourceVolume()

    def mask_image(self):
        self.logic.UpdateMaskLabelmap()
        return self.logic.GetMaskLabelmap()

    def save_state_for_undo(self) -> None:
        self.saved += 1
        self.logic.SaveStateForUndo()

    def modify(self, segment_id: str, labelmap, add: bool) -> None:
        self.node.SetSelectedSegmentID(segment_id)
        mode = self.logic.ModificationModeAdd if add else self.logic.ModificationModeRemove
        self.logic.ModifySegmentByLabelmap(self.segmentation_node, segment_id, labelmap, mode, True, False)

    # -- what the test does and sees, in the volume's own indices ----------------------------------------

    def paint(self, segment_id: str, index: int, low: int = 8, high: int = 18, add: bool = True) -> None:
        """A square on slice ``index`` of the volume's last axis."""
        voxels = np.zeros(SHAPE, np.uint8, order="F")
        voxels[low:high, low:high, index] = 1
        labelmap = slicer.vtkOrientedImageData()
        fill_image(labelmap, voxels)
        labelmap.SetGeometryFromImageToWorldMatrix(self.matrix)
        self.modify(segment_id, labelmap, add)

    @property
    def matrix(self):
        matrix = slicer.vtkMatrix4x4() if hasattr(slicer, "vtkMatrix4x4") else to_vtk_matrix(np.eye(4))
        self.volume.GetIJKToRASMatrix(matrix)
        return matrix

    def voxels(self, segment_id: str, node=None) -> np.ndarray:
        full = np.zeros(SHAPE, bool)
        labelmap = slicer.vtkOrientedImageData()
        (node or self.segmentation_node).GetBinaryLabelmapRepresentation(segment_id, labelmap)
        aligned = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            labelmap, self.reference_geometry(), aligned, False, True
        )
        box = image_box(aligned)
        if not box.is_empty:
            full[box.slices] = image_voxels(aligned) > 0
        return full
