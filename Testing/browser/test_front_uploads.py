"""Uploads: streamed into a private folder under safe names, bounded by the disk, gone with the front."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from MedLabelApp.browser.front.application import Services
from MedLabelApp.browser.front.uploads import UploadError, Uploads, safe_relative_path
from support.fronts import RunningFront, running_front


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of this test's own, so that what is left in it can be seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _with_front(
    tmp_path: Path, check: Callable[[RunningFront], Awaitable[None]], services: Services | None = None
) -> None:
    async def run() -> None:
        async with running_front(tmp_path, services) as front:
            await check(front)

    asyncio.run(run())


async def _create(front: RunningFront) -> str:
    status, _, body = await front.ask("POST", "/api/uploads")
    assert status == 201
    return json.loads(body)["id"]


def test_a_file_is_stored_privately_and_opened(tmp_path: Path, temporary: Path) -> None:
    data = os.urandom(5_000_000)

    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        status, _, body = await front.ask("PUT", f"/api/uploads/{upload}/files/ct%20scan.nrrd", data=data)
        assert (status, json.loads(body)) == (201, {"stored": len(data)})
        address = await front.open({"upload": upload})
        about = json.loads((await front.ask("GET", f"{address}about"))[2])
        path = Path(about["asked"][0]["file"])
        assert path.name == "ct scan.nrrd"
        assert path.read_bytes() == data
        for folder in path.relative_to(temporary).parents:
            if folder != Path("."):
                assert stat.S_IMODE((temporary / folder).stat().st_mode) == 0o700

    _with_front(tmp_path, check)
    assert not list(temporary.iterdir())


def test_a_folder_is_opened_as_one(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        names = ["study/a/1.dcm", "study/a/2.dcm", "study/b/1.dcm"]
        puts = (front.ask("PUT", f"/api/uploads/{upload}/files/{name}", data=name.encode()) for name in names)
        assert {answer[0] for answer in await asyncio.gather(*puts)} == {201}
        folder = front.front.uploads.path(upload)
        found = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
        assert found == {name: name for name in names}

    _with_front(tmp_path, check)


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fout.nrrd",
        "a/..%2F..%2F..%2Fout.nrrd",
        "%2Fetc%2Fout.nrrd",
        "..%5C..%5Cout.nrrd",
        "a%2F%2Fb",
        "%2E%2E%2Fout",
    ],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, temporary: Path, name: str) -> None:
    async def check(front: RunningFront) -> None:
        from yarl import URL

        upload = await _create(front)
        url = URL(f"{front.base}/api/uploads/{upload}/files/{name}", encoded=True)
        async with front.client.put(url, headers=front.let_in, data=b"x") as answer:
            assert answer.status in (404, 422)
        assert not [path for path in tmp_path.rglob("*out*") if path.is_file()]
        assert not [path for path in temporary.rglob("*") if path.is_file()]

    _with_front(tmp_path, check)


def test_traversal_in_a_raw_request_is_refused(tmp_path: Path, temporary: Path) -> None:
    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        reader, writer = await asyncio.open_connection("127.0.0.1", front.access.port)
        head = "".join(f"{name}: {value}\r\n" for name, value in front.let_in.items())
        writer.write(
            f"PUT /api/uploads/{upload}/files/../../../out.nrrd HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{front.access.port}\r\n{head}Content-Length: 1\r\n\r\nx".encode()
        )
        assert int((await reader.readline()).split()[1]) in (400, 404, 405, 422)
        writer.close()
        assert not [path for path in tmp_path.rglob("*out*") if path.is_file()]

    _with_front(tmp_path, check)


@given(st.text(max_size=300))
def test_any_name_is_refused_or_stays_inside(name: str) -> None:
    try:
        path = safe_relative_path(name)
    except UploadError:
        return
    assert not path.is_absolute()
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in path.parts)
    assert not set('\\:*?"<>|\0\n') & set(str(path))


def test_names_that_become_equal_do_not_overwrite(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        for name, data in (("a%3Ab.dcm", b"1"), ("a%3Fb.dcm", b"2"), ("a%3Ab.dcm", b"3")):
            assert (await front.ask("PUT", f"/api/uploads/{upload}/files/{name}", data=data))[0] == 201
        folder = front.front.uploads.path(upload)
        # The same name again is the same file sent again.
        assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"2", b"3"]

    _with_front(tmp_path, check)


def test_what_does_not_fit_is_refused_at_once(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, (1 << 30) + 100))

    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        status, _, body = await front.ask("PUT", f"/api/uploads/{upload}/files/a", data=b"x" * 200)
        assert status == 422
        assert "room" in json.loads(body)["error"]

        async def unannounced():
            yield b"x" * 200

        assert (await front.ask("PUT", f"/api/uploads/{upload}/files/b", data=unannounced()))[0] == 422
        assert (await front.ask("PUT", f"/api/uploads/{upload}/files/c", data=b"x" * 50))[0] == 201
        assert [path.name for path in temporary.rglob("*") if path.is_file()] == ["c"]

    _with_front(tmp_path, check)


def test_a_broken_transfer_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        _, writer = await asyncio.open_connection("127.0.0.1", front.access.port)
        head = "".join(f"{name}: {value}\r\n" for name, value in front.let_in.items())
        writer.write(
            f"PUT /api/uploads/{upload}/files/a.nrrd HTTP/1.1\r\nHost: 127.0.0.1:{front.access.port}\r\n"
            f"{head}Content-Length: 9000000\r\n\r\n".encode()
        )
        writer.write(b"x" * 3_000_000)
        await writer.drain()
        for _ in range(200):
            if list(temporary.rglob("*.part")):
                break
            await asyncio.sleep(0.02)
        assert list(temporary.rglob("*.part"))
        writer.close()
        for _ in range(200):
            if not list(temporary.rglob("*.part")):
                break
            await asyncio.sleep(0.02)
        assert not [path for path in temporary.rglob("*") if path.is_file()]
        assert (await front.ask("POST", "/api/workspaces", json={"upload": upload}))[0] == 422

    _with_front(tmp_path, check)


def test_an_upload_can_be_imported(tmp_path: Path) -> None:
    imported = []

    def take(path: Path) -> dict:
        imported.append(path.read_bytes())
        return {"volume": "ds/a"}

    async def check(front: RunningFront) -> None:
        upload = await _create(front)
        await front.ask("PUT", f"/api/uploads/{upload}/files/a.nrrd", data=b"scan")
        status, _, body = await front.ask("POST", f"/api/uploads/{upload}/import")
        assert (status, json.loads(body), imported) == (200, {"volume": "ds/a"}, [b"scan"])

    _with_front(tmp_path, check, Services(import_upload=take))


def test_uploads_of_a_killed_front_are_removed_by_the_next(temporary: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = temporary / f"medlabel-uploads-{ended.pid}-abc"
    living = temporary / f"medlabel-uploads-{os.getpid()}-abc"
    for folder in (left, living):
        folder.mkdir()
        (folder / "scan.nrrd").touch()
    uploads = Uploads()
    uploads.create()
    assert not left.exists()
    assert living.exists()
    uploads.close()
