"""Undo, redo, what was done in the volume, and earlier states shown before one of them is gone to."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from MedLabelLib.model.errors import MedLabelError, NotFoundError
from MedLabelLib.storage.steps import HistoryEntry
from MedLabelLib.workspace.history_preview import HistoryPreview

from .room import Room

PAGE_STEPS = 200
NO_PREVIEW: dict[str, Any] = {"entry": 0, "working": False, "sentence": "", "objects": [], "any": False}


class HistoryRoom(Room):
    name = "history"
    state: ClassVar[dict[str, Any]] = {
        "ml_undo": "",
        "ml_redo": "",
        "ml_history": [],
        "ml_history_more": False,
        "ml_history_open": False,
        "ml_preview": NO_PREVIEW,
    }
    offers = ("undo", "redo", "older_steps", "preview", "end_preview", "go_there", "bring_back")

    def __init__(self, app) -> None:
        super().__init__(app)
        self._steps = PAGE_STEPS
        self._wanted = 0

    def start(self) -> None:
        self.page.change("ml_history_open")(self._open_or_close)

    def changed(self, what: str) -> None:
        if what == "history":
            self._show_preview()
        if what not in ("saved", "mask", "objects"):
            return
        session = self.workspace.session
        self.page.ml_undo = (session.can_undo if session else None) or ""
        self.page.ml_redo = (session.can_redo if session else None) or ""
        if self.page.ml_history_open:
            self._list()

    def undo(self) -> dict:
        return {"name": self.workspace.undo()}

    def redo(self) -> dict:
        return {"name": self.workspace.redo()}

    # -- the list ----------------------------------------------------------------------------------------

    def _open_or_close(self, ml_history_open: bool, **_: object) -> None:
        if self.workspace is None:
            return
        self._steps = PAGE_STEPS
        if ml_history_open:
            self._list()
        else:
            self.end_preview()

    def older_steps(self) -> None:
        """Show more of the history, which may be very long."""
        self._steps += PAGE_STEPS
        self._list()

    def _list(self) -> None:
        session = self.workspace.session
        # one more than is shown tells that there are older ones
        entries = [] if session is None else session.history(count=self._steps + 1)
        self.page.ml_history_more = len(entries) > self._steps
        self.page.ml_history = [_step_row(entry) for entry in reversed(entries[-self._steps :])]

    # -- an earlier state, shown -------------------------------------------------------------------------

    def preview(self, entry: int) -> None:
        """Show what going to an entry would change, as soon as that is worked out."""
        history = self._history()
        self._wanted = entry
        self.page.ml_preview = {**NO_PREVIEW, "entry": entry, "working": True}
        asyncio.get_running_loop().create_task(self._preview(history, entry))

    async def _preview(self, history: HistoryPreview, entry: int) -> None:
        problem = ""
        try:
            prepared = await asyncio.to_thread(history.prepare, entry)
        except MedLabelError as error:
            problem = str(error)
        if self._wanted != entry or history is not self.workspace.history:
            return
        with self.page:
            if problem:
                history.cancel()
                self.page.ml_preview = {**NO_PREVIEW, "entry": entry, "sentence": problem}
            else:
                history.show(prepared)

    def _show_preview(self) -> None:
        history = self.workspace.history
        if history is None or history.entry is None:
            self._wanted = 0
            self.page.ml_preview = NO_PREVIEW
            return
        voxel_ml = self.workspace.geometry.voxel_ml
        self.page.ml_preview = {
            "entry": history.entry,
            "working": False,
            "sentence": history.sentence(),
            "any": history.difference.any,
            "objects": [
                {
                    "key": entry.key,
                    "title": entry.title,
                    "text": entry.text(voxel_ml),
                    "can_come_back": entry.can_come_back,
                }
                for entry in history.difference.objects
            ],
        }

    def end_preview(self) -> None:
        """Leave the labels as they are; nothing of the preview stays."""
        self._wanted = 0
        self.page.ml_preview = NO_PREVIEW
        if self.workspace.history is not None:
            self.workspace.history.cancel()

    def go_there(self) -> dict:
        step = self._history().go_there()
        return {"name": None if step is None else step.name}

    def bring_back(self, key: str) -> dict:
        step = self._history().bring_back(key)
        return {"name": None if step is None else step.name}

    def _history(self) -> HistoryPreview:
        if self.workspace.history is None:
            raise NotFoundError("nothing was done in this scan yet")
        return self.workspace.history


def _step_row(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "tool": entry.tool,
        "author": entry.author,
        "face": entry.face,
        "when": round(entry.when.timestamp()),
        "undone": entry.undone,
        "current": entry.current,
    }
