"""The life of a workspace process: it starts its server, opens what the front names, and saves on leaving."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from trame.app import get_server

from MedLabelApp.browser.front.workspace_control import WorkspaceControl
from MedLabelApp.browser.front.workspace_guard import require_key
from MedLabelLib.model.errors import MedLabelError

from .application import WorkspaceApplication
from .opening import open_what

log = logging.getLogger(__name__)


def run(control: WorkspaceControl) -> None:
    """Serve until the front closes the pipe."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        # else VTK looks for an X server first, and warns
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    server = get_server(client_type="vue3")
    server.cli.set_defaults(authKey=control.key)
    server.controller.on_server_bind.add(lambda bound: bound.app.middlewares.append(require_key(control.key)))
    application = WorkspaceApplication(server)

    def ready(**_: object) -> None:
        loop = asyncio.get_running_loop()

        def open_(what: dict[str, str]) -> None:
            # reading the scan stays on the front's thread, so that the loop goes on
            try:
                opened = open_what(what)
            except (MedLabelError, OSError) as error:
                control.failed(str(error))
                return
            loop.call_soon_threadsafe(show, opened)

        def show(opened) -> None:
            try:
                application.show(opened)
            except MedLabelError as error:
                control.failed(str(error))
            except Exception:
                # the loop would swallow it, and the page wait for ever
                control.failed("MedLabel failed to show it; its log says where")
                raise
            else:
                control.opened()

        async def leave() -> None:
            try:
                application.close()
            except MedLabelError as error:
                log.error("what was not saved could not be saved: %s", error.reason)
            await server.stop()

        control.announce(server.port)
        control.listen(open_, lambda: loop.call_soon_threadsafe(lambda: loop.create_task(leave())))

    server.controller.on_server_ready.add(ready)
    server.start(
        port=0,
        host="127.0.0.1",
        timeout=0,
        open_browser=False,
        show_connection_info=False,
        disable_logging=True,
    )
