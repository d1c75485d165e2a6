"""A segmentation node beside the labels' own, for what is only shown: a preview never becomes a label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.box import Box
from ..model.colors import rgb
from ..model.geometry import VolumeGeometry
from .arrays import fill_image, to_vtk_matrix
from .compat import (
    BINARY_LABELMAP,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkOrientedImageData,
    vtkSegment,
)
from .scene_nodes import remove_node


class OverlayNode:
    """Segments that are drawn over the views and taken away again; hidden from editors, saved nowhere."""

    def __init__(
        self, scene, volume_node: vtkMRMLScalarVolumeNode | None, geometry: VolumeGeometry, name: str
    ) -> None:
        self._scene = scene
        self._geometry = geometry
        self.node = vtkMRMLSegmentationNode()
        self.node.SetName(name)
        self.node.SetHideFromEditors(True)
        self.node.SetSaveWithScene(False)
        scene.AddNode(self.node)
        self.node.CreateDefaultDisplayNodes()
        display = self.node.GetDisplayNode()
        display.SetOpacity2DFill(1.0)
        display.SetOpacity2DOutline(1.0)
        if volume_node is not None:
            self.node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        self.node.GetSegmentation().SetSourceRepresentationName(BINARY_LABELMAP)

    @property
    def segment_ids(self) -> list[str]:
        return list(self.node.GetSegmentation().GetSegmentIDs())

    def fill(
        self, segment_id: str, voxels: NDArray, box: Box, color: str, fill: float, outline: float
    ) -> None:
        """Show voxels ``[i, j, k]`` of ``box``, with these opacities of fill and outline."""
        labelmap = vtkOrientedImageData()
        fill_image(labelmap, np.array(voxels, dtype=np.uint8, order="F"), box.start)
        labelmap.SetGeometryFromImageToWorldMatrix(to_vtk_matrix(self._geometry.ijk_to_ras_matrix))
        segmentation = self.node.GetSegmentation()
        segment = segmentation.GetSegment(segment_id)
        is_new = segment is None
        if is_new:
            segment = vtkSegment()
            segment.SetName(segment_id)
        segment.SetColor(*rgb(color))
        segment.AddRepresentation(BINARY_LABELMAP, labelmap)
        segment.SetLabelValue(1)
        if is_new:
            segmentation.AddSegment(segment, segment_id)
            display = self.node.GetDisplayNode()
            display.SetSegmentOpacity2DFill(segment_id, fill)
            display.SetSegmentOpacity2DOutline(segment_id, outline)
        else:
            segmentation.InvokeEvent(segmentation.SourceRepresentationModified)

    def remove(self, segment_id: str) -> None:
        self.node.GetSegmentation().RemoveSegment(segment_id)

    def close(self) -> None:
        remove_node(self._scene, self.node)
