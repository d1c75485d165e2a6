"""Who is let in: the right host name, our own origin, and the cookie that the secret was exchanged for."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from . import pages
from .secret import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass
class Access:
    """What the guard compares with.

    ``port`` is the bound port and names the cookie. ``names`` are further host names by which the server may
    be addressed, each with or without a port; loopback's own names are always allowed. ``any_literal`` also
    allows every IP address written as numbers (a server on all interfaces): a name that is made to point
    here, the way of DNS rebinding, is still refused. ``scheme`` is ``https`` behind a proxy that ends TLS.
    """

    secret: Secret
    port: int
    names: Iterable[str] = ()
    any_literal: bool = False
    scheme: str = "http"
    _hosts: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hosts: set[str] = set()
        for name in ("127.0.0.1", "localhost", "[::1]"):
            hosts.update(self._with_port(name))
        for name in self.names:
            name = name.lower()
            hosts.add(name)
            if ":" not in name.rpartition("]")[2]:
                hosts.update(self._with_port(name))
        self._hosts = frozenset(hosts)

    @property
    def cookie(self) -> str:
        """The cookie's name: by port, since cookies of one host are shared by all its ports."""
        return f"medlabel-{self.port}"

    def _with_port(self, name: str) -> set[str]:
        bare = {name} if self.port == _DEFAULT_PORTS[self.scheme] else set()
        return {f"{name}:{self.port}", *bare}

    def allows_host(self, host: str) -> bool:
        """Whether the ``Host`` header names this server."""
        host = host.lower()
        if host in self._hosts:
            return True
        if not self.any_literal:
            return False
        name, separator, port = host.rpartition(":")
        if not separator or name.endswith(":") or port != str(self.port):
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether ``origin`` is that of the page which this server itself serves under ``host``."""
        return origin.lower() == f"{self.scheme}://{host.lower()}"


def is_upgrade(request: web.Request) -> bool:
    """Whether the request asks for a WebSocket, or for any other change of protocol."""
    return "Upgrade" in request.headers or "Sec-WebSocket-Key" in request.headers


def make_guard(access: Access) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    """The middleware that answers 403, 401 or the exchange itself, and lets everything else through."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not access.allows_host(hosts[0]):
            return pages.wrong_address("It was sent to a host name that is not this server's.")
        origins = request.headers.getall("Origin", [])
        if any(not access.is_own_origin(origin, hosts[0]) for origin in origins):
            return pages.wrong_address("It comes from a page of another site.")
        if not origins and (request.method not in _SAFE_METHODS or is_upgrade(request)):
            return pages.wrong_address("It does not say which page it comes from.")
        known = access.secret.knows(request.cookies.get(access.cookie))
        if request.method == "GET" and request.path == "/" and "token" in request.query:
            return _exchange(access, request, known)
        if not known:
            return pages.not_let_in(request.headers.get("Sec-Fetch-Site") == "cross-site")
        return await handler(request)

    return guard


def _exchange(access: Access, request: web.Request, known: bool) -> web.StreamResponse:
    """Swap the token for a cookie and send the browser to an address without it."""
    session = None if known else access.secret.exchange(request.query["token"])
    if session is None and not known:
        return pages.not_let_in(False)
    answer = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
    if session is not None:
        answer.set_cookie(
            access.cookie,
            session,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=access.scheme == "https",
        )
    return answer
