"""The front in a real Chromium: the projects page, a drop, and a trame workspace through the front."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from support.fronts import SUPPORT

pytestmark = pytest.mark.browser

_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def _volume(name: str, modality: str, shape: list[int], spacing: list[float], **more: object) -> dict:
    base = {"name": name, "dataset": "demo", "modality": modality, "shape": shape, "spacing": spacing}
    return {**base, "objects": [], "tags": [], "status": "", **more}


def _object(name: str, color: str, number: int = 1) -> dict:
    return {"class": name, "color": color, "number": number}


_STRUCTURES = ["liver", "spleen", "aorta", "heart", "left lung", "right lung", "trachea", "T8", "T9"]
_COLORS = ["#c46a4a", "#8f6bc0", "#d6443f", "#d98a8a", "#5fb3a8", "#5f9fd0", "#b9d36b", "#e0d28a", "#d8c070"]
PROJECT = {
    "name": "MedLabel demo",
    "path_label": "~/medlabel-demo",
    "datasets": [
        {
            "name": "demo",
            "volumes": [
                _volume(
                    "lung2.nrrd", "CT", [512, 512, 61], [0.6269531, 0.6269531, 5],
                    objects=[_object("tumour", "#e6705a")], tags=[{"name": "stage", "value": "T2"}, "solid"],
                    status="in progress",
                ),
                _volume("brain1.nrrd", "MR", [256, 256, 25], [0.78125, 0.78125, 6.5],
                        objects=[_object("lesion", "#e6c75a", n) for n in (1, 2)]),
                _volume("chest.nrrd", "CT", [512, 512, 133], [0.703125, 0.703125, 2.5], status="reference",
                        objects=[_object(n, c) for n, c in zip(_STRUCTURES, _COLORS, strict=True)]),
            ],
        },
        {"name": "follow-up", "volumes": []},
    ],
    "arriving": [{"name": "pat_1 (DICOM)", "percent": 42.4, "message": "15.3 of 36.1 MB"}],
    "problems": ["The source mricron-data could not be reached: the package index does not have it."],
}  # fmt: skip


class FrontProcess:
    """A front in a process of its own, with trame workspaces."""

    def __init__(self, described: Path, workspace: str, port: int = 0) -> None:
        self.described = described
        self.process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "front_process.py"), str(SUPPORT / workspace), str(port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "STUB_PROJECT": str(described), "STUB_FOLDER": str(described.parent)},
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.base, _, self.token = self.address.partition("/?token=")


@pytest.fixture
def front(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FrontProcess]:
    described = tmp_path / "project.json"
    described.write_text(json.dumps(PROJECT))
    running = FrontProcess(described, getattr(request, "param", "stub_trame_workspace.py"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(timeout=20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        system = Path("/usr/bin/chromium")
        browser = playwright.chromium.launch(
            executable_path=str(system) if system.exists() else None, args=_ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a new, empty profile; every error in it fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.errors = errors  # type: ignore[attr-defined]
    yield page
    context.close()


def test_the_projects_page(front: FrontProcess, page: Page, tmp_path: Path) -> None:
    referers: list[str | None] = []
    page.on("request", lambda request: referers.append(request.headers.get("referer")))
    page.goto(front.address)
    rows = page.get_by_role("button", name=re.compile("^Open "))
    expect(page.get_by_role("heading", name="MedLabel demo")).to_be_visible()
    expect(page.locator(".volume")).to_have_count(3)
    assert page.url == f"{front.base}/"
    assert not any(referers)
    assert front.token not in page.content()
    assert page.evaluate("document.cookie") == ""
    assert rows.filter(has_text="lung2").inner_text().split("\n")[:4] == [
        "lung2.nrrd",
        "CT",
        "512×512×61",
        "0.63 × 0.63 × 5 mm",
    ]
    dot = page.locator(".volume .dot").first
    assert dot.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(230, 112, 90)"
    expect(page.get_by_text("and 3 more")).to_be_visible()
    expect(page.get_by_text("42 %")).to_be_visible()
    expect(page.get_by_text("could not be reached")).to_be_visible()
    if pictures := os.environ.get("MEDLABEL_TEST_PICTURES"):
        page.screenshot(path=f"{pictures}/project.png", full_page=True)
    # The rest arrives, and is shown without a reload.
    arrived = json.loads(json.dumps(PROJECT))
    arrived["arriving"] = []
    arrived["datasets"][0]["volumes"].append(_volume("pat_1.nrrd", "CT", [204, 201, 60], [0.977, 0.977, 3]))
    front.described.write_text(json.dumps(arrived))
    expect(page.locator(".volume")).to_have_count(4, timeout=6000)
    expect(page.locator("#arriving")).to_be_hidden()
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_trame_workspace_through_the_front(front: FrontProcess, page: Page) -> None:
    addresses: list[str] = []
    page.on("framenavigated", lambda frame: addresses.append(frame.url))
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(front.address)
    page.locator(".volume").first.wait_for()
    # By keyboard alone: the volumes follow the two buttons.
    for _ in range(3):
        page.keyboard.press("Tab")
    # The request is held back, since a spare workspace is ready sooner than anybody could look.
    held: list[Route] = []
    page.route("**/api/workspaces", lambda route: held.append(route))
    page.keyboard.press("Enter")
    expect(page.locator("#busy")).to_contain_text("Opening lung2.nrrd")
    if pictures := os.environ.get("MEDLABEL_TEST_PICTURES"):
        page.screenshot(path=f"{pictures}/opening.png")
    held[0].continue_()
    expect(page.locator("#opened")).to_have_text("lung2.nrrd", timeout=30_000)
    assert re.fullmatch(f"{front.base}/w/[0-9a-f]{{32}}/", page.url)
    page.locator("#button").click()
    page.locator("#button").click()
    expect(page.locator("#seen")).to_have_text("server saw 2")
    assert page.locator("#button").evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"
    # A reload finds the same process and its state.
    page.reload()
    expect(page.locator("#button")).to_have_text("clicked 2")
    assert page.errors == []  # type: ignore[attr-defined]
    assert set(sockets) == {page.url.replace("http", "ws") + "ws"}
    assert not any("secret" in address or "sessionURL" in address for address in addresses)
    # Injected scripts do not run, and no other server can be reached.
    assert page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.injected = true";
            document.body.append(script);
            const reached = await fetch("http://127.0.0.1:9/").then(() => true, (error) => error.message);
            return [window.injected === undefined, reached];
        }"""
    ) == [True, "Failed to fetch"]
    refused = [text for text in page.errors if "Content Security Policy" not in text]  # type: ignore[attr-defined]
    assert refused == []


