"""Whether the work is saved, and saving it now."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.workspace import Workspace

from .room import Room


class SavingRoom(Room):
    name = "saving"
    state: ClassVar[dict[str, Any]] = {"ml_saved": {"state": "saved", "at": None, "reason": ""}}
    offers = ("save",)

    def changed(self, what: str) -> None:
        if what in ("saved", "mask", "objects"):
            self.page.ml_saved = saved_row(self.workspace)
            if self.workspace.session is not None:
                self.page.ml_place = self.workspace.session.volume.dataset.project.name

    def tick(self) -> None:
        self.page.ml_saved = saved_row(self.workspace)

    def save(self) -> None:
        self.workspace.save()


def saved_row(workspace: Workspace) -> dict[str, Any]:
    """Whether the work is saved: the state, since when (seconds since 1970), and why not."""
    session = workspace.session
    if session is None:
        return {"state": "saved", "at": None, "reason": ""}
    saved = session.saved
    return {
        "state": saved.state,
        "at": None if saved.at is None else round(saved.at.timestamp()),
        "reason": saved.reason,
    }
