"""Undo, redo, and what was done in the volume."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.workspace import Workspace

from .room import Room

SHOWN_STEPS = 200


class HistoryRoom(Room):
    name = "history"
    state: ClassVar[dict[str, Any]] = {
        "ml_undo": "",
        "ml_redo": "",
        "ml_history": [],
        "ml_history_open": False,
    }
    offers = ("undo", "redo", "restore")

    def start(self) -> None:
        self.page.change("ml_history_open")(self._show_history)

    def changed(self, what: str) -> None:
        if what not in ("saved", "mask", "objects"):
            return
        session = self.workspace.session
        self.page.ml_undo = (session.can_undo if session else None) or ""
        self.page.ml_redo = (session.can_redo if session else None) or ""
        if self.page.ml_history_open:
            self.page.ml_history = history_rows(self.workspace)

    def _show_history(self, ml_history_open: bool, **_: object) -> None:
        if ml_history_open and self.workspace is not None:
            self.page.ml_history = history_rows(self.workspace)

    def undo(self) -> dict:
        return {"name": self.workspace.undo()}

    def redo(self) -> dict:
        return {"name": self.workspace.redo()}

    def restore(self, entry: int) -> dict:
        return {"name": self.workspace.restore(entry)}


def history_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The newest steps of the volume's history, newest first."""
    session = workspace.session
    entries = [] if session is None else session.history()[-SHOWN_STEPS:]
    return [
        {
            "id": entry.id,
            "name": entry.name,
            "author": entry.author,
            "face": entry.face,
            "when": round(entry.when.timestamp()),
            "undone": entry.undone,
        }
        for entry in reversed(entries)
    ]
