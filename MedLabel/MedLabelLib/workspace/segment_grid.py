"""A Segment Editor's grid as the core's: segments and images to canonical arrays, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.box import Box
from ..model.geometry import AxisMap, VolumeGeometry
from ..model.mask import Mask
from .arrays import fill_image, from_vtk_matrix, image_box, image_voxels
from .compat import vtkMatrix4x4, vtkOrientedImageData, vtkSegmentation
from .segment_reader import SegmentReader


class SegmentGrid:
    """The grid that segments are edited on, whatever its axes, spacing and extent.

    ``geometry`` is the same grid with its axes nearest to R, A, S; masks and images of this class are on it.
    ``reference`` is the editor's reference geometry, in the segmentation's own coordinates.
    """

    def __init__(self, reference: vtkOrientedImageData) -> None:
        box = image_box(reference)
        matrix = vtkMatrix4x4()
        reference.GetImageToWorldMatrix(matrix)
        self._image_to_world = matrix
        self._start = box.start
        first = np.eye(4)
        first[:3, 3] = box.start
        self._source = VolumeGeometry(box.shape, from_vtk_matrix(matrix) @ first)
        self.geometry, self._axis_map = self._source.canonical()

    def read(self, segmentation: vtkSegmentation, segment_id: str) -> Mask:
        """A segment's voxels. Raises GeometryError where they cannot be told."""
        return self._turned(SegmentReader(segmentation, self._source).read(segment_id), self._axis_map)

    def image(self, image: vtkOrientedImageData) -> NDArray | None:
        """The values ``[i, j, k]`` of an image on this grid; None when it is on another, or empty."""
        if image is None or image_box(image) != Box(
            self._start, tuple(a + n for a, n in zip(self._start, self._source.shape, strict=True))
        ):
            return None
        return self._axis_map.apply(image_voxels(image))

    def labelmap(self, mask: Mask) -> vtkOrientedImageData:
        """A labelmap of 0 and 1 of the mask's box, for the editor to modify a segment by."""
        turned = self._turned(mask, self._axis_map.inverse())
        box = turned.box or Box((0, 0, 0), (1, 1, 1))
        result = vtkOrientedImageData()
        start = tuple(a + s for a, s in zip(box.start, self._start, strict=True))
        fill_image(result, np.array(turned.read(box), dtype=np.uint8, order="F"), start)
        result.SetGeometryFromImageToWorldMatrix(self._image_to_world)
        return result

    @staticmethod
    def _turned(mask: Mask, axis_map: AxisMap) -> Mask:
        box = mask.box
        if box is None:
            return Mask(axis_map.shape)
        corners = np.array([box.start, np.array(box.stop) - 1])
        moved = axis_map.apply_to_index(corners)
        low, high = moved.min(axis=0), moved.max(axis=0) + 1
        target = Box(tuple(low.tolist()), tuple(high.tolist()))
        return Mask.from_box(axis_map.shape, target, axis_map.apply(mask.read(box)))
