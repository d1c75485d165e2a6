"""The workspace as a trame application: a scene, a page, and the rooms between the page and the core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, wraps

from trame.ui.html import DivLayout
from trame_rca import module as rca_module
from trame_slicer.core import SlicerApp

from MedLabelApp.settings import Settings
from MedLabelLib.model.errors import MedLabelError, NotFoundError
from MedLabelLib.storage.journal.errors import JournalError
from MedLabelLib.workspace.workspace import Workspace

from .opening import Opened
from .page import page_module, page_template
from .rooms import ROOMS
from .rooms.room import Room

TICK_SECONDS = 0.25


class WorkspaceApplication:
    """One window: its scene, its rooms, and the volume that is open."""

    def __init__(self, server) -> None:
        self.server = server
        self.state = server.state
        self.workspace: Workspace | None = None
        self.slicer_app = SlicerApp()
        self.settings = Settings()
        self.rooms: dict[str, Room] = {kind.name: kind(self) for kind in ROOMS}
        self._make_page()
        for room in self.rooms.values():
            for name in room.offers:
                self._offer(name, getattr(room, name))
            room.start()
        server.controller.on_server_ready.add(
            lambda **_: asyncio.get_running_loop().create_task(self._tick())
        )

    def _make_page(self) -> None:
        rooms = list(self.rooms.values())
        tools = [tool.to_state() for room in rooms for tool in room.tools]
        panels = [{"name": room.name, "title": room.panel} for room in rooms if room.panel]
        self.server.enable_module(rca_module)
        self.server.enable_module(page_module(rooms))
        self.state.update(
            {
                "trame__title": "MedLabel",
                "ml_title": "",
                "ml_place": "",
                "ml_note": "",
                "ml_tools": tools,
                "ml_tool": "brush",
                "ml_panels": panels,
                "ml_panel": "objects",
                "ml_keys": {},
            }
        )
        for room in rooms:
            self.state.update(room.state)
            kept = {name: self.settings.get(name, room.state[name]) for name in room.remembered}
            self.state.update(kept)
            if kept:
                self.state.change(*kept)(partial(self._remember, tuple(kept)))
        with DivLayout(self.server) as layout:
            layout.root.classes = ("`ml-root ${ml_theme === 'light' ? 'ml-light' : ''}`",)
            layout.root.add_child(page_template(rooms))
        # when the link breaks the page stays as it is; link.js says so over it
        self.state.trame__template_error = self.state.trame__template_main

    def show(self, opened: Opened) -> None:
        """Show a volume in all rooms."""
        self.workspace = Workspace(
            self.slicer_app.scene, opened.image, opened.name, opened.session, opened.make_session
        )
        with self.state as state:
            state.ml_title = opened.name
            state.trame__title = f"{opened.name} · MedLabel"
            state.ml_place = opened.place
            state.ml_note = opened.note
            for room in self.rooms.values():
                room.show(opened)
            self.workspace.listen(self._on_change)
            for what in ("objects", "views", "window", "saved"):
                self._on_change(what)

    def close(self) -> None:
        if self.workspace is not None:
            for room in self.rooms.values():
                room.close()
            self.workspace.close()

    def _on_change(self, what: str) -> None:
        for room in self.rooms.values():
            room.changed(what)

    def _remember(self, names: tuple[str, ...], **_: object) -> None:
        defaults = {name: value for room in self.rooms.values() for name, value in room.state.items()}
        changed = {
            name: self.state[name]
            for name in names
            if self.state[name] != self.settings.get(name, defaults[name])
        }
        self.settings.set(**changed)

    async def _tick(self) -> None:
        """What goes on beside the user: surfaces that are ready, files that were written, views resized."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.workspace is None:
                continue
            with self.state:
                for room in self.rooms.values():
                    room.tick()

    def _offer(self, name: str, method: Callable) -> None:
        """Let the page call a method; an error goes back to it as ``{"error": sentence}``.

        ``again`` beside it says that the same call may succeed later: the journal is locked, the disk full.
        """

        @wraps(method)
        def call(*arguments):
            try:
                if self.workspace is None:
                    raise NotFoundError("no volume is open yet")
                with self.state:
                    return method(*arguments) or {}
            except MedLabelError as error:
                return {"error": str(error), "again": isinstance(error, JournalError)}

        self.server.controller.trigger(name)(call)
