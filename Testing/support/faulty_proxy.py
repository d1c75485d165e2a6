"""A proxy before a server that goes wrong at a chosen request, in every way that links and servers do."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUSES = (401, 403, 409, 413, 429, 500, 503)
FAULTS = (
    *map(str, STATUSES),
    "refused",
    "reset",
    "answer cut",
    "answer lost",
    "slow",
    "truncated",
    "wrong type",
    "restarted",
    "killed",
)
# of a request's headers, what is between two neighbours only; and answers are to come as they are
LEFT_OUT = ("host", "connection", "transfer-encoding", "content-length", "accept-encoding")
SLOW_SECONDS = 4.0


class FaultyProxy:
    """Passes requests on to ``upstream`` (host and port) until :meth:`arm` names a fault.

    ``meanwhile`` is called, once, at the request that a ``restarted`` or ``killed`` is armed for.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.fault, self.at, self.seen, self.hits = "", 0, 0, 0
        self.meanwhile: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def arm(self, fault: str, at: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        """From the request number ``at`` (from 1) on, ``fault`` happens to each, until :meth:`heal`."""
        self.fault, self.at, self.seen, self.hits, self.meanwhile = fault, at, 0, 0, meanwhile

    def heal(self) -> None:
        """No more faults; what was to happen meanwhile has ended then."""
        with self._lock:
            self.fault = ""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self) -> str:
        with self._lock:
            self.seen += 1
            if not self.fault or self.seen < self.at:
                return ""
            self.hits += 1
            if self.fault in ("restarted", "killed"):
                fault, self.fault = self.fault, ""
                self.meanwhile()
                return "reset" if fault == "killed" else ""
            return self.fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that was cut off is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultyProxy

    def _pass(self) -> None:
        fault = self.owner.next_fault()
        if fault == "refused":
            self._reset()
            return
        body = self._read_body(half=fault == "reset")
        if fault == "reset":
            self._reset()
        elif fault.isdigit():
            self._answer(int(fault), b'{"error": "injected"}', {"Content-Type": "application/json",
                                                                "Retry-After": "1"})  # fmt: skip
        elif fault == "wrong type":
            self._answer(200, b"<html>Please sign in</html>", {"Content-Type": "text/html"})
        else:
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            self._forward(body, fault)

    do_GET = do_POST = do_PUT = do_DELETE = _pass

    def _forward(self, body: bytes, fault: str) -> None:
        connection = http.client.HTTPConnection(*self.owner.upstream, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in LEFT_OUT}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fault == "answer lost":
            self._reset()
            return
        kept = {name: value for name, value in answer.getheaders() if name.lower() == "content-type"}
        if fault in ("answer cut", "truncated"):
            # cut: the connection breaks before all that was promised has come; truncated: less is promised
            part = content[: len(content) // 2]
            promised = len(content) + 1 if fault == "answer cut" else len(part)
            self._answer(answer.status, part, kept, promised)
            if fault == "answer cut":
                self._reset()
            return
        self._answer(answer.status, content, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _read_body(self, half: bool) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if half:
                    return b""
            self.rfile.readline()
            return b"".join(parts)
        length = int(self.headers.get("Content-Length", 0))
        return self.rfile.read(length // 2 if half else length)

    def _reset(self) -> None:
        """End the connection so that the other side gets a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing is to be said."""
