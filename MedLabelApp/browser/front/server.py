"""``serve``: the front on a port, from its printed address to its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from MedLabelLib.model.errors import MedLabelError

from .application import Front, Services
from .guard import Access
from .secret import Secret
from .workspaces import WorkspaceSettings

DEFAULT_PORT = 8080
_PORTS_TRIED = 64


@dataclass(frozen=True)
class Listening:
    """Where the front listens. ``host`` is given only by who wants another than loopback; ``port`` 0 is any
    free one, ``None`` the default or the next free one. ``names`` are further host names of this server, as
    behind a reverse proxy; ``https`` says that such a proxy ends TLS."""

    host: str | None = None
    port: int | None = None
    names: Sequence[str] = ()
    https: bool = False


def serve(
    services: Services,
    listening: Listening | None = None,
    *,
    settings: WorkspaceSettings | None = None,
    open_browser: bool = False,
    on_ready: Callable[[str], None] | None = None,
    log_requests: bool = False,
) -> None:
    """Run the front until SIGINT or SIGTERM; workspaces then save, for which they have 10 s.

    Args:
        services: what is shown and done.
        listening: host, port and names.
        settings: how workspaces are kept.
        open_browser: open the user's browser too.
        on_ready: gets the address with the secret, once it is answered; without it the address is printed.
        log_requests: log method, route pattern and status of each request.

    Raises:
        MedLabelError: the port is taken or the host is not this machine's.
    """
    listening = listening or Listening()
    bound = bind(listening.host, listening.port)
    asyncio.run(_run(bound, services, listening, settings, open_browser, on_ready, log_requests))


def bind(host: str | None, port: int | None) -> socket.socket:
    """A bound socket: on 127.0.0.1 unless ``host`` says otherwise, on the default port or the next free one
    unless ``port`` asks for one.

    Raises:
        MedLabelError: the port is taken or the host is not this machine's.
    """
    name = "127.0.0.1" if host in (None, "localhost") else host
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    tried = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED) if port is None else (port,)
    for candidate in tried:
        try:
            return socket.create_server((name, candidate), family=family, backlog=128)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise MedLabelError(f"cannot listen on {name}: {error.strerror}") from error
    raise MedLabelError(f"port {tried[0]} is taken; choose another with --port")


async def _run(
    bound: socket.socket,
    services: Services,
    listening: Listening,
    settings: WorkspaceSettings | None,
    open_browser: bool,
    on_ready: Callable[[str], None] | None,
    log_requests: bool,
) -> None:
    address, port = bound.getsockname()[:2]
    secret = Secret()
    names = [*listening.names, *([_bracketed(listening.host)] if listening.host else [])]
    access = Access(
        secret,
        port,
        names,
        any_literal=ipaddress.ip_address(address).is_unspecified,
        scheme="https" if listening.https else "http",
    )
    if not ipaddress.ip_address(address).is_loopback:
        print(
            f"warning: MedLabel listens on {address}, for other machines too, and does not encrypt; "
            "whoever reads the network can read the scans",
            file=sys.stderr,
        )
    front = Front(access, services, settings, log_requests=log_requests)
    runner = web.AppRunner(front.application(), access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    try:
        with _stop_signal() as stopped:
            await web.SockSite(runner, bound).start()
            shown = "127.0.0.1" if ipaddress.ip_address(address).is_unspecified else _bracketed(address)
            base = f"http://{shown}:{port}/?token="
            if on_ready is None:
                print(f"{base}{secret.token}", flush=True)
            else:
                on_ready(f"{base}{secret.token}")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, base + secret.issue_once())
            await stopped.wait()
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    """An event set by the first SIGINT or SIGTERM. The second does what it does by default: it ends the
    process at once, upon which the workspaces leave by themselves."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stopped.set)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
