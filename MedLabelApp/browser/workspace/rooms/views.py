"""The views: how they are laid out, which slice each shows, how near, and how it is turned."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import numpy as np

from MedLabelLib.model.colors import rgb
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.model.planes import Plane
from MedLabelLib.workspace.layouts import (
    PLANE_COLORS,
    THREED,
    Arrangement,
    kind_of,
    layout_named,
    layout_names,
)
from MedLabelLib.workspace.slice_view import SliceViewState

from ..areas import ViewArea
from ..opening import Opened
from ..streaming import RenderQueue
from .room import Room, Tool

TITLES = {"axial": "Axial", "sagittal": "Sagittal", "coronal": "Coronal", THREED: "3D"}
# the views whose planes are seen in 3D; they are there also when no cell shows them
PLANE_VIEWS = tuple(plane.value for plane in (Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL))


class ViewsRoom(Room):
    name = "views"
    tools = (Tool("pan", "Pan", "Pan", "1"),)
    state: ClassVar[dict[str, Any]] = {
        "ml_views": {},
        "ml_cells": [],
        "ml_full": "",
        "ml_layout": "",
        "ml_layouts": [],
        "ml_grid": {},
        "ml_menu": "",
    }
    offers = (
        "go", "zoom", "zoom_to", "pan", "fit", "rotate", "flip", "invert", "reset_view",
        "choose_layout", "show_view", "swap_views", "maximise", "default_layout",
    )  # fmt: skip

    def __init__(self, app) -> None:
        super().__init__(app)
        self.queue = RenderQueue()
        self.areas: dict[str, ViewArea] = {}
        self.arrangement = Arrangement()
        # of each view: by what it was last rendered, and what the page was told of it then
        self._rendered: dict[str, tuple] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._inverted_3d: set[str] = set()

    def start(self) -> None:
        self.arrangement = Arrangement.from_json(self.app.settings.get("arrangement", {}))
        self.page.ml_layouts = [_layout_row(name) for name in layout_names()]
        self.app.server.controller.on_server_ready.add(
            lambda **_: asyncio.get_running_loop().create_task(self.queue.run())
        )

    def show(self, opened: Opened) -> None:
        for name in PLANE_VIEWS:
            self._area(name)
        self._show_arrangement()

    # -- views are made when they are first shown --------------------------------------------------------

    def _area(self, name: str) -> ViewArea:
        if name not in self.areas:
            is_slice = kind_of(name) != THREED
            area = ViewArea(self.app.server, self.app.slicer_app, self.queue, name, is_slice)
            self.areas[name] = area
            if is_slice:
                self._begin_slices(name, area)
            else:
                self._begin_3d(area)
            for room in self.app.rooms.values():
                room.view_made(name, area)
        return self.areas[name]

    def _begin_slices(self, name: str, area: ViewArea) -> None:
        kind = kind_of(name)
        node = area.view.get_view_node()
        area.view.set_background_volume_id(self.workspace.volume_node.GetID())
        node.SetLayoutColor(*rgb(PLANE_COLORS[kind]))
        state = self.workspace.add_view(name, node, Plane(kind))
        if name != kind:
            # a sheet of axial views begins as slices that follow each other
            state.go(self.workspace.views[kind].index + int(name.removeprefix(kind)) - 1)
        node.SetSliceVisible(name in PLANE_VIEWS)
        area.window.on_resize = lambda: self._resized(name)

    def _begin_3d(self, area: ViewArea) -> None:
        area.view.set_background_color([16, 18, 20])
        area.view.get_view_node().SetBoxVisible(False)
        area.view.get_view_node().SetAxisLabelsVisible(False)
        reset_camera(area.view)

    def _resized(self, name: str) -> None:
        """The slice node stretched its field of view; the state says what it should be."""
        self.workspace.views[name].place()
        with self.page:
            self._tell_views()

    def tick(self) -> None:
        if self.workspace.collect_surfaces():
            for name, area in self.areas.items():
                if kind_of(name) == THREED:
                    area.stream.schedule_render()

    # -- to the page -------------------------------------------------------------------------------------

    def changed(self, what: str) -> None:
        if what == "views":
            self._tell_views()
        elif what in ("window", "objects", "mask", "display"):
            for name in self.shown:
                self.areas[name].stream.schedule_render()

    @property
    def shown(self) -> list[str]:
        """The views that the page shows now."""
        return [view for view, _, _ in self.arrangement.cells]

    def _tell_views(self) -> None:
        """Render and tell the page what changed, and nothing else."""
        rows = {}
        for name in self.shown:
            view = self.workspace.views.get(name)
            if view is None:
                continue
            now = (view.index, view.zoom, view.center, view.orientation, view.inverted, tuple(view.size))
            if name in self._rows and self._rendered.get(name) == now:
                rows[name] = self._rows[name]
            else:
                self._rendered[name] = now
                rows[name] = view_row(view)
                self.areas[name].view.picture.invert(view.inverted)
                self.areas[name].stream.schedule_render()
        self._rows = rows
        self.page.ml_views = rows

    def _show_arrangement(self) -> None:
        shown = self.shown
        for name in shown:
            self._area(name)
        for name, area in self.areas.items():
            area.stream.suspended = name not in shown
        self._tell_views()
        self.page.ml_cells = [
            {
                "view": view,
                "kind": kind_of(view),
                "title": TITLES[kind_of(view)],
                "is_slice": kind_of(view) != THREED,
                "inverted": view in self._inverted_3d,
                "style": {
                    "gridColumn": f"{cell.column + 1} / span {cell.columns}",
                    "gridRow": f"{cell.row + 1} / span {cell.rows}",
                },
            }
            for view, cell, _ in self.arrangement.cells
        ]
        layout = self.arrangement.cells[0][2]
        self.page.ml_grid = {
            "gridTemplateColumns": f"repeat({layout.columns}, minmax(0, 1fr))",
            "gridTemplateRows": f"repeat({layout.rows}, minmax(0, 1fr))",
        }
        self.page.ml_full = self.arrangement.full or ""
        self.page.ml_layout = self.arrangement.layout.name
        self.app.settings.set(arrangement=self.arrangement.to_json())

    # -- slices, zoom, turning ---------------------------------------------------------------------------

    def view(self, name: str) -> SliceViewState:
        """A slice view's state. Raises NotFoundError."""
        if name not in self.workspace.views:
            raise NotFoundError(f"there is no slice view {name!r}")
        self.queue.prefer(self.areas[name].stream)
        return self.workspace.views[name]

    def go(self, view: str, index: int) -> None:
        self.view(view)
        self.workspace.go(view, index)

    def zoom(self, view: str, factor: float, at: list[float]) -> None:
        self.view(view).zoom_by(factor, tuple(at))
        self.workspace.tell("views")

    def zoom_to(self, view: str, percent: float) -> None:
        if view in self.workspace.views:
            self.view(view).zoom_to(percent / 100)
            self.workspace.tell("views")

    def pan(self, view: str, right: float, down: float) -> None:
        self.view(view).pan_by(right, down)
        self.workspace.tell("views")

    def rotate(self, view: str, clockwise: bool) -> None:
        if view in self.workspace.views:
            self.view(view).rotate(clockwise)
            self.workspace.tell("views")

    def flip(self, view: str, horizontally: bool) -> None:
        if view in self.workspace.views:
            self.view(view).flip(horizontally)
            self.workspace.tell("views")

    def invert(self, view: str) -> None:
        if view in self.workspace.views:
            state = self.view(view)
            state.inverted = not state.inverted
            self.workspace.tell("views")
        else:
            self._inverted_3d ^= {view}
            self._show_arrangement()

    def reset_view(self, view: str) -> None:
        if view in self.workspace.views:
            self.view(view).reset()
            self.workspace.tell("views")
        elif view in self.areas:
            self._inverted_3d.discard(view)
            reset_camera(self.areas[view].view)
            self._show_arrangement()

    def fit(self) -> None:
        for name in self.shown:
            if name in self.workspace.views:
                self.workspace.views[name].fit()
            else:
                reset_camera(self.areas[name].view)
        self.workspace.tell("views")

    # -- layouts -----------------------------------------------------------------------------------------

    def choose_layout(self, name: str) -> None:
        self.arrangement.choose(name)
        self._show_arrangement()

    def show_view(self, view: str, kind: str) -> dict:
        shown = self.arrangement.show(view, kind)
        self._show_arrangement()
        return {"view": shown}

    def swap_views(self, first: str, second: str) -> None:
        self.arrangement.swap(first, second)
        self._show_arrangement()

    def maximise(self, view: str) -> None:
        self.arrangement.maximise(view)
        self._show_arrangement()

    def default_layout(self) -> None:
        """The layout of the first day, everything fitted and upright."""
        self.arrangement = Arrangement()
        self._inverted_3d.clear()
        for room in self.app.rooms.values():
            room.restore_layout()
        for view in self.workspace.views.values():
            view.reset()
        self._show_arrangement()
        for name in self.shown:
            if kind_of(name) == THREED:
                reset_camera(self.areas[name].view)


