"""The 3D view: what it shows apart from the slices, and from where."""

from __future__ import annotations

from typing import Any, ClassVar

from trame_slicer.views import ViewDirection

from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.workspace.layouts import THREED, kind_of

from ..areas import ViewArea
from .room import Room
from .views import PLANE_VIEWS

DIRECTIONS = {
    "A": ViewDirection.ANTERIOR,
    "P": ViewDirection.POSTERIOR,
    "L": ViewDirection.LEFT,
    "R": ViewDirection.RIGHT,
    "S": ViewDirection.SUPERIOR,
    "I": ViewDirection.INFERIOR,
}
# Slicer's presets by the unit or modality they are for
VOLUME_PRESETS = {
    "HU": [
        "CT-Bones",
        "CT-Soft-Tissue",
        "CT-Lung",
        "CT-Chest-Contrast-Enhanced",
        "CT-Muscle",
        "CT-Air",
        "CT-MIP",
    ],
    "MR": ["MR-Default", "MR-T2-Brain", "MR-Angio", "MR-MIP"],
    "other": ["MR-MIP", "MR-Default", "CT-MIP"],
}
# images a second that a volume is made coarser for
UPDATE_RATE = 15.0


class ThreeDRoom(Room):
    name = "threed"
    panel = "3D"
    state: ClassVar[dict[str, Any]] = {
        "ml_volume_presets": [],
        "ml_volume_preset": "",
        "ml_planes": {name: True for name in PLANE_VIEWS},
        "ml_surfaces_shown": True,
    }
    offers = ("show_volume", "show_plane", "show_surfaces", "look_from")

    def show(self, opened) -> None:
        kind = opened.image.unit if opened.image.unit in VOLUME_PRESETS else opened.image.modality
        known = self.app.slicer_app.volume_rendering.preset_names()
        wanted = VOLUME_PRESETS.get(kind, VOLUME_PRESETS["other"])
        self.page.ml_volume_presets = [name for name in wanted if name in known]

    def view_made(self, name: str, area: ViewArea) -> None:
        if kind_of(name) == THREED:
            # as coarse as it must be: without a GPU a full picture of a volume takes seconds
            node = area.view.get_view_node()
            node.SetVolumeRenderingQuality(node.GetVolumeRenderingQualityFromString("Adaptive"))
            area.view.render_window().SetDesiredUpdateRate(UPDATE_RATE)

    def _areas(self) -> list[ViewArea]:
        areas = self.app.rooms["views"].areas
        return [area for name, area in areas.items() if kind_of(name) == THREED]

    def _render(self) -> None:
        for area in self._areas():
            area.stream.schedule_render()

    def show_volume(self, preset: str) -> None:
        """Show the scan as a volume, by one of the presets; an empty name hides it."""
        rendering = self.app.slicer_app.volume_rendering
        node = self.workspace.volume_node
        if preset and preset not in self.page.ml_volume_presets:
            raise NotFoundError(f"there is no preset {preset!r} for this volume")
        display = rendering.get_vr_display_node(node)
        if preset:
            if display is None:
                display = rendering.create_display_node(node, preset)
            rendering.apply_preset(display, preset)
        if display is not None:
            display.SetVisibility(bool(preset))
        self.page.ml_volume_preset = preset
        self._render()

    def show_plane(self, plane: str, shown: bool) -> None:
        """Show or hide a slice plane in 3D."""
        if plane not in PLANE_VIEWS:
            raise NotFoundError(f"there is no plane {plane!r}")
        self.workspace.views[plane].node.SetSliceVisible(bool(shown))
        self.page.ml_planes = {**self.page.ml_planes, plane: bool(shown)}
        self._render()

    def show_surfaces(self, shown: bool) -> None:
        """Show or hide the objects' surfaces in 3D; in the slices they stay as they are."""
        for entry in self.workspace.objects:
            visible = bool(shown) and entry.key not in self.workspace.hidden
            self.workspace.surfaces.set_visible(entry.key, visible)
        self.page.ml_surfaces_shown = bool(shown)
        self._render()

    def look_from(self, direction: str) -> None:
        """Look at the volume from A, P, L, R, S or I."""
        if direction not in DIRECTIONS:
            raise NotFoundError(f"there is no direction {direction!r}")
        for area in self._areas():
            area.view.rotate_to_view_direction(DIRECTIONS[direction])
            area.view.reset_camera()
        self._render()

    def changed(self, what: str) -> None:
        # a surface that was made anew shows itself
        if what in ("mask", "objects") and not self.page.ml_surfaces_shown:
            self.show_surfaces(False)
