"""The crosshair: one point, shown in all planes."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.crosshair import Crosshair

from ..opening import Opened
from .room import Room, Tool


class CrosshairRoom(Room):
    name = "crosshair"
    tools = (Tool("cross", "Cross", "Crosshair", "C"),)
    state: ClassVar[dict[str, Any]] = {"ml_cross": [], "ml_cross_shown": True, "ml_cross_snap": False}
    remembered = ("ml_cross_shown", "ml_cross_snap")
    offers = ("go_to", "step_cross")

    def show(self, opened: Opened) -> None:
        self.cross = Crosshair(self.workspace, bool(self.page.ml_cross_snap))
        self.page.change("ml_cross_snap")(self._snap)

    def changed(self, what: str) -> None:
        if what == "views":
            self.cross.follow()
            self.page.ml_cross = list(self.cross.ijk)

    def _snap(self, ml_cross_snap: bool, **_: object) -> None:
        self.cross.snapped = bool(ml_cross_snap)
        if ml_cross_snap:
            self.cross.move_to(self.cross.ijk)

    def go_to(self, ijk: list[float]) -> None:
        self.cross.move_to(tuple(ijk))

    def step_cross(self, axis: int, by: int) -> None:
        self.cross.step(int(axis), int(by))
