"""The front's routes: the projects page, its JSON, uploads, and the way through to the workspaces."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from MedLabelLib.model.errors import MedLabelError, NotFoundError

from . import pages
from .guard import Access, is_upgrade, make_guard
from .headers import COMMON_HEADERS, PAGE_POLICY
from .proxy import Proxy
from .uploads import Uploads
from .workspaces import Workspace, Workspaces, WorkspaceSettings

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE_FOLDER = Path(__file__).resolve().parent.parent / "page"


def _no_project() -> dict[str, Any]:
    return {"name": "", "path_label": "", "datasets": [], "arriving": [], "problems": []}


@dataclass(frozen=True)
class Services:
    """What the front shows and does; all of it is handed in. The callables run in threads.

    ``project`` is the project's folder, or ``None`` when a scan is looked at without one. ``describe`` gives
    the JSON of the projects page (its shape: ``page/project.js``). ``import_upload`` imports a file or folder
    into the project and gives JSON. ``delete_volume`` takes ``dataset/name`` and gives the id by which
    ``restore_volume`` brings the volume back.
    ``opening`` is a file or folder to open as soon as the page is shown.
    """

    project: Path | None = None
    describe: Callable[[], Mapping[str, Any]] = _no_project
    import_upload: Callable[[Path], Mapping[str, Any]] | None = None
    delete_volume: Callable[[str], str] | None = None
    restore_volume: Callable[[str], str] | None = None
    opening: Path | None = None


class Front:
    """One front's application: ``application()`` is what a server runs."""

    def __init__(
        self,
        access: Access,
        services: Services,
        settings: WorkspaceSettings | None = None,
        *,
        log_requests: bool = False,
    ) -> None:
        self.workspaces = Workspaces(settings or WorkspaceSettings())
        self.uploads = Uploads()
        self._access = access
        self._services = services
        self._proxy = Proxy()
        self._log_requests = log_requests
        self._opening_shown = False

    def application(self) -> web.Application:
        """The aiohttp application, with its startup and shutdown."""
        app = web.Application(middlewares=[self._answer_errors, make_guard(self._access), self._log])
        app.add_routes(
            [
                web.get("/", self._page),
                web.static("/page", PAGE_FOLDER),
                web.get("/api/project", self._project),
                web.post("/api/workspaces", self._open_workspace),
                web.get("/api/workspaces/{identity}", self._workspace_state),
                web.delete("/api/workspaces/{identity}", self._close_workspace),
                web.post("/api/deleted", self._delete_volume),
                web.delete("/api/deleted/{identity}", self._restore_volume),
                web.post("/api/uploads", self._create_upload),
                web.put("/api/uploads/{identity}/files/{name:.+}", self._write_upload),
                web.post("/api/uploads/{identity}/import", self._import_upload),
                web.get("/w/{identity}", self._add_slash),
                web.post("/w/{identity}/paraview/", self._session),
                web.route("*", "/w/{identity}/{tail:.*}", self._pass_through),
            ]
        )
        app.on_response_prepare.append(_add_headers)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)
        return app

    async def _start(self, _: web.Application) -> None:
        await self._proxy.start()
        await self.workspaces.start()

    async def _stop(self, _: web.Application) -> None:
        await self.workspaces.close()
        await self._proxy.close()
        await asyncio.to_thread(self.uploads.close)

    # The projects page

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE_FOLDER / "project.html")

    async def _project(self, request: web.Request) -> web.StreamResponse:
        described = dict(await asyncio.to_thread(self._services.describe))
        if self._services.opening is not None:
            described["opening"] = {"name": self._services.opening.name, "shown": self._opening_shown}
        body = json.dumps(described, separators=(",", ":")).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _delete_volume(self, request: web.Request) -> web.StreamResponse:
        asked = await _json_object(request)
        if self._services.delete_volume is None or not isinstance(asked.get("volume"), str):
            raise web.HTTPBadRequest(text="name a volume of the project")
        what = self._what_to_open({"volume": asked["volume"]})
        await self.workspaces.stop_idle_of(what, "Its volume was deleted from the projects page.")
        identity = await asyncio.to_thread(self._services.delete_volume, asked["volume"])
        return web.json_response({"id": identity}, status=201)

    async def _restore_volume(self, request: web.Request) -> web.StreamResponse:
        if self._services.restore_volume is None:
            raise web.HTTPNotFound(text="there is no project")
        identity = request.match_info["identity"]
        label = await asyncio.to_thread(self._services.restore_volume, identity)
        return web.json_response({"volume": label})

    # Workspaces

    async def _open_workspace(self, request: web.Request) -> web.StreamResponse:
        workspace = await self.workspaces.open(self._what_to_open(await _json_object(request)))
        return web.json_response({"address": workspace.address}, status=201)

    def _what_to_open(self, asked: Mapping[str, Any]) -> dict[str, str]:
        if isinstance(upload := asked.get("upload"), str):
            # an upload goes when the front does: labels on it are kept elsewhere
            file = str(self.uploads.path(upload))
            if self._services.project is None:
                return {"file": file, "upload": upload}
            return {"file": file, "upload": upload, "project": str(self._services.project)}
        if asked.get("opening") is True and self._services.opening is not None:
            self._opening_shown = True
            return {"file": str(self._services.opening)}
        if isinstance(volume := asked.get("volume"), str) and self._services.project is not None:
            dataset, _, name = volume.rpartition("/")
            parts = [*dataset.split("/"), name]
            if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
                raise NotFoundError("there is no such volume")
            return {"project": str(self._services.project), "dataset": dataset, "volume": name}
        raise web.HTTPBadRequest(text="name a volume or an upload")

    async def _workspace_state(self, request: web.Request) -> web.StreamResponse:
        workspace = self._find(request)
        if isinstance(workspace, web.Response):
            return workspace
        return web.json_response({"state": "running"}, headers={"Cache-Control": "no-store"})

    async def _close_workspace(self, request: web.Request) -> web.StreamResponse:
        await self.workspaces.stop(request.match_info["identity"], "It was saved and closed.")
        return web.Response(status=204)

    async def _add_slash(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": f"{request.path}/"})

    async def _session(self, request: web.Request) -> web.StreamResponse:
        workspace = self._find(request)
        return workspace if isinstance(workspace, web.Response) else self._proxy.session(workspace)

    async def _pass_through(self, request: web.Request) -> web.StreamResponse:
        workspace = self._find(request)
        if isinstance(workspace, web.Response):
            return workspace
        try:
            if is_upgrade(request):
                return await self._proxy.websocket(request, workspace)
            return await self._proxy.http(request, workspace)
        except aiohttp.ClientConnectionError:
            if workspace.process.running:
                return pages.workspace_ended("It does not answer.", status=502)
            return pages.workspace_ended("Its process ended unexpectedly. What it had saved is kept.")

    def _find(self, request: web.Request) -> Workspace | web.Response:
        """The workspace that the address names, or the answer that it is gone."""
        identity = request.match_info["identity"]
        workspace = self.workspaces.find(identity)
        if workspace is not None:
            return workspace
        reason = self.workspaces.reason_ended(identity)
        if reason is None:
            return pages.workspace_ended("There is no workspace at this address.", status=404)
        return pages.workspace_ended(reason)

    # Uploads

    async def _create_upload(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"id": await asyncio.to_thread(self.uploads.create)}, status=201)

    async def _write_upload(self, request: web.Request) -> web.StreamResponse:
        stored = await self.uploads.write(
            request.match_info["identity"],
            request.match_info["name"],
            request.content.iter_any(),
            request.content_length,
        )
        return web.json_response({"stored": stored}, status=201)

    async def _import_upload(self, request: web.Request) -> web.StreamResponse:
        if self._services.import_upload is None:
            raise web.HTTPNotFound(text="there is no project to import into")
        path = self.uploads.path(request.match_info["identity"])
        return web.json_response(await asyncio.to_thread(self._services.import_upload, path))

    # Middlewares

    @web.middleware
    async def _log(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log method, route and status, when asked to. Addresses and file names are never logged: they can
        carry a patient's name."""
        answer = await handler(request)
        if self._log_requests:
            log.info("%s %s %d", request.method, _route(request), answer.status)
        return answer

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every error as ``{"error": "one sentence"}``."""
        try:
            return await handler(request)
        except MedLabelError as error:
            status = 404 if isinstance(error, NotFoundError) else 422
            return web.json_response({"error": str(error)}, status=status)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return web.json_response({"error": error.text or error.reason}, status=error.status)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 the last face before the user; nothing is hidden
            # Without the message, which can name a file or a patient.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s %s: %s\n%s", request.method, _route(request), type(error).__name__, frames)
            return web.json_response({"error": "MedLabel failed; its log says where"}, status=500)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "-" if resource is None else resource.canonical


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        value = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text="the request is not JSON") from error
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="the request is not a JSON object")
    return value


async def _add_headers(_: web.Request, answer: web.StreamResponse) -> None:
    for name, value in COMMON_HEADERS.items():
        answer.headers[name] = value
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
