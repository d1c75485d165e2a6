"""The views: three planes and the 3D view, which slice each shows, how near."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from MedLabelLib.model.planes import Plane
from MedLabelLib.workspace.slice_frame import screen_letters
from MedLabelLib.workspace.workspace import Workspace

from ..areas import ViewArea
from ..opening import Opened
from .room import Room, Tool

SLICE_VIEWS = {"axial": Plane.AXIAL, "sagittal": Plane.SAGITTAL, "coronal": Plane.CORONAL}
VIEW_3D = "threed"
PLANE_COLORS = {"axial": (0.83, 0.33, 0.31), "sagittal": (0.36, 0.66, 0.40), "coronal": (0.36, 0.56, 0.85)}


class ViewsRoom(Room):
    name = "views"
    tools = (Tool("pan", "Pan", "Pan", "1"),)
    state: ClassVar[dict[str, Any]] = {"ml_views": {}}
    offers = ("go", "zoom", "pan", "fit")

    def __init__(self, app) -> None:
        super().__init__(app)
        self.areas = {name: ViewArea(app.server, app.slicer_app, name, True) for name in SLICE_VIEWS}
        self.areas[VIEW_3D] = ViewArea(app.server, app.slicer_app, VIEW_3D, False)
        self._moved: set[str] = set()

    def show(self, opened: Opened) -> None:
        for name, plane in SLICE_VIEWS.items():
            view = self.areas[name].view
            view.set_background_volume_id(self.workspace.volume_node.GetID())
            node = view.get_view_node()
            node.SetLayoutColor(*PLANE_COLORS[name])
            self.workspace.add_view(name, node, plane)
            node.SetSliceVisible(True)
            node.AddObserver("ModifiedEvent", lambda *_, name=name: self._moved.add(name))
        threed = self.areas[VIEW_3D].view
        threed.set_background_color([16, 18, 20])
        threed.get_view_node().SetBoxVisible(False)
        threed.get_view_node().SetAxisLabelsVisible(False)
        self._reset_camera()

    def _reset_camera(self) -> None:
        """Look from the front, a little from the side and above, so that all three planes are seen."""
        renderer = self.areas[VIEW_3D].view.renderer()
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

    def changed(self, what: str) -> None:
        if what == "views":
            self.page.ml_views = view_rows(self.workspace)
        for area in self.areas.values():
            area.view.schedule_render()

    def tick(self) -> None:
        """Show the surfaces that are ready, and keep the slices' shape in views that were resized."""
        if self.workspace.collect_surfaces():
            self.areas[VIEW_3D].view.schedule_render()
        if self._moved:
            for name in self._moved:
                # the slice node stretched its field of view, the state says what it should be
                self.workspace.views[name].place()
            self._moved.clear()
            self.page.ml_views = view_rows(self.workspace)

    def go(self, view: str, index: int) -> None:
        self.workspace.go(view, index)

    def zoom(self, view: str, factor: float, at: list[float]) -> None:
        self.workspace.views[view].zoom_by(factor, tuple(at))
        self.workspace.tell("views")

    def pan(self, view: str, right: float, down: float) -> None:
        self.workspace.views[view].pan_by(right, down)
        self.workspace.tell("views")

    def fit(self) -> None:
        for view in self.workspace.views.values():
            view.fit()
        self._reset_camera()
        self.workspace.tell("views")


def view_rows(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Each slice view's slice, letters, and ``matrix``: from fractions of the view (right, down) to IJK."""
    rows = {}
    for name, view in workspace.views.items():
        columns, height = view.node.GetDimensions()[:2]
        matrix = view.pixels_to_ijk() @ np.diag([columns, height, 1.0])
        rows[name] = {
            "plane": view.plane.value,
            "index": view.index,
            "count": view.count,
            "zoom": round(view.zoom * 100),
            "width": view.mm_per_pixel() * columns,
            # what the matrix holds for: a page whose view has another form waits for the next one
            "size": [columns, height],
            "matrix": matrix.ravel().tolist(),
            "letters": screen_letters(view.plane),
        }
    return rows
