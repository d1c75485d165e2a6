"""The window: which values are shown from black to white."""

from __future__ import annotations

from typing import Any, ClassVar

from .room import Room, Tool


class WindowingRoom(Room):
    name = "windowing"
    tools = (Tool("window", "W / L", "Window", "W"),)
    state: ClassVar[dict[str, Any]] = {"ml_window": [0.0, 1.0]}
    offers = ("set_window",)

    def changed(self, what: str) -> None:
        if what == "window":
            self.page.ml_window = list(self.workspace.window)

    def set_window(self, center: float, width: float) -> None:
        self.workspace.set_window(center, width)
