"""For the workspace process: its port answers its front and nobody else.

Use, before the trame server is started::

    server.controller.on_server_bind.add(lambda bound: bound.app.middlewares.append(require_key(key)))
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY_HEADER = "X-MedLabel-Key"


def require_key(key: str) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    """A middleware that answers 403 to every request, static files and ``/ws`` included, without ``key``."""
    expected = key.encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(KEY_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            return web.Response(status=403, text="This port answers MedLabel's front only.")
        return await handler(request)

    return guard
