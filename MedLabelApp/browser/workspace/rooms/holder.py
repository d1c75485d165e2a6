"""Who has the volume open for editing: another, who can be taken over from, or one who took it."""

from __future__ import annotations

from typing import Any, ClassVar

from .room import Room

# asked of the journal this often; the answer costs it next to nothing
TICKS_BETWEEN = 4


class HolderRoom(Room):
    name = "holder"
    state: ClassVar[dict[str, Any]] = {"ml_locked": "", "ml_can_take_over": False}
    offers = ("take_over",)

    def __init__(self, app) -> None:
        super().__init__(app)
        self._ticks = 0

    def changed(self, what: str) -> None:
        if what in ("saved", "objects"):
            session = self.workspace.session
            self.page.ml_locked = "" if session is None else session.read_only_reason
            self.page.ml_can_take_over = session is not None and session.can_take_over

    def tick(self) -> None:
        self._ticks += 1
        session = self.workspace.session
        if self._ticks % TICKS_BETWEEN == 0 and session is not None and session.notice_takeover():
            self.workspace.tell("saved")

    def take_over(self) -> None:
        self.workspace.take_over()
