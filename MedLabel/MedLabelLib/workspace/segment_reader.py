"""What a segment's voxels are on the volume's grid, however an editor left the segment."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from ..model.box import Box
from ..model.errors import GeometryError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .arrays import from_vtk_matrix, image_box, image_voxels
from .compat import BINARY_LABELMAP, vtkMatrix4x4, vtkOrientedImageData, vtkSegment, vtkSegmentation
from .label_boxes import LabelBoxes

# how far a labelmap may lie off the volume's grid, in voxels, and still be on it: files round their matrices
_TOLERANCE = 0.01


class SegmentReader:
    """Reads segments of one segmentation at one moment; make a new one after each change.

    Editors move segments to labelmaps that many share, let them reach beyond the volume, bring them in
    from other grids, and may keep surfaces and no labelmap at all.
    """

    def __init__(
        self, segmentation: vtkSegmentation, geometry: VolumeGeometry, boxes: LabelBoxes | None = None
    ) -> None:
        """``boxes`` may be kept from one reader to the next: it makes the next one quick."""
        self._segmentation = segmentation
        self._geometry = geometry
        self._label_boxes = boxes or LabelBoxes()
        self._boxes: dict[vtkOrientedImageData, dict[int, Box]] = {}
        self.resampled: list[str] = []  # the segments that had another grid than the volume's

    def read(self, segment_id: str) -> Mask:
        """A segment's voxels. Raises GeometryError where they cannot be told."""
        shape = self._geometry.shape
        segment = self._segmentation.GetSegment(segment_id)
        labelmap = self._labelmap(segment)
        outer = image_box(labelmap)
        part = None if outer.is_empty else self._box_of(labelmap, segment, outer)
        if part is None:
            return Mask(shape)
        voxels = image_voxels(labelmap)[part.within(outer)] == segment.GetLabelValue()
        to_labelmap = self._volume_to_labelmap(labelmap)
        shift = _whole_shift(to_labelmap, shape)
        if shift is None:
            self.resampled.append(segment_id)
            return _resampled(voxels, part, to_labelmap, shape)
        part = _moved(part, shift)
        inside = part.intersection(Box.whole(shape))
        if inside.is_empty:
            return Mask(shape)
        return Mask.from_box(shape, inside, voxels[inside.within(part)])

    def _labelmap(self, segment: vtkSegment) -> vtkOrientedImageData:
        source = self._segmentation.GetSourceRepresentationName()
        made = source == BINARY_LABELMAP or self._segmentation.CreateRepresentation(BINARY_LABELMAP)
        labelmap = segment.GetRepresentation(BINARY_LABELMAP) if made else None
        if labelmap is None:
            # taken for empty, the object's voxels would be erased
            raise GeometryError(
                f"the segment {segment.GetName()!r} has no labelmap, and none can be made of it"
            )
        return labelmap

    def _box_of(self, labelmap: vtkOrientedImageData, segment: vtkSegment, outer: Box) -> Box | None:
        """The box of the labelmap's voxels that are the segment's.

        One pass tells it for all segments of a shared labelmap, which is as large as all together.
        """
        if labelmap not in self._boxes:
            self._boxes[labelmap] = self._label_boxes.of(labelmap)
        found = self._boxes[labelmap].get(segment.GetLabelValue())
        return None if found is None else _moved(found, outer.start)

    def _volume_to_labelmap(self, labelmap: vtkOrientedImageData) -> NDArray:
        """The 4×4 matrix from the volume's voxel coordinates to the labelmap's."""
        matrix = vtkMatrix4x4()
        labelmap.GetImageToWorldMatrix(matrix)
        return np.linalg.inv(from_vtk_matrix(matrix)) @ self._geometry.ijk_to_ras_matrix


def _whole_shift(to_labelmap: NDArray, shape: tuple[int, int, int]) -> tuple[int, int, int] | None:
    """What to add to a labelmap's indices to get the volume's; None when the two are different grids."""
    offset = np.round(to_labelmap[:3, 3])
    turned = np.abs(to_labelmap[:3, :3] - np.eye(3)).max() * max(shape)
    if turned > _TOLERANCE or np.abs(to_labelmap[:3, 3] - offset).max() > _TOLERANCE:
        return None
    return tuple(-int(n) for n in offset)


def _resampled(voxels: NDArray, part: Box, to_labelmap: NDArray, shape: tuple[int, int, int]) -> Mask:
    """The voxels of a labelmap's box on the volume's grid: each voxel takes the nearest value."""
    corners = np.array(list(itertools.product(*zip(part.start, part.stop, strict=True)))) - 0.5
    reach = (np.linalg.inv(to_labelmap) @ np.column_stack([corners, np.ones(8)]).T)[:3]
    low, high = np.floor(reach.min(axis=1)).astype(int), np.ceil(reach.max(axis=1)).astype(int) + 1
    target = Box(tuple(low.tolist()), tuple(high.tolist())).intersection(Box.whole(shape))
    if target.is_empty:
        return Mask(shape)
    linear = to_labelmap[:3, :3]
    offset = linear @ np.array(target.start) + to_labelmap[:3, 3] - np.array(part.start)
    values = affine_transform(
        voxels.astype(np.uint8), linear, offset, target.shape, order=0, mode="grid-constant"
    )
    return Mask.from_box(shape, target, values)


def _moved(box: Box, by: tuple[int, int, int]) -> Box:
    return Box(
        tuple(a + n for a, n in zip(box.start, by, strict=True)),
        tuple(a + n for a, n in zip(box.stop, by, strict=True)),
    )
