"""Requests and WebSockets of ``/w/<identity>/…`` passed through to that window's workspace process.

How trame's page finds its WebSocket and wslink's key (trame-client 4.1, wslink 2.6): its script first posts
to ``paraview/``, relative to the document, as to one of wslink's launchers, and takes ``sessionURL`` and
``secret`` from the JSON that comes back. The front gives that answer itself (``session``), so the key lives
in the page's memory alone, never in an address. The client turns ``sessionURL`` into lower case and puts the
page's own scheme and host in place of ``ws://USE_HOST``. Only without an answer would it fall back to
``ws`` beside the page and to wslink's public default secret.

On the workspace's side ``server.cli.set_defaults(authKey=key)`` before ``server.start`` sets the key without
a command line.
"""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from yarl import URL

from .headers import workspace_policy
from .workspace_guard import KEY_HEADER
from .workspaces import Workspace

#: Headers of one connection only, and what is between the browser and the front alone.
_NOT_FORWARDED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "cookie", "authorization", "origin", KEY_HEADER.lower(),
    }
)  # fmt: skip
_NOT_RETURNED = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "set-cookie", "server"}
)

_HEARTBEAT = 20.0
_LARGEST_MESSAGE = 1 << 30


class Proxy:
    """The way through to the workspaces, over connections that are kept between requests."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, connect=10),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def session(self, workspace: Workspace) -> web.Response:
        """wslink's launcher answer: where this page's WebSocket is, and its key."""
        answer = {"sessionURL": f"ws://USE_HOST{workspace.address}ws", "secret": workspace.process.key}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def http(self, request: web.Request, workspace: Workspace) -> web.StreamResponse:
        """Pass one request through, and stream its answer back."""
        assert self._session is not None
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED
        }
        headers[KEY_HEADER] = workspace.process.key
        async with self._session.request(
            request.method,
            self._target("http", request, workspace),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        ) as upstream:
            answered = [(n, v) for n, v in upstream.headers.items() if n.lower() not in _NOT_RETURNED]
            answer = web.StreamResponse(status=upstream.status, headers=answered)
            answer.headers["Content-Security-Policy"] = workspace_policy()
            if upstream.content_type == "text/html" and request.method == "GET":
                html = await upstream.read()
                answer.headers["Content-Security-Policy"] = workspace_policy(html)
                # A page from the cache would come back with the policy of a bodiless 304.
                answer.headers["Cache-Control"] = "no-store"
                answer.headers.popall("ETag", None)
                answer.headers.popall("Last-Modified", None)
                await answer.prepare(request)
                await answer.write(html)
            else:
                await answer.prepare(request)
                async for chunk in upstream.content.iter_any():
                    await answer.write(chunk)
            await answer.write_eof()
            return answer

    async def websocket(self, request: web.Request, workspace: Workspace) -> web.StreamResponse:
        """Pass a WebSocket through, frame by frame, until either side ends it. Nothing is compressed: the
        images inside are, and the two ends are near."""
        assert self._session is not None
        async with self._session.ws_connect(
            self._target("ws", request, workspace),
            headers={KEY_HEADER: workspace.process.key},
            max_msg_size=_LARGEST_MESSAGE,
            compress=0,
        ) as inner:
            outer = web.WebSocketResponse(compress=False, max_msg_size=_LARGEST_MESSAGE, heartbeat=_HEARTBEAT)
            await outer.prepare(request)
            workspace.connected()
            try:
                await _join(outer, inner)
            finally:
                workspace.disconnected()
        return outer

    def _target(self, scheme: str, request: web.Request, workspace: Workspace) -> URL:
        path = "/" + request.rel_url.raw_path.removeprefix(workspace.address)
        # The page stays at the window's own address, where the workspace itself would redirect.
        if path == "/":
            path = "/index.html"
        return URL.build(
            scheme=scheme,
            host="127.0.0.1",
            port=workspace.process.port,
            path=path,
            query_string=request.rel_url.raw_query_string,
            encoded=True,
        )


async def _join(outer: web.WebSocketResponse, inner: aiohttp.ClientWebSocketResponse) -> None:
    """Carry messages both ways; when one side ends, the other is closed with the same code."""
    ways = [asyncio.create_task(_carry(outer, inner)), asyncio.create_task(_carry(inner, outer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    await inner.close(code=_closing_code(outer.close_code))
    await outer.close(code=_closing_code(inner.close_code))


async def _carry(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    try:
        async for message in source:
            if message.type is aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)
    except ConnectionError:
        return  # the target went away; its own reading ends too


def _closing_code(code: int | None) -> int:
    """A code that may be sent. ``None``, 1006 and 1015 only describe a connection that broke; aiohttp
    gives 0 for a close that named no code."""
    if code in (0, 1005):
        return aiohttp.WSCloseCode.OK
    return aiohttp.WSCloseCode.GOING_AWAY if code in (None, 1006, 1015) else code
