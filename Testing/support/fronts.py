"""A front to test against: in this process on an event loop, with raw clients that send what they like."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from MedLabelApp.browser.front.application import Front, Services
from MedLabelApp.browser.front.guard import Access
from MedLabelApp.browser.front.secret import Secret
from MedLabelApp.browser.front.server import bind
from MedLabelApp.browser.front.workspaces import WorkspaceSettings

SUPPORT = Path(__file__).resolve().parent


def stub_settings(**changes: Any) -> WorkspaceSettings:
    """Workspaces that are ``stub_workspace``."""
    command = (sys.executable, str(SUPPORT / "stub_workspace.py"))
    return replace(WorkspaceSettings(command=command, spare=False), **changes)


class RunningFront:
    """A front that answers, and a client that is let in (``client``) unless told otherwise."""

    def __init__(self, front: Front, access: Access, client: aiohttp.ClientSession) -> None:
        self.front = front
        self.access = access
        self.client = client
        self.base = f"http://127.0.0.1:{access.port}"
        self.origin = {"Origin": self.base}
        self.cookie = {"Cookie": f"{access.cookie}={access.secret.exchange(access.secret.token)}"}
        self.let_in = {**self.origin, **self.cookie}

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of one request; ``headers`` replace those of a browser that is let in."""
        sent = self.let_in if headers is None else headers
        more.setdefault("allow_redirects", False)
        async with self.client.request(method, self.base + path, headers=sent, **more) as answer:
            return answer.status, answer.headers, await answer.read()

    async def open(self, what: Mapping[str, Any]) -> str:
        """Open a workspace; its address."""
        async with self.client.post(f"{self.base}/api/workspaces", json=what, headers=self.let_in) as answer:
            assert answer.status == 201, await answer.text()
            return (await answer.json())["address"]

    def websocket(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """A WebSocket to connect with ``async with``."""
        sent = self.let_in if headers is None else headers
        return self.client.ws_connect(self.base + path, headers=sent, max_msg_size=1 << 28)


@contextlib.asynccontextmanager
async def running_front(
    marks: Path, services: Services | None = None, settings: WorkspaceSettings | None = None, **access: Any
) -> AsyncIterator[RunningFront]:
    """A front on a free port; its stub workspaces leave their marks in ``marks``."""
    os.environ["STUB_FOLDER"] = str(marks)
    bound = bind(None, 0)
    allowed = Access(Secret(), bound.getsockname()[1], **access)
    front = Front(allowed, services or Services(project=marks), settings or stub_settings())
    runner = web.AppRunner(front.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    try:
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as client:
            yield RunningFront(front, allowed, client)
    finally:
        await runner.cleanup()
        del os.environ["STUB_FOLDER"]
