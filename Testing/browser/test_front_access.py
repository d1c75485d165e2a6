"""Who the front lets in, asked with raw clients that send what no browser would."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from MedLabelApp.browser.front.application import Services
from MedLabelApp.browser.front.guard import Access
from MedLabelApp.browser.front.secret import Secret
from support.fronts import RunningFront, running_front


def _with_front(tmp_path: Path, check: Callable[[RunningFront], Awaitable[None]], **access: object) -> None:
    async def run() -> None:
        async with running_front(tmp_path, **access) as front:
            await check(front)

    asyncio.run(run())


def test_token_is_exchanged_for_a_cookie_and_leaves_the_address(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        token = front.access.secret.token
        status, headers, body = await front.ask("GET", f"/?token={token}", headers={})
        assert status == 303
        assert headers["Location"] == "/"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert token.encode() not in body
        cookie = SimpleCookie(headers["Set-Cookie"])[f"medlabel-{front.access.port}"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert not cookie["secure"]
        assert token not in cookie.value
        status, _, page = await front.ask("GET", "/", headers={"Cookie": f"{cookie.key}={cookie.value}"})
        assert status == 200
        assert b"/page/project.js" in page

    _with_front(tmp_path, check)


def test_every_browser_gets_a_session_of_its_own(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        token = front.access.secret.token
        first, second = [(await front.ask("GET", f"/?token={token}", headers={}))[1] for _ in range(2)]
        assert first["Set-Cookie"] != second["Set-Cookie"]
        for headers in (first, second):
            cookie = headers["Set-Cookie"].partition(";")[0]
            assert (await front.ask("GET", "/api/project", headers={"Cookie": cookie}))[0] == 200
        # A browser that is let in keeps its session, and loses the token from its address all the same.
        status, headers, _ = await front.ask("GET", "/?token=stale", headers=front.cookie)
        assert (status, headers["Location"]) == (303, "/")
        assert "Set-Cookie" not in headers

    _with_front(tmp_path, check)


def test_the_cookie_is_secure_behind_a_proxy_that_ends_tls(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        path = f"/?token={front.access.secret.token}"
        _, headers, _ = await front.ask("GET", path, headers={"Host": "labels.example"})
        assert "Secure" in headers["Set-Cookie"]
        sent = {**front.cookie, "Host": "labels.example", "Origin": "https://labels.example"}
        assert (await front.ask("POST", "/api/uploads", headers=sent))[0] == 201
        sent["Origin"] = "http://labels.example"
        assert (await front.ask("POST", "/api/uploads", headers=sent))[0] == 403

    _with_front(tmp_path, check, names=["labels.example"], scheme="https")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?token=",
        "/?token=wrong",
        "/page/project.js",
        "/api/project",
        "/nowhere",
        "/w/" + "0" * 32 + "/",
    ],
)
@pytest.mark.parametrize("cookie", [None, "", "guess", "x" * 5000])
def test_nothing_is_shown_without_a_valid_cookie(tmp_path: Path, path: str, cookie: str | None) -> None:
    async def check(front: RunningFront) -> None:
        headers = {} if cookie is None else {"Cookie": f"{front.access.cookie}={cookie}"}
        status, answered, body = await front.ask("GET", path, headers=headers)
        assert status == 401
        assert "Set-Cookie" not in answered
        assert front.access.secret.token.encode() not in body
        assert b"needs its secret" in body

    _with_front(tmp_path, check)


def test_the_token_opens_the_front_page_only(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        token = front.access.secret.token
        assert (await front.ask("GET", f"/api/project?token={token}", headers={}))[0] == 401
        assert (await front.ask("HEAD", f"/?token={token}", headers={}))[0] == 401
        assert (await front.ask("POST", f"/?token={token}", headers=front.origin))[0] == 401

    _with_front(tmp_path, check)


def test_a_cookie_of_another_server_is_worth_nothing(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        other = Secret()
        session = other.exchange(other.token)
        headers = {"Cookie": f"{front.access.cookie}={session}"}
        assert (await front.ask("GET", "/api/project", headers=headers))[0] == 401

    _with_front(tmp_path, check)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil:{port}",
        "",
        "10.0.0.1:{port}",
    ],
)
def test_another_host_name_is_refused(tmp_path: Path, host: str) -> None:
    async def check(front: RunningFront) -> None:
        headers = {**front.cookie, "Host": host.format(port=front.access.port)}
        assert (await front.ask("GET", "/api/project", headers=headers))[0] == 403
        token = front.access.secret.token
        answer = await front.ask("GET", f"/?token={token}", headers={"Host": headers["Host"]})
        assert answer[0] == 403

    _with_front(tmp_path, check)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_loopback_names_are_allowed(tmp_path: Path, host: str) -> None:
    async def check(front: RunningFront) -> None:
        headers = {**front.cookie, "Host": host.format(port=front.access.port)}
        assert (await front.ask("GET", "/api/project", headers=headers))[0] == 200

    _with_front(tmp_path, check)


def test_two_host_headers_are_refused(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.access.port)
        good = f"127.0.0.1:{front.access.port}"
        writer.write(
            f"GET /api/project HTTP/1.1\r\nHost: {good}\r\nHost: evil.example\r\n"
            f"Cookie: {front.cookie['Cookie']}\r\n\r\n".encode()
        )
        status = int((await reader.readline()).split()[1])
        writer.close()
        assert status in (400, 403)

    _with_front(tmp_path, check)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://localhost:{port}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_another_origin_is_refused(tmp_path: Path, origin: str, method: str) -> None:
    async def check(front: RunningFront) -> None:
        headers = {**front.cookie, "Origin": origin.format(port=front.access.port)}
        assert (await front.ask(method, "/api/project", headers=headers))[0] == 403

    _with_front(tmp_path, check)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_changes_something_must_name_its_origin(tmp_path: Path, method: str) -> None:
    async def check(front: RunningFront) -> None:
        assert (await front.ask(method, "/api/uploads", headers=front.cookie))[0] == 403

    _with_front(tmp_path, check)


def test_websockets_need_cookie_origin_and_host(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        path = f"{await front.open({'volume': 'ds/ct'})}ws"

        async def status(headers: dict[str, str]) -> int:
            try:
                async with front.websocket(path, headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

        assert await status(front.let_in) == 101
        assert await status(front.cookie) == 403
        assert await status(front.origin) == 401
        assert await status({**front.let_in, "Origin": "http://evil.example"}) == 403
        assert await status({**front.let_in, "Host": "evil.example"}) == 403

    _with_front(tmp_path, check)


def test_every_answer_carries_the_security_headers(tmp_path: Path) -> None:
    async def check(front: RunningFront) -> None:
        address = await front.open({"volume": "ds/ct"})
        for path, sent in [
            ("/", front.cookie),
            ("/", {}),
            ("/nowhere", front.cookie),
            ("/page/project.css", front.cookie),
            ("/api/project", {"Host": "evil.example"}),
            (address, front.cookie),
            (f"{address}anything", front.cookie),
        ]:
            _, headers, _ = await front.ask("GET", path, headers=sent)
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "no-referrer", path
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path

    _with_front(tmp_path, check)


def test_a_server_on_all_interfaces_takes_addresses_but_no_names() -> None:
    access = Access(Secret(), 8080, ["scans.example"], any_literal=True)
    assert access.allows_host("192.168.1.5:8080")
    assert access.allows_host("[fe80::1]:8080")
    assert access.allows_host("scans.example:8080")
    assert not access.allows_host("192.168.1.5:8081")
    assert not access.allows_host("192.168.1.5.evil.example:8080")
    assert not access.allows_host("rebound.example:8080")


def test_a_once_token_works_once() -> None:
    secret = Secret()
    once = secret.issue_once()
    assert secret.knows(secret.exchange(once))
    assert secret.exchange(once) is None
    assert secret.exchange(secret.token) is not None


def test_logs_carry_no_names_and_no_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    patient = "DOE^JANE"

    def describe() -> dict:
        raise RuntimeError(f"/data/{patient}/ct.nrrd")

    async def run() -> None:
        async with running_front(tmp_path, Services(describe=describe)) as front:
            front.front._log_requests = True
            status, _, body = await front.ask("GET", "/api/project")
            assert status == 500
            assert patient.encode() not in body
            upload = (await front.ask("POST", "/api/uploads"))[2].split(b'"')[3].decode()
            await front.ask("PUT", f"/api/uploads/{upload}/files/{patient}.dcm", data=b"x")
            await front.ask("GET", f"/?token={front.access.secret.token}", headers={})
            assert front.access.secret.token not in caplog.text

    with caplog.at_level(logging.DEBUG):
        asyncio.run(run())
    assert patient not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "PUT /api/uploads/{identity}/files/{name}" in caplog.text