def view_row(view: SliceViewState) -> dict[str, Any]:
    """A slice view's slice, letters, and ``matrix``: from fractions of the view (right, down) to IJK."""
    columns, rows = view.size
    return {
        "plane": view.plane.value,
        "index": view.index,
        "count": view.count,
        "zoom": round(view.zoom * 100),
        "width": view.mm_per_pixel() * columns,
        # what the matrix holds for: a page whose view has another form waits for the next one
        "size": [columns, rows],
        "matrix": (view.pixels_to_ijk() @ np.diag([columns, rows, 1.0])).ravel().tolist(),
        "letters": view.letters(),
        "turned": view.orientation.turns != 0 or view.orientation.mirrored,
        "inverted": view.inverted,
    }


def _layout_row(name: str) -> dict[str, Any]:
    layout = layout_named(name)
    cells = [[cell.column, cell.row, cell.columns, cell.rows] for cell in layout.cells]
    return {"name": name, "columns": layout.columns, "rows": layout.rows, "cells": cells}


def reset_camera(view) -> None:
    """Look from the front, a little from the side and above, so that all three planes are seen."""
    renderer = view.renderer()
    renderer.ResetCamera()
    low_x, high_x, low_y, high_y, low_z, high_z = renderer.ComputeVisiblePropBounds()
    middle = [(low_x + high_x) / 2, (low_y + high_y) / 2, (low_z + high_z) / 2]
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(middle)
    camera.SetPosition(middle[0], middle[1] + 1000.0, middle[2])
    camera.SetViewUp(0.0, 0.0, 1.0)
    camera.Azimuth(-30.0)
    camera.Elevation(20.0)
    camera.OrthogonalizeViewUp()
    renderer.ResetCamera()
    camera.Zoom(1.3)
    view.schedule_render()
