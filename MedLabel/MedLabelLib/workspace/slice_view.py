"""One slice view: which plane and slice it shows, how near, and what its pixels are in voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.geometry import VolumeGeometry
from ..model.planes import Plane
from .arrays import from_vtk_matrix, to_vtk_matrix
from .slice_frame import SliceFrame, screen_letters, slice_extent, slice_frame, view_to_ijk
from .slice_orientation import SliceOrientation

FARTHEST, NEAREST = 0.25, 20.0


class SliceViewState:
    """Drives a slice node: it always shows one whole slice of the volume's own grid.

    ``zoom`` is relative to the whole slice fitting the view; ``center`` is where the middle of the view
    lies, in mm from the middle of the slice (right, up). Plane, turns and flips are kept here and not read
    from the node, which calls a flipped orientation "Reformat".
    """

    def __init__(self, slice_node, geometry: VolumeGeometry, plane: Plane) -> None:
        self.node = slice_node
        self.geometry = geometry
        self.plane = plane
        self.index = geometry.shape[plane.axis] // 2
        self.zoom = 1.0
        self.center = (0.0, 0.0)
        self.orientation = SliceOrientation()
        # the face that draws the picture exchanges black and white
        self.inverted = False

    @property
    def size(self) -> tuple[int, int]:
        """The view's columns and rows in pixels."""
        columns, rows = self.node.GetDimensions()[:2]
        return max(1, columns), max(1, rows)

    @property
    def count(self) -> int:
        return self.geometry.shape[self.plane.axis]

    def go(self, index: int) -> bool:
        """Show slice ``index`` (or the nearest there is); whether that changed the view."""
        index = max(0, min(int(index), self.count - 1))
        changed = index != self.index
        self.index = index
        if changed:
            self.place()
        return changed

    def fit(self) -> None:
        """Show the whole slice, in the middle of the view."""
        self.zoom, self.center = 1.0, (0.0, 0.0)
        self.place()

    def reset(self) -> None:
        """Fit, upright, not inverted; the slice stays."""
        self.orientation, self.inverted = SliceOrientation(), False
        self.fit()

    def rotate(self, clockwise: bool) -> None:
        """Turn what is on the screen by 90°, about the middle of the view."""
        right, up = self.center
        self.center = (up, -right) if clockwise else (-up, right)
        self.orientation = self.orientation.rotated(clockwise)
        self.place()

    def flip(self, horizontally: bool) -> None:
        """Exchange left and right of what is on the screen (or top and bottom), about its middle."""
        right, up = self.center
        self.center = (-right, up) if horizontally else (right, -up)
        self.orientation = self.orientation.flipped(horizontally)
        self.place()

    def zoom_to(self, zoom: float) -> None:
        """Set the zoom (1: the whole slice fits), about the middle of the view."""
        self.zoom_by(zoom / self.zoom)

    def zoom_by(self, factor: float, at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Zoom by ``factor``; what lies ``at`` (fractions of the view from its top left) stays there."""
        zoom = min(max(self.zoom * factor, FARTHEST), NEAREST)
        width, height = self._field_of_view()
        off_x, off_y = (at[0] - 0.5) * width, (0.5 - at[1]) * height
        kept = self.zoom / zoom
        self.center = (self.center[0] + off_x * (1 - kept), self.center[1] + off_y * (1 - kept))
        self.zoom = zoom
        self.place()

    def pan_by(self, right: float, down: float) -> None:
        """Move the image by fractions of the view."""
        width, height = self._field_of_view()
        self.center = (self.center[0] - right * width, self.center[1] + down * height)
        self.place()

    def place(self) -> None:
        """Set the slice node by the state; the node's size in pixels decides the field of view's shape."""
        frame = self._frame().slice_to_ras
        width, height = self._field_of_view()
        modified = self.node.StartModify()
        self.node.SetSliceSpacingModeToPrescribed()
        self.node.SetPrescribedSliceSpacing(1.0, 1.0, self.geometry.spacing[self.plane.axis])
        self.node.GetSliceToRAS().DeepCopy(to_vtk_matrix(frame))
        self.node.SetFieldOfView(width, height, self.geometry.spacing[self.plane.axis])
        self.node.UpdateMatrices()
        self.node.EndModify(modified)

    def pixels_to_ijk(self) -> NDArray:
        """3×3 matrix from the view's pixels ``(x right, y down, 1)``, from its top left, to ``(i, j, k)``.

        A pixel's own square reaches from its number to the next, so ``x = 0`` is the view's left edge.
        """
        frame = self._frame()
        # VTK counts pixel centres, upward from the lowest row
        height = self.size[1]
        from_page = np.array([[1.0, 0.0, -0.5], [0.0, -1.0, height - 0.5], [0.0, 0.0, 1.0]])
        return view_to_ijk(self.geometry, frame, from_vtk_matrix(self.node.GetXYToSlice())) @ from_page

    def letters(self) -> dict[str, str]:
        """The patient's directions at the view's edges: left, right, top, bottom."""
        return screen_letters(
            slice_frame(self.geometry, self.plane, self.index, self.orientation).slice_to_ras
        )

    def mm_per_pixel(self) -> float:
        return self._field_of_view()[0] / self.size[0]

    def _frame(self) -> SliceFrame:
        frame = slice_frame(self.geometry, self.plane, self.index, self.orientation)
        # a slice node puts the centre of its first pixel, not its corner, on the edge of the field of view
        half = self.mm_per_pixel() / 2
        right, up = self.center[0] + half, self.center[1] + half
        frame.slice_to_ras[:3, 3] += frame.slice_to_ras[:3, 0] * right + frame.slice_to_ras[:3, 1] * up
        return frame

    def _field_of_view(self) -> tuple[float, float]:
        columns, rows = self.size
        width, height = slice_extent(self.geometry, self.plane, self.orientation)
        per_pixel = max(width / columns, height / rows) / self.zoom
        return columns * per_pixel, rows * per_pixel
