"""What lies under the pointer."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.label_display import objects_at

from ..opening import Opened
from .room import Room


class ReadoutRoom(Room):
    name = "readout"
    state: ClassVar[dict[str, Any]] = {
        "ml_unit": "",
        "ml_shape": [1, 1, 1],
        "ml_affine": [],
        "ml_spacing": [],
    }
    offers = ("value_at",)

    def show(self, opened: Opened) -> None:
        geometry = self.workspace.geometry
        self.page.ml_unit = opened.image.unit or "stored"
        self.page.ml_shape = list(geometry.shape)
        self.page.ml_spacing = [round(float(step), 3) for step in geometry.spacing]
        self.page.ml_affine = geometry.ijk_to_ras_matrix.ravel().tolist()

    def value_at(self, ijk: list[int]) -> dict:
        """The value in a voxel, where it lies (RAS, mm), and the objects it belongs to."""
        at = tuple(int(n) for n in ijk)
        return {
            "value": self.workspace.value_at(at),
            "ras": self.workspace.geometry.grid_to_ras([float(n) for n in at]).tolist(),
            "objects": objects_at(self.workspace, at),
        }
