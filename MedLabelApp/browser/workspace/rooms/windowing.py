"""The window: which values are shown from black to white, and in which colours."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.model.windowing import WindowPreset, first_window, histogram, window_presets
from MedLabelLib.workspace.volume_node import PALETTES, first_palette, set_interpolated, set_palette

from ..opening import Opened
from .room import Room, Tool

LONGEST_NAME = 40


class WindowingRoom(Room):
    name = "windowing"
    tools = (Tool("window", "W / L", "Window", "W"),)
    state: ClassVar[dict[str, Any]] = {
        "ml_window": [0.0, 1.0],
        "ml_presets": [],
        "ml_histogram": {"points": "", "low": 0.0, "high": 1.0},
        "ml_palette": "Grey",
        "ml_palettes": list(PALETTES),
        "ml_interpolated": True,
    }
    remembered = ("ml_interpolated",)
    offers = ("set_window", "automatic_window", "keep_preset", "drop_preset", "set_palette", "interpolate")

    def show(self, opened: Opened) -> None:
        image = opened.image
        self._kind = image.unit or image.modality or "other"
        kept = self.app.settings.get("windows", {}).get(self._kind)
        if not (isinstance(kept, list) and len(kept) == 2):
            kept = None
        window = first_window(image.array, image.modality, image.window, image.unit, kept and tuple(kept))
        self.workspace.set_window(*window)
        heights, low, high = histogram(image.array)
        self.page.ml_histogram = {"points": _outline(heights), "low": low, "high": high}
        self._automatic, *self._presets = window_presets(image.array, image.unit, image.modality)
        self._tell_presets()
        set_interpolated(self.workspace.volume_node, bool(self.page.ml_interpolated))
        self.set_palette(first_palette(image.unit))

    def changed(self, what: str) -> None:
        if what == "window":
            self.page.ml_window = list(self.workspace.window)

    def set_window(self, center: float, width: float) -> None:
        self.workspace.set_window(float(center), float(width))
        windows = self.app.settings.get("windows", {})
        self.app.settings.set(windows={**windows, self._kind: list(self.workspace.window)})

    def automatic_window(self) -> None:
        self.set_window(self._automatic.center, self._automatic.width)

    def set_palette(self, palette: str) -> None:
        set_palette(self.workspace.volume_node, palette)
        self.page.ml_palette = palette
        self.workspace.tell("window")

    def interpolate(self, interpolated: bool) -> None:
        set_interpolated(self.workspace.volume_node, interpolated)
        self.page.ml_interpolated = bool(interpolated)
        self.workspace.tell("window")

    # -- the user's own presets ---------------------------------------------------------------------------

    def keep_preset(self, name: str) -> None:
        """Keep the window as it is under a name, for all scans of this kind."""
        name = name.strip()[:LONGEST_NAME]
        if name:
            center, width = self.workspace.window
            own = [preset for preset in self._own() if preset.name != name]
            self._keep([*own, WindowPreset(name, center, width)])

    def drop_preset(self, name: str) -> None:
        self._keep([preset for preset in self._own() if preset.name != name])

    def _own(self) -> list[WindowPreset]:
        rows = self.app.settings.get("own_windows", {}).get(self._kind, [])
        own = []
        for row in rows if isinstance(rows, list) else []:
            try:
                own.append(WindowPreset(str(row["name"]), float(row["center"]), float(row["width"])))
            except (TypeError, KeyError, ValueError):
                continue
        return own

    def _keep(self, own: list[WindowPreset]) -> None:
        everything = self.app.settings.get("own_windows", {})
        rows = [preset.to_json() for preset in own]
        self.app.settings.set(own_windows={**everything, self._kind: rows})
        self._tell_presets()

    def _tell_presets(self) -> None:
        rows = [{**preset.to_json(), "own": False} for preset in self._presets]
        self.page.ml_presets = rows + [{**preset.to_json(), "own": True} for preset in self._own()]


def _outline(heights: list[float]) -> str:
    """The histogram as the points of a polygon, 100 wide and 40 high."""
    step = 100 / len(heights)
    tops = [f"{(n + 0.5) * step:.2f},{40 - 38 * height:.2f}" for n, height in enumerate(heights)]
    return " ".join(["0,40", *tops, "100,40"])
