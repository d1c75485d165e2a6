"""The frame around the views: theme, the panel's width and side, what is folded away."""

from __future__ import annotations

from typing import Any, ClassVar

from .room import Room


class FrameRoom(Room):
    name = "frame"
    state: ClassVar[dict[str, Any]] = {
        "ml_theme": "dark",
        "ml_panel_width": 310,
        "ml_panel_left": False,
        "ml_panel_open": True,
        "ml_tools_open": True,
    }
    remembered = tuple(state)

    def restore_layout(self) -> None:
        self.page.update({name: value for name, value in self.state.items() if name != "ml_theme"})