def test_two_browsers_and_a_third_without_the_secret(front: FrontProcess, chromium: Browser) -> None:
    contexts = [chromium.new_context() for _ in range(3)]
    try:
        for context in contexts[:2]:
            page = context.new_page()
            page.goto(front.address)
            expect(page.locator(".volume")).to_have_count(3)
        cookies = [context.cookies()[0] for context in contexts[:2]]
        assert cookies[0]["value"] != cookies[1]["value"]
        assert {(c["httpOnly"], c["sameSite"], c["path"]) for c in cookies} == {(True, "Strict", "/")}
        outside = contexts[2].new_page()
        answer = outside.goto(f"{front.base}/")
        assert answer is not None
        assert answer.status == 401
        expect(outside.get_by_text("needs its secret")).to_be_visible()
    finally:
        for context in contexts:
            context.close()


def test_a_link_on_another_site_lets_in_and_a_script_there_does_not(front: FrontProcess, page: Page) -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a href="{front.address}">MedLabel</a>'.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        page.goto(f"http://localhost:{site.server_port}/")
        page.get_by_text("MedLabel").click()
        expect(page.locator(".volume")).to_have_count(3)
        assert page.url == f"{front.base}/"
        # The cookie is there now; another site still cannot use it.
        page.goto(f"http://localhost:{site.server_port}/")
        tried = page.evaluate(
            """async (base) => {
                const posted = await fetch(`${base}/api/uploads`, {method: "POST", credentials: "include"})
                    .then((answer) => answer.status, () => "refused");
                const socket = new WebSocket(`${base.replace("http", "ws")}/w/${"0".repeat(32)}/ws`);
                const connected = await new Promise((done) => {
                    socket.onopen = () => done("open");
                    socket.onerror = () => done("refused");
                });
                return [posted, connected];
            }""",
            front.base,
        )
        assert tried == ["refused", "refused"]
    finally:
        site.shutdown()


@pytest.mark.parametrize("front", ["stub_workspace.py"], indirect=True)
def test_a_folder_dropped_on_the_page_is_opened(front: FrontProcess, page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    (folder / "a").mkdir(parents=True)
    for number in range(130):
        (folder / "a" / f"{number}.dcm").write_bytes(os.urandom(20_000))
    page.goto(front.address)
    page.locator(".volume").first.wait_for()
    page.locator("#folder").set_input_files(folder)
    page.wait_for_url(re.compile("/w/[0-9a-f]{32}/"))
    asked = page.evaluate("fetch('about').then((answer) => answer.json())")["asked"]
    stored = sorted(path.name for path in (Path(asked[0]["file"]) / "scans/a").iterdir())
    assert stored == sorted(f"{number}.dcm" for number in range(130))
    # What is dropped takes the same way; entries come from the drop itself.
    page.go_back()
    page.locator(".volume").first.wait_for()
    dropped = tmp_path / "dropped"
    dropped.mkdir()
    (dropped / "1.dcm").write_bytes(b"one")
    (dropped / "2.dcm").write_bytes(b"two")
    protocol = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(dropped)], "dragOperationsMask": 1}
        protocol.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 400, "data": data})
        if kind == "dragOver":
            expect(page.locator("#drop")).to_be_visible()
    page.wait_for_url(re.compile("/w/[0-9a-f]{32}/"))
    asked = page.evaluate("fetch('about').then((answer) => answer.json())")["asked"]
    found = {path.name: path.read_bytes() for path in (Path(asked[0]["file"]) / "dropped").iterdir()}
    assert found == {"1.dcm": b"one", "2.dcm": b"two"}


@pytest.mark.parametrize("front", ["stub_workspace.py"], indirect=True)
def test_what_cannot_be_opened_is_said_on_the_page(front: FrontProcess, page: Page) -> None:
    broken = json.loads(json.dumps(PROJECT))
    broken["datasets"][0]["volumes"][0]["name"] = "broken"
    front.described.write_text(json.dumps(broken))
    page.goto(front.address)
    page.locator(".volume").first.click()
    expect(page.get_by_role("alert")).to_have_text(
        "broken could not be opened: broken.nrrd: the file is truncated"
    )
    expect(page.locator("#busy")).to_be_hidden()


def test_a_restarted_server_is_said_on_the_page(front: FrontProcess, page: Page) -> None:
    page.goto(front.address)
    page.locator(".volume").first.wait_for()
    front.process.kill()
    front.process.wait()
    expect(page.get_by_role("alert")).to_contain_text("does not answer", timeout=6000)
    again = FrontProcess(front.described, "stub_workspace.py", port=int(front.base.rpartition(":")[2]))
    try:
        assert again.base == front.base
        assert again.token != front.token
        expect(page.get_by_role("alert")).to_contain_text("was started again", timeout=6000)
    finally:
        again.process.send_signal(signal.SIGTERM)
        again.process.wait(timeout=20)
