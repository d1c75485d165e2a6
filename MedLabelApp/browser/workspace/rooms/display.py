"""How labels and pictures look: the panel of it."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.label_display import LabelLook, show_labels

from ..opening import Opened
from .room import Room


class DisplayRoom(Room):
    name = "display"
    panel = "Display"
    state: ClassVar[dict[str, Any]] = {"ml_look": LabelLook().to_json()}
    remembered = ("ml_look",)
    offers = ("set_look",)

    def show(self, opened: Opened) -> None:
        # labels that were hidden when the last window was closed must not be missed in this one
        self._look = LabelLook().changed(**self.page.ml_look).changed(shown=True)
        self._show()

    def set_look(self, values: dict[str, Any]) -> None:
        self._look = self._look.changed(**values)
        self._show()

    def _show(self) -> None:
        show_labels(self.workspace, self._look)
        self.page.ml_look = self._look.to_json()
