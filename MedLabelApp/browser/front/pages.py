"""The few words a browser sees when it is not let in, or when a workspace has ended."""

from __future__ import annotations

from html import escape

from aiohttp import web

from .headers import PAGE_POLICY

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="dark">
<meta name="viewport" content="width=device-width">{extra}<title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p>{link}</main></body></html>
"""


def plain_page(status: int, title: str, text: str, *, home: bool = False, extra: str = "") -> web.Response:
    """A page of one sentence; ``home`` adds a link back to the project. ``extra`` is trusted markup."""
    link = '<p><a href="/">Back to the project</a></p>' if home else ""
    return web.Response(
        status=status,
        text=_PAGE.format(title=escape(title), text=escape(text), link=link, extra=extra),
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": PAGE_POLICY},
    )


def not_let_in(came_from_elsewhere: bool) -> web.Response:
    """401. A browser that followed a link on another site withholds its strict cookie on that first request:
    loading the page once more from our own site brings the cookie along."""
    extra = '<meta http-equiv="refresh" content="0">' if came_from_elsewhere else ""
    return plain_page(
        401,
        "MedLabel needs its secret",
        "Open the whole address that MedLabel printed when it was started: it ends in ?token=… . "
        "A server that was started again has a new one.",
        extra=extra,
    )


def wrong_address(reason: str) -> web.Response:
    """403, for a request that names another host or comes from another site."""
    return plain_page(403, "MedLabel does not answer this request", reason)


def workspace_ended(reason: str, status: int = 410) -> web.Response:
    """410 (or 404): this window's process is gone."""
    return plain_page(status, "This workspace has ended", reason, home=True)
