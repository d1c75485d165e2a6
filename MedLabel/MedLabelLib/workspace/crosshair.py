"""The crosshair: one point of the volume, through which every view's slice goes."""

from __future__ import annotations

import math

import numpy as np

from .workspace import Workspace


class Crosshair:
    """A point in voxel coordinates; ``snapped`` keeps it in voxel centres."""

    def __init__(self, workspace: Workspace, snapped: bool = False) -> None:
        self._workspace = workspace
        self._limit = np.array(workspace.geometry.shape, dtype=float) - 0.5
        self.snapped = snapped
        self.ijk = tuple((n - 1) / 2 for n in workspace.geometry.shape)

    @property
    def ras(self) -> tuple[float, float, float]:
        return tuple(self._workspace.geometry.grid_to_ras(np.array(self.ijk)).tolist())

    def move_to(self, ijk: tuple[float, float, float]) -> None:
        """Go to a point, at the volume's edge where it lies outside, and show its slices in every view."""
        at = np.clip(np.asarray(ijk, dtype=float), -0.5, np.nextafter(self._limit, 0))
        if self.snapped:
            at = np.floor(at + 0.5)
        self.ijk = tuple(at.tolist())
        self._workspace.go_to(tuple(np.floor(at + 0.5)))

    def step(self, axis: int, by: int) -> None:
        """Move by whole voxels along i, j or k."""
        at = list(self.ijk)
        at[axis] = min(max(at[axis] + by, 0.0), self._workspace.geometry.shape[axis] - 1.0)
        self.move_to(tuple(at))

    def follow(self) -> None:
        """Take over the slices that the three planes' first views show, keeping the rest."""
        at = list(self.ijk)
        for name in ("sagittal", "coronal", "axial"):
            view = self._workspace.views.get(name)
            if view is not None and math.floor(at[view.plane.axis] + 0.5) != view.index:
                at[view.plane.axis] = float(view.index)
        self.ijk = tuple(at)
