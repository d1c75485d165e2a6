"""The workspace as a trame application: it hands the page's wishes to the core and shows what it leaves."""

from __future__ import annotations

import asyncio
from functools import wraps
from pathlib import Path

from trame.ui.html import DivLayout
from trame_rca import module as rca_module
from trame_slicer.core import SlicerApp

from MedLabelLib.model.errors import MedLabelError, NotFoundError
from MedLabelLib.model.planes import Plane
from MedLabelLib.workspace.strokes import Stroke
from MedLabelLib.workspace.workspace import Workspace

from .areas import ViewArea
from .opening import Opened
from .page_state import class_rows, history_rows, object_rows, saved_row, view_rows

PAGE = Path(__file__).parent.parent / "page"
SLICE_VIEWS = {"axial": Plane.AXIAL, "sagittal": Plane.SAGITTAL, "coronal": Plane.CORONAL}
VIEW_3D = "threed"
PLANE_COLORS = {"axial": (0.83, 0.33, 0.31), "sagittal": (0.36, 0.66, 0.40), "coronal": (0.36, 0.56, 0.85)}
TICK_SECONDS = 0.25
# they load in any order, and meet on window.medlabel
SCRIPTS = ("outbox", "link", "drawing", "workspace")


class WorkspaceApplication:
    """One window: its scene, its views and what the page may ask for."""

    def __init__(self, server) -> None:
        self.server = server
        self.state = server.state
        self.workspace: Workspace | None = None
        self.slicer_app = SlicerApp()
        self.areas = {name: ViewArea(server, self.slicer_app, name, True) for name in SLICE_VIEWS}
        self.areas[VIEW_3D] = ViewArea(server, self.slicer_app, VIEW_3D, False)
        self._moved: set[str] = set()
        self._make_page()
        for name in ("draw", "go", "go_to", "zoom", "pan", "fit", "set_window", "select", "show_object"):
            self._offer(name)
        for name in ("new_object", "delete_object", "undo", "redo", "restore", "save", "value_at"):
            self._offer(name)
        server.controller.on_server_ready.add(
            lambda **_: asyncio.get_running_loop().create_task(self._tick())
        )

    def _make_page(self) -> None:
        self.server.enable_module(rca_module)
        self.server.enable_module(
            {
                "serve": {"__medlabel": str(PAGE)},
                "scripts": [f"__medlabel/{name}.js" for name in SCRIPTS],
                "styles": ["__medlabel/workspace.css"],
            }
        )
        self.state.update(
            {
                "trame__title": "MedLabel",
                "ml_title": "",
                "ml_place": "",
                "ml_note": "",
                "ml_objects": [],
                "ml_classes": [],
                "ml_selected": "",
                "ml_views": {},
                "ml_saved": {"state": "saved", "at": None, "reason": ""},
                "ml_window": [0.0, 1.0],
                "ml_unit": "",
                "ml_shape": [1, 1, 1],
                "ml_affine": [],
                "ml_undo": "",
                "ml_redo": "",
                "ml_locked": "",
                "ml_history": [],
                "ml_history_open": False,
                "ml_tool": "brush",
                "ml_radius": 5.0,
                "ml_new_class": "",
            }
        )
        template = (PAGE / "workspace.html").read_text(encoding="utf-8")
        with DivLayout(self.server) as layout:
            layout.root.classes = "ml-root"
            layout.root.add_child(template)
        self.state.change("ml_history_open")(self._show_history)
        # when the link breaks the page stays as it is; workspace.js says so over it
        self.state.trame__template_error = self.state.trame__template_main

    # -- opening and closing -----------------------------------------------------------------------------

    def show(self, opened: Opened) -> None:
        """Show a volume in all views."""
        workspace = Workspace(
            self.slicer_app.scene, opened.image, opened.name, opened.session, opened.make_session
        )
        self.workspace = workspace
        for name, plane in SLICE_VIEWS.items():
            view = self.areas[name].view
            view.set_background_volume_id(workspace.volume_node.GetID())
            node = view.get_view_node()
            node.SetLayoutColor(*PLANE_COLORS[name])
            workspace.add_view(name, node, plane)
            node.SetSliceVisible(True)
            node.AddObserver("ModifiedEvent", lambda *_, name=name: self._moved.add(name))
        threed = self.areas[VIEW_3D].view
        threed.set_background_color([16, 18, 20])
        threed.get_view_node().SetBoxVisible(False)
        threed.get_view_node().SetAxisLabelsVisible(False)
        self._reset_camera()
        if workspace.selected is not None:
            self._select(workspace.selected)
        workspace.listen(self._on_change)
        with self.state as state:
            state.ml_title = opened.name
            state.trame__title = f"{opened.name} · MedLabel"
            state.ml_place = opened.place
            state.ml_note = opened.note
            state.ml_unit = opened.image.unit
            state.ml_shape = list(workspace.geometry.shape)
            state.ml_affine = workspace.geometry.ijk_to_ras_matrix.ravel().tolist()
            if workspace.session is not None and workspace.session.read_only:
                state.ml_locked = workspace.session.read_only_reason
            for what in ("objects", "views", "window", "saved"):
                self._on_change(what)

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

    def close(self) -> None:
        if self.workspace is not None:
            self.workspace.close()

    # -- from the core to the page -----------------------------------------------------------------------

    def _on_change(self, what: str) -> None:
        workspace, state = self.workspace, self.state
        if what in ("objects", "mask"):
            state.ml_objects = object_rows(workspace)
            state.ml_classes = class_rows(workspace)
            state.ml_selected = workspace.selected or ""
        elif what == "views":
            state.ml_views = view_rows(workspace)
        elif what == "window":
            state.ml_window = list(workspace.window)
        if what in ("saved", "mask", "objects"):
            state.ml_saved = saved_row(workspace)
            session = workspace.session
            if session is not None:
                state.ml_place = session.volume.dataset.project.name
            state.ml_undo = (session.can_undo if session else None) or ""
            state.ml_redo = (session.can_redo if session else None) or ""
            if state.ml_history_open:
                state.ml_history = history_rows(workspace)
        for area in self.areas.values():
            area.view.schedule_render()

    async def _tick(self) -> None:
        """What goes on beside the user: surfaces that are ready, files that were written, views resized."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.workspace is None:
                continue
            with self.state as state:
                if self.workspace.surfaces.collect():
                    self.areas[VIEW_3D].view.schedule_render()
                if self._moved:
                    for name in self._moved:
                        self._keep_shape(name)
                    self._moved.clear()
                    state.ml_views = view_rows(self.workspace)
                state.ml_saved = saved_row(self.workspace)

    def _keep_shape(self, name: str) -> None:
        """After a resize: the slice node stretched its field of view, the state says what it should be."""
        self.workspace.views[name].place()

    def _show_history(self, ml_history_open: bool, **_: object) -> None:
        if ml_history_open and self.workspace is not None:
            self.state.ml_history = history_rows(self.workspace)

    # -- from the page to the core -----------------------------------------------------------------------

    def _offer(self, name: str) -> None:
        """Let the page call a method; an error goes back to it as ``{"error": sentence}``."""
        method = getattr(self, f"_{name}")

        @wraps(method)
        def call(*arguments):
            try:
                if self.workspace is None:
                    raise NotFoundError("no volume is open yet")
                with self.state:
                    return method(*arguments) or {}
            except MedLabelError as error:
                return {"error": str(error)}

        self.server.controller.trigger(name)(call)

    def _draw(self, data: dict) -> dict:
        return {"changed": self.workspace.draw(Stroke.from_json(data))}

    def _go(self, view: str, index: int) -> None:
        self.workspace.go(view, index)

    def _go_to(self, ijk: list[float]) -> None:
        self.workspace.go_to(tuple(ijk))

    def _zoom(self, view: str, factor: float, at: list[float]) -> None:
        self.workspace.views[view].zoom_by(factor, tuple(at))
        self.workspace.tell("views")

    def _pan(self, view: str, right: float, down: float) -> None:
        self.workspace.views[view].pan_by(right, down)
        self.workspace.tell("views")

    def _fit(self) -> None:
        for view in self.workspace.views.values():
            view.fit()
        self._reset_camera()
        self.workspace.tell("views")

    def _set_window(self, center: float, width: float) -> None:
        self.workspace.set_window(center, width)

    def _value_at(self, ijk: list[int]) -> dict:
        return {"value": self.workspace.value_at(tuple(int(n) for n in ijk))}

    def _select(self, key: str) -> None:
        self.workspace.select(key or None)
        center = self.workspace.center_of(key) if key else None
        if center is not None:
            self.workspace.go_to(center)

    def _show_object(self, key: str, visible: bool) -> None:
        self.workspace.set_visible(key, visible)

    def _new_object(self, class_name: str) -> dict:
        return {"key": self.workspace.new_object(class_name.strip()).key}

    def _delete_object(self, key: str) -> None:
        self.workspace.delete_object(key)

    def _undo(self) -> dict:
        return {"name": self.workspace.undo()}

    def _redo(self) -> dict:
        return {"name": self.workspace.redo()}

    def _restore(self, entry: int) -> dict:
        return {"name": self.workspace.restore(entry)}

    def _save(self) -> None:
        self.workspace.save()
