"""One interpolation in a Segment Editor: its proposal, shown beside the segments, and what becomes of it.

No Qt: it runs on slicer-core too.
"""

from __future__ import annotations

import numpy as np

from MedLabelInterpolateLib.errors import InterpolationError
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelInterpolateLib.live_worker import QUICK
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.workspace.overlay_node import OverlayNode
from MedLabelLib.workspace.segment_grid import SegmentGrid

from .segment_labels import SegmentEditing, SegmentLabels

OUTLINE_OPACITY, FILL_OPACITY = 1.0, 0.2


class SegmentInterpolation:
    """A proposal for one segment in a scene that is handed in.

    The work is done when :meth:`follow` (quick, after each edit) and :meth:`rest` (by the chosen method,
    once edits have rested) are called.
    """

    def __init__(
        self,
        scene,
        editing: SegmentEditing,
        segment_id: str,
        plane: Plane | None = None,
        method: str | None = None,
        caps: bool = False,
    ) -> None:
        """Raises InterpolationError where there is nothing to edit, GeometryError for unreadable segments."""
        reference = editing.reference_geometry()
        if reference is None:
            raise InterpolationError("choose a segmentation and a source volume first")
        self._editing = editing
        self._segment_id = segment_id
        self._grid = SegmentGrid(reference)
        self._labels = SegmentLabels(editing, self._grid)
        image = self._grid.image(editing.source_image())
        self.live = LiveInterpolation(
            self._labels, self._grid.geometry, image, [segment_id], plane, method, caps
        )
        node = editing.segmentation_node
        self._overlay = OverlayNode(scene, None, self._grid.geometry, f"{node.GetName()} preview")
        if node.GetParentTransformNode() is not None:
            self._overlay.node.SetAndObserveTransformNodeID(node.GetParentTransformNode().GetID())
        self.shows_3d = True

    @property
    def preview_node(self):
        return self._overlay.node

    @property
    def segmentation(self):
        return self._editing.segmentation_node.GetSegmentation()

    @property
    def is_there(self) -> bool:
        """Whether the segment still is."""
        return self.segmentation.GetSegment(self._segment_id) is not None

    @property
    def status(self) -> str:
        """What the panel says: why there is nothing, or what is proposed and where it is weakest."""
        if self.problem:
            return self.problem
        gaps = self.live.gaps
        said = (
            f"{sum(len(gap.gap.slices) for gap in gaps)} {self.live.plane.value} slices in {len(gaps)} gaps"
        )
        errors = [gap.error.error for gap in gaps if gap.error is not None]
        return f"{said}, expected error up to {max(errors):.0%}" if errors else said

    @property
    def problem(self) -> str:
        """Why nothing can be filled; empty when something can."""
        return self.live.problem

    def follow(self) -> bool:
        """After an edit: fill the gaps beside it by the quick method, and show that.

        Returns whether the chosen method is to follow.
        """
        self._labels.changed({self._segment_id})
        self.live.compute(QUICK, only_new=True)
        self.show()
        return not self.live.is_ready or any(gap.error is None for gap in self.live.gaps)

    def rest(self) -> None:
        """Fill the gaps by the chosen method, find where they are weak, and show that."""
        self.live.compute()
        self.live.judge()
        self.show()

    def show(self) -> None:
        """Show the proposal, without what the masking settings would not let be edited."""
        proposal = self.live.proposals().get(self._segment_id)
        segment = self.segmentation.GetSegment(self._segment_id)
        box = None if proposal is None else proposal.box
        if segment is None or box is None:
            if self._segment_id in self._overlay.segment_ids:
                self._overlay.remove(self._segment_id)
            return
        voxels = self._allowed(proposal).read(box)
        color = "#" + "".join(f"{round(255 * part):02X}" for part in segment.GetColor())
        self._overlay.fill(self._segment_id, voxels, box, color, FILL_OPACITY, OUTLINE_OPACITY)
        node = self._overlay.node
        node.RemoveClosedSurfaceRepresentation()
        if self.shows_3d:
            node.CreateClosedSurfaceRepresentation()

    def apply(self) -> int:
        """Put the proposal into the segment, as one step of the editor's undo; how many voxels changed.

        Masking and overwriting are as the editor is set. Raises InterpolationError for an empty proposal.
        """
        changed = self.live.apply()
        self.close()
        return changed[self._segment_id]

    def close(self) -> None:
        """End, and take the preview out of the scene."""
        self.live.close()
        self._overlay.close()

    def next_slice_position(self) -> tuple[float, float, float] | None:
        """The middle of the slice to draw next, in RAS of the scene in mm; None when it is not known."""
        found = self.live.next_slice()
        proposal = self.live.proposals().get(self._segment_id)
        box = None if proposal is None else proposal.box
        if found is None or box is None:
            return None
        middle = (np.array(box.start) + np.array(box.stop) - 1) / 2.0
        middle[found.plane.axis] = found.index
        local = [float(x) for x in self._grid.geometry.ijk_to_ras(middle)]
        world = [0.0, 0.0, 0.0]
        self._editing.segmentation_node.TransformPointToWorld(local, world)
        return tuple(world)

    def _allowed(self, proposal: Mask) -> Mask:
        forbidden = self._grid.image(self._editing.mask_image())
        box = proposal.box
        if forbidden is None or box is None:
            return proposal
        return Mask.from_box(proposal.shape, box, proposal.read(box) & (forbidden[box.slices] == 0))
