"""Workspace processes: one per window, a spare ahead, gone with the front; and the way through to them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from MedLabelApp.browser.front.application import Services
from support.fronts import SUPPORT, RunningFront, running_front, stub_settings


def _with_front(
    tmp_path: Path,
    check: Callable[[RunningFront], Awaitable[None]],
    services: Services | None = None,
    **changes: object,
) -> None:
    async def run() -> None:
        async with running_front(tmp_path, services, stub_settings(**changes)) as front:
            await check(front)

    asyncio.run(run())


async def _about(front: RunningFront, address: str, path: str = "about", **more: object) -> dict:
    method = more.pop("method", "GET")
    status, headers, body = await front.ask(method, address + path, **more)
    assert status == 200, body
    return {**json.loads(body), "answered": headers}


async def _until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    """Whether the process lives; a zombie that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_each_window_has_its_own_process(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        first = await front.open({"volume": "ds/ct"})
        async with front.websocket(f"{first}ws"):
            second = await front.open({"volume": "ds/ct"})
            assert re.fullmatch("/w/[0-9a-f]{32}/", first)
            assert first != second
            about = [await _about(front, address) for address in (first, second)]
            assert about[0]["pid"] != about[1]["pid"]
            assert about[0]["asked"] == [{"project": str(tmp_path), "dataset": "ds", "volume": "ct"}]
            # A reload comes back to the same process.
            assert (await _about(front, first))["pid"] == about[0]["pid"]
        # A volume whose window was closed is found as it was left.
        await _until(lambda: not any(w.connections for w in front.front.workspaces._open.values()))
        assert await front.open({"volume": "ds/ct"}) in (first, second)

    _with_front(tmp_path, check)


def test_the_spare_is_used_and_replaced(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        await _until(lambda: len(list(tmp_path.glob("*.started"))) == 1)
        spare = int(next(tmp_path.glob("*.started")).stem)
        address = await front.open({"volume": "ds/ct"})
        assert (await _about(front, address))["pid"] == spare
        await _until(lambda: len(list(tmp_path.glob("*.started"))) == 2)

    _with_front(tmp_path, check, spare=True)


def test_a_dead_spare_is_replaced(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        process = await front.front.workspaces._spare
        spare = int(next(tmp_path.glob("*.started")).stem)
        os.kill(spare, signal.SIGKILL)
        await _until(lambda: not process.running)
        address = await front.open({"volume": "ds/ct"})
        assert (await _about(front, address))["pid"] != spare

    _with_front(tmp_path, check, spare=True)


def test_what_cannot_be_opened_is_said_and_leaves_no_process(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        status, _, body = await front.ask("POST", "/api/workspaces", json={"volume": "ds/broken"})
        assert (status, json.loads(body)) == (422, {"error": "broken.nrrd: the file is truncated"})
        status, _, body = await front.ask("POST", "/api/workspaces", json={"volume": "ds/dying"})
        assert status == 422
        assert "its process ended" in json.loads(body)["error"]
        await _until(lambda: not any(_alive(int(mark.stem)) for mark in tmp_path.glob("*.started")))

    _with_front(tmp_path, check)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("no json", 400), ("[]", 400), ("{}", 400), ('{"volume": 3}', 400), ('{"opening": true}', 400),
        ('{"volume": "../../etc/passwd"}', 404), ('{"volume": "ct"}', 404), ('{"volume": "ds/.."}', 404),
        ('{"volume": "/etc/passwd"}', 404), ('{"volume": "a\\\\b/c"}', 404), ('{"upload": "x"}', 422),
    ],
)  # fmt: skip
def test_bad_requests_to_open_start_nothing(tmp_path: Path, what: str, expected: int) -> None:
    async def check(front: RunningFront) -> None:
        status, _, body = await front.ask("POST", "/api/workspaces", data=what)
        assert status == expected
        assert json.loads(body)["error"]
        assert not list(tmp_path.glob("*.started"))

    _with_front(tmp_path, check)


def test_a_command_that_does_not_start_is_said(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        status, _, body = await front.ask("POST", "/api/workspaces", json={"volume": "ds/ct"})
        assert status == 422
        assert "did not start" in json.loads(body)["error"]

    _with_front(tmp_path, check, command=(sys.executable, "-c", "raise SystemExit(1)"), spare=True)


def test_http_is_passed_through_without_the_cookie(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        body = "ü" * 3_000_000
        about = await _about(front, address, "a%20b/c%2Fd?x=1&y=%26", method="POST", data=body.encode())
        assert about["path"] == "/a%20b/c%2Fd?x=1&y=%26"
        assert about["body"] == body
        assert "cookie" not in about["headers"]
        assert about["headers"]["x-medlabel-key"]
        assert "Set-Cookie" not in about["answered"]

    _with_front(tmp_path, check)


def test_the_key_reaches_the_page_by_the_launcher_answer_only(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        key = (await _about(front, address))["headers"]["x-medlabel-key"]
        status, headers, body = await front.ask("POST", f"{address}paraview/", json={})
        assert status == 200
        assert headers["Cache-Control"] == "no-store"
        assert json.loads(body) == {"sessionURL": f"ws://USE_HOST{address}ws", "secret": key}
        status, headers, page = await front.ask("GET", address)
        assert status == 200
        assert key.encode() not in page
        assert "'sha256-" in headers["Content-Security-Policy"]
        assert (await front.ask("POST", f"{address}paraview/", headers=front.origin))[0] == 401

    _with_front(tmp_path, check)


def test_the_workspace_port_answers_its_front_only(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        workspace = front.front.workspaces.find(address.split("/")[2])
        inner = f"http://127.0.0.1:{workspace.process.port}"
        for path in ("/", "/index.html", "/ws", "/nowhere"):
            for headers in ({}, {"X-MedLabel-Key": "guess"}):
                async with front.client.get(inner + path, headers=headers) as answer:
                    assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await front.client.ws_connect(f"{inner}/ws")
        assert refused.value.status == 403
        key = workspace.process.key
        assert key.encode() not in Path(f"/proc/{workspace.process._process.pid}/cmdline").read_bytes()

    _with_front(tmp_path, check)


def test_websocket_messages_pass_unchanged_in_order(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        async with front.websocket(f"{address}ws") as socket:
            large = os.urandom(24 << 20)
            sent = [b"", b"\x00\xff", os.urandom(70_000), large, *(bytes([n]) for n in range(50))]
            for message in sent:
                await socket.send_bytes(message)
            await socket.send_str("grüße")
            for message in sent:
                assert await socket.receive_bytes() == message
            assert await socket.receive_str() == "grüße"
            assert socket.compress == 0
            await socket.send_str("close")
            ended = await socket.receive()
            assert ended.type is aiohttp.WSMsgType.CLOSE
            assert ended.data == 4321

    _with_front(tmp_path, check)


def test_the_front_adds_little_latency(tmp_path: Path) -> None:
    async def median(socket: aiohttp.ClientWebSocketResponse) -> float:
        times = []
        for _ in range(300):
            started = time.perf_counter()
            await socket.send_bytes(b"x" * 2000)
            await socket.receive_bytes()
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1000

    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        workspace = front.front.workspaces.find(address.split("/")[2])
        inner = f"http://127.0.0.1:{workspace.process.port}/ws"
        async with front.client.ws_connect(
            inner, headers={"X-MedLabel-Key": workspace.process.key}
        ) as socket:
            direct = await median(socket)
        async with front.websocket(f"{address}ws") as socket:
            through = await median(socket)
        print(f"round trip: {direct:.2f} ms direct, {through:.2f} ms through the front")
        # A delayed acknowledgement (no TCP_NODELAY) would cost 40 ms.
        assert through - direct < 10

    _with_front(tmp_path, check)


def test_a_workspace_that_died_is_gone_and_says_so(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        identity = address.split("/")[2]
        state = f"/api/workspaces/{identity}"
        assert (await front.ask("GET", state))[0] == 200
        async with front.websocket(f"{address}ws") as socket:
            await socket.send_str("die")
            assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        await _until(lambda: front.front.workspaces.find(identity) is None)
        for path in (address, f"{address}ws", state):
            status, _, body = await front.ask("GET", path)
            assert status == 410
        assert b"This workspace has ended" in body
        assert b'href="/"' in body
        assert (await front.ask("GET", "/w/" + "0" * 32 + "/"))[0] == 404
        # The volume can be opened anew.
        assert await front.open({"volume": "ds/ct"}) != address

    _with_front(tmp_path, check)


def test_a_workspace_without_a_window_is_saved_and_stopped(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        kept, left = await front.open({"volume": "ds/a"}), await front.open({"volume": "ds/b"})
        pid = (await _about(front, left))["pid"]
        async with front.websocket(f"{kept}ws"):
            await _until(lambda: (tmp_path / f"{pid}.saved").exists())
            assert (await front.ask("GET", left))[0] == 410
            assert (await front.ask("GET", kept))[0] == 200

    _with_front(tmp_path, check, grace=0.4)


def test_a_workspace_can_be_closed(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/a"})
        pid = (await _about(front, address))["pid"]
        assert (await front.ask("DELETE", f"/api/workspaces/{address.split('/')[2]}"))[0] == 204
        assert (tmp_path / f"{pid}.saved").exists()

    _with_front(tmp_path, check)


def test_the_limit_makes_room_by_what_has_no_window(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        first = await front.open({"volume": "ds/a"})
        async with front.websocket(f"{first}ws"):
            second = await front.open({"volume": "ds/b"})
            third = await front.open({"volume": "ds/c"})
            assert (await front.ask("GET", second))[0] == 410
            async with front.websocket(f"{third}ws"):
                status, _, body = await front.ask("POST", "/api/workspaces", json={"volume": "ds/d"})
                assert status == 422
                assert "2 windows are open" in json.loads(body)["error"]

    _with_front(tmp_path, check, limit=2)


def test_a_scan_named_on_the_command_line_is_opened_once(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        project = json.loads((await front.ask("GET", "/api/project"))[2])
        assert project["opening"] == {"name": "scan.nrrd", "shown": False}
        address = await front.open({"opening": True})
        assert (await _about(front, address))["asked"] == [{"file": str(tmp_path / "scan.nrrd")}]
        assert json.loads((await front.ask("GET", "/api/project"))[2])["opening"]["shown"] is True

    _with_front(tmp_path, check, Services(opening=tmp_path / "scan.nrrd"))


def test_an_unchanged_project_costs_nothing_to_poll(tmp_path: Path) -> None:
    described = {"name": "Demo", "datasets": [], "arriving": [], "problems": []}

    async def check(front: RunningFront) -> None:
        status, headers, body = await front.ask("GET", "/api/project")
        assert (status, json.loads(body)) == (200, described)
        again = {**front.cookie, "If-None-Match": headers["ETag"]}
        assert (await front.ask("GET", "/api/project", headers=again))[::2] == (304, b"")
        described["arriving"] = [{"name": "lung", "percent": 4, "message": ""}]
        assert (await front.ask("GET", "/api/project", headers=again))[0] == 200

    _with_front(tmp_path, check, Services(describe=lambda: described))


@pytest.fixture
def front_process(tmp_path: Path):
    """A front in a process of its own, two workspaces open and a spare on its way: the process, the pids of
    the two, and those of all three."""
    process = subprocess.Popen(
        [sys.executable, str(SUPPORT / "front_process.py"), str(SUPPORT / "stub_workspace.py")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "STUB_FOLDER": str(tmp_path)},
    )
    address = process.stdout.readline().strip()

    async def open_two() -> set[int]:
        pids = set()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with client.get(address) as answer:
                assert answer.status == 200
                assert "token" not in str(answer.url)
            base = address.partition("/?")[0]
            for name in ("a", "b"):
                async with client.post(
                    f"{base}/api/workspaces", json={"volume": f"ds/{name}"}, headers={"Origin": base}
                ) as answer:
                    assert answer.status == 201
                    opened = (await answer.json())["address"]
                async with client.get(f"{base}{opened}about") as answer:
                    pids.add((await answer.json())["pid"])
        return pids

    opened = asyncio.run(open_two())
    asyncio.run(_until(lambda: len(list(tmp_path.glob("*.started"))) == 3))
    yield process, opened, {int(mark.stem) for mark in tmp_path.glob("*.started")}
    process.kill()
    process.wait()


def test_workspaces_die_with_a_front_that_is_killed(front_process, tmp_path: Path) -> None:
    process, opened, pids = front_process
    process.kill()
    process.wait()
    asyncio.run(_until(lambda: not any(_alive(pid) for pid in pids)))
    # They were not killed themselves: each had its chance to save.
    assert {int(mark.stem) for mark in tmp_path.glob("*.saved")} >= opened


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_front_that_is_stopped_lets_workspaces_save_first(
    front_process, tmp_path: Path, number: int
) -> None:
    process, opened, pids = front_process
    process.send_signal(number)
    assert process.wait(timeout=15) == 0
    assert {int(mark.stem) for mark in tmp_path.glob("*.saved")} >= opened
    assert not any(_alive(pid) for pid in pids)
