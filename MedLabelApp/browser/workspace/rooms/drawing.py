"""Brush and eraser."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.strokes import Stroke

from .room import Room, Tool


class DrawingRoom(Room):
    name = "drawing"
    tools = (Tool("brush", "Brush", "Brush", "8"), Tool("eraser", "Eraser", "Eraser", "E"))
    state: ClassVar[dict[str, Any]] = {"ml_radius": 5.0}
    offers = ("draw",)

    def draw(self, data: dict) -> dict:
        return {"changed": self.workspace.draw(Stroke.from_json(data))}
