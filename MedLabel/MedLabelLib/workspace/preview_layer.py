"""Proposed labels in a scene: hatched and outlined in the slice views, translucent in 3D."""

from __future__ import annotations

import numpy as np

from ..model.box import Box
from ..model.colors import rgb
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .arrays import fill_image, to_vtk_matrix
from .compat import (
    BINARY_LABELMAP,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkOrientedImageData,
    vtkSegment,
)
from .surfaces import Surfaces

HATCH_OPACITY = 0.55
OUTLINE_OPACITY = 0.9
SURFACE_OPACITY = 0.45
# a hatch of this many voxels, of which the first are filled: diagonal in every plane
HATCH_PERIOD, HATCH_WIDTH = 6, 2
_HATCH = "hatch-"


class PreviewLayer:
    """A segmentation node of its own for what is proposed, which never becomes part of the labels.

    Each object has two segments there: an outline, and a hatch inside it, so that a proposal is told from
    a label at a glance, whatever its colour.
    """

    def __init__(
        self, scene, volume_node: vtkMRMLScalarVolumeNode, geometry: VolumeGeometry, name: str
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
        self.node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        self.node.GetSegmentation().SetSourceRepresentationName(BINARY_LABELMAP)
        self.surfaces = Surfaces(scene, geometry, SURFACE_OPACITY)

    def show(self, proposals: dict[str, Mask], wholes: dict[str, Mask], colors: dict[str, str]) -> None:
        """Show these proposals and no others; ``wholes`` are the objects as they would be, for 3D."""
        segmentation = self.node.GetSegmentation()
        modified = self.node.StartModify()
        for segment_id in segmentation.GetSegmentIDs():
            if segment_id.removeprefix(_HATCH) not in proposals:
                segmentation.RemoveSegment(segment_id)
                self.surfaces.remove(segment_id)
        for key, mask in proposals.items():
            box = mask.box or Box((0, 0, 0), (1, 1, 1))
            voxels = mask.read(box)
            self._fill(key, voxels, box, colors[key])
            self._fill(_HATCH + key, voxels & hatch(box), box, colors[key])
            self.surfaces.request(key, wholes[key], colors[key])
        self.node.EndModify(modified)
        self.node.Modified()

    def close(self) -> None:
        self.surfaces.close()
        self._scene.RemoveNode(self.node)

    def _fill(self, segment_id: str, voxels: np.ndarray, box: Box, color: str) -> None:
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
            is_hatch = segment_id.startswith(_HATCH)
            display.SetSegmentOpacity2DFill(segment_id, HATCH_OPACITY if is_hatch else 0.0)
            display.SetSegmentOpacity2DOutline(segment_id, 0.0 if is_hatch else OUTLINE_OPACITY)
        else:
            segmentation.InvokeEvent(segmentation.SourceRepresentationModified)


def hatch(box: Box) -> np.ndarray:
    """Boolean ``[i, j, k]`` of a box: stripes that are diagonal in each of the three planes."""
    i, j, k = (np.arange(a, b) for a, b in zip(box.start, box.stop, strict=True))
    stripes = (i[:, None, None] + j[None, :, None] + k[None, None, :]) % HATCH_PERIOD < HATCH_WIDTH
    return np.asfortranarray(stripes)
