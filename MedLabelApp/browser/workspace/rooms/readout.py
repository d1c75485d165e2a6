"""What lies under the pointer."""

from __future__ import annotations

from typing import Any, ClassVar

from ..opening import Opened
from .room import Room


class ReadoutRoom(Room):
    name = "readout"
    state: ClassVar[dict[str, Any]] = {"ml_unit": "", "ml_shape": [1, 1, 1], "ml_affine": []}
    offers = ("value_at",)

    def show(self, opened: Opened) -> None:
        self.page.ml_unit = opened.image.unit
        self.page.ml_shape = list(self.workspace.geometry.shape)
        self.page.ml_affine = self.workspace.geometry.ijk_to_ras_matrix.ravel().tolist()

    def value_at(self, ijk: list[int]) -> dict:
        return {"value": self.workspace.value_at(tuple(int(n) for n in ijk))}
