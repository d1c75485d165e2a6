"""Proposed labels in a scene: hatched and outlined in the slice views, translucent in 3D."""

from __future__ import annotations

import numpy as np

from ..model.box import Box
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .compat import vtkMRMLScalarVolumeNode
from .overlay_node import OverlayNode
from .surfaces import Surfaces

HATCH_OPACITY = 0.55
OUTLINE_OPACITY = 0.9
SURFACE_OPACITY = 0.45
# so many stripes over the volume's longest side, and how much of the distance between two a stripe fills
HATCH_STRIPES, HATCH_FILL = 40, 0.3
_HATCH = "hatch-"


class PreviewLayer:
    """A segmentation node of its own for what is proposed, which never becomes part of the labels.

    Each object has two segments there: an outline, and a hatch inside it, so that a proposal is told from
    a label at a glance, whatever its colour.
    """

    def __init__(
        self, scene, volume_node: vtkMRMLScalarVolumeNode, geometry: VolumeGeometry, name: str
    ) -> None:
        self._geometry = geometry
        self._overlay = OverlayNode(scene, volume_node, geometry, name)
        self.node = self._overlay.node
        self.surfaces = Surfaces(scene, geometry, SURFACE_OPACITY)

    def show(self, proposals: dict[str, Mask], wholes: dict[str, Mask], colors: dict[str, str]) -> None:
        """Show these proposals and no others; ``wholes`` are the objects as they would be, for 3D."""
        modified = self.node.StartModify()
        for segment_id in self._overlay.segment_ids:
            if segment_id.removeprefix(_HATCH) not in proposals:
                self._overlay.remove(segment_id)
                self.surfaces.remove(segment_id)
        for key, mask in proposals.items():
            box = mask.box or Box((0, 0, 0), (1, 1, 1))
            voxels = mask.read(box)
            self._overlay.fill(key, voxels, box, colors[key], 0.0, OUTLINE_OPACITY)
            self._overlay.fill(
                _HATCH + key, voxels & hatch(box, self._geometry), box, colors[key], HATCH_OPACITY, 0.0
            )
            self.surfaces.request(key, wholes[key], colors[key])
        self.node.EndModify(modified)
        self.node.Modified()

    def close(self) -> None:
        self.surfaces.close()
        self._overlay.close()


def hatch(box: Box, geometry: VolumeGeometry) -> np.ndarray:
    """Boolean ``[i, j, k]`` of a box: stripes in mm that are diagonal in each of the three planes."""
    spacing = geometry.spacing
    period = max(n * s for n, s in zip(geometry.shape, spacing, strict=True)) / HATCH_STRIPES
    # in 256ths of a period, so that bytes wrap round as the stripes do
    i, j, k = (
        np.round(np.arange(a, b) * (256 * s / period)).astype(np.int64).astype(np.uint8)
        for a, b, s in zip(box.start, box.stop, spacing, strict=True)
    )
    along = (k[:, None, None] + j[None, :, None] + i[None, None, :]).T
    # a stripe is one voxel wide at least
    return along < 256 * max(HATCH_FILL, min(0.9, max(spacing[:2]) / period))
