"""The crosshair: one point, shown in all planes."""

from __future__ import annotations

from .room import Room, Tool


class CrosshairRoom(Room):
    name = "crosshair"
    tools = (Tool("cross", "Cross", "Crosshair", "C"),)
    offers = ("go_to",)

    def go_to(self, ijk: list[float]) -> None:
        self.workspace.go_to(tuple(ijk))
