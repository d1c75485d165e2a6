"""The objects of an annotation shown as the segments of a segmentation node."""

from __future__ import annotations

import numpy as np

from ..model.annotation import Annotation, LabelObject
from ..model.box import Box
from ..model.colors import rgb
from ..model.definitions import Definitions
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .arrays import fill_image, from_vtk_matrix, image_box, image_voxels, to_vtk_matrix
from .compat import (
    BINARY_LABELMAP,
    vtkMatrix4x4,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkOrientedImageData,
    vtkSegment,
    vtkSegmentation,
)

FILL_OPACITY = 0.3


class SegmentationBinding:
    """A segmentation node whose segments are an annotation's objects; a segment's id is the object's key.

    Each segment has a labelmap of its own, as large as its object's box, so that overlaps stay and many
    objects fit in memory.
    """

    def __init__(
        self,
        scene,
        volume_node: vtkMRMLScalarVolumeNode,
        geometry: VolumeGeometry,
        name: str,
    ) -> None:
        self.geometry = geometry
        self.node = vtkMRMLSegmentationNode()
        self.node.SetName(name)
        scene.AddNode(self.node)
        self.node.CreateDefaultDisplayNodes()
        # the image first: a light fill and a full outline
        self.node.GetDisplayNode().SetOpacity2DFill(FILL_OPACITY)
        self.node.GetDisplayNode().SetOpacity2DOutline(1.0)
        self.node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        self.segmentation.SetSourceRepresentationName(BINARY_LABELMAP)

    @property
    def segmentation(self) -> vtkSegmentation:
        return self.node.GetSegmentation()

    @property
    def keys(self) -> list[str]:
        return list(self.segmentation.GetSegmentIDs())

    # -- from the annotation to the scene ----------------------------------------------------------------

    def show(self, annotation: Annotation, definitions: Definitions) -> None:
        """Make the segments what the annotation's objects are: added, removed, renamed, recoloured."""
        wanted = {entry.key for entry in annotation.objects}
        modified = self.node.StartModify()
        for key in self.keys:
            if key not in wanted:
                self.segmentation.RemoveSegment(key)
        for entry in annotation.objects:
            segment = self.segmentation.GetSegment(entry.key)
            if segment is None:
                segment = self._add(entry)
            segment.SetName(f"{entry.class_name} #{annotation.number(entry)}")
            segment.SetColor(*rgb(definitions.label_class(entry.class_name).color))
        self.node.EndModify(modified)

    def add(self, entry: LabelObject) -> vtkSegment:
        """A segment of an object, its id the object's key; name and colour are the caller's to give."""
        return self._add(entry)

    def update(self, entry: LabelObject, box: Box | None = None, segment_id: str | None = None) -> None:
        """Show the voxels of an object's mask anew, all of them or those of ``box``.

        ``segment_id`` names the segment where it is not the object's key. A segment that shares its
        labelmap with others, as editors arrange it, gets one of its own first.
        """
        segment_id = segment_id or entry.key
        segment = self.segmentation.GetSegment(segment_id)
        if segment is None:
            return
        mask = entry.mask or Mask(self.geometry.shape)
        if len(self.sharing(segment_id)) > 1:
            self.segmentation.SeparateSegmentLabelmap(segment_id)
        labelmap = segment.GetRepresentation(BINARY_LABELMAP)
        if box is None or labelmap is None or not self._can_take(labelmap, box):
            self._fill(segment, mask)
        elif not box.is_empty:
            part = mask.read(box) * np.uint8(segment.GetLabelValue())
            image_voxels(labelmap)[box.within(image_box(labelmap))] = part
            labelmap.GetPointData().GetScalars().Modified()
            labelmap.Modified()
        self._tell(entry.key)

    def sharing(self, segment_id: str) -> list[str]:
        """The segments that lie in one labelmap with a segment, itself among them."""
        found: list[str] = []
        self.segmentation.GetSegmentIDsSharingBinaryLabelmapRepresentation(segment_id, found, True)
        return found

    def _can_take(self, labelmap: vtkOrientedImageData, box: Box) -> bool:
        """Whether a labelmap is on the volume's grid and reaches over a box."""
        matrix = vtkMatrix4x4()
        labelmap.GetImageToWorldMatrix(matrix)
        same = np.allclose(from_vtk_matrix(matrix), self.geometry.ijk_to_ras_matrix, rtol=0, atol=1e-4)
        return same and image_box(labelmap).holds(box)

    def _tell(self, key: str) -> None:
        # the event carries the segment's id only from C++; displays refresh all the same
        self.segmentation.InvokeEvent(vtkSegmentation.SourceRepresentationModified)
        self.node.Modified()

    def _add(self, entry: LabelObject) -> vtkSegment:
        segment = vtkSegment()
        self._fill(segment, entry.mask or Mask(self.geometry.shape))
        self.segmentation.AddSegment(segment, entry.key)
        return self.segmentation.GetSegment(entry.key)

    def _fill(self, segment: vtkSegment, mask: Mask) -> None:
        """Give a segment a labelmap of its own with the mask's voxels and room to grow."""
        labelmap = vtkOrientedImageData()
        box = roomy_box(mask, self.geometry)
        fill_image(labelmap, np.array(mask.read(box), dtype=np.uint8, order="F"), box.start)
        labelmap.SetGeometryFromImageToWorldMatrix(to_vtk_matrix(self.geometry.ijk_to_ras_matrix))
        segment.AddRepresentation(BINARY_LABELMAP, labelmap)
        segment.SetLabelValue(1)


def roomy_box(mask: Mask, geometry: VolumeGeometry, margin: int = 16) -> Box:
    """The box of a mask with a margin, so that a stroke beside it needs no new labelmap."""
    box = mask.box
    if box is None:
        return Box((0, 0, 0), (1, 1, 1))
    return Box(
        tuple(max(0, a - margin) for a in box.start),
        tuple(min(n, b + margin) for n, b in zip(geometry.shape, box.stop, strict=True)),
    )
