"""`medlabel serve` (or `open`) as a user starts it, and a real Chromium at its address."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")


class Served:
    """A running server: its process, in a group of its own, and the address it printed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "MedLabelApp.command.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._found = threading.Event()
        self.address = ""
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()
        deadline = time.monotonic() + 60
        while not self._found.wait(0.2) and self.process.poll() is None and time.monotonic() < deadline:
            pass
        if not self.address:
            self.process.kill()
            raise AssertionError("the server printed no address:\n" + "".join(self.lines))

    def _read(self, stream) -> None:
        for line in stream:
            self.lines.append(line)
            if match := ADDRESS.search(line):
                self.address = match[0]
                self._found.set()

    @property
    def base(self) -> str:
        return self.address.split("/?")[0]

    def kill(self) -> None:
        """SIGKILL to the server and to every process it started."""
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            os.kill(self.process.pid, signal.SIGKILL)
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[Served]:
    server = Served(*arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@contextlib.contextmanager
def a_browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def open_volume(browser: Browser, server: Served, label: str, prepare=lambda page: None) -> Page:
    """Enter by the printed address, click the volume, and wait until its views are there."""
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    prepare(page)
    page.goto(server.address)
    page.get_by_role("button", name=re.compile(re.escape(label.rpartition("/")[2]))).first.click()
    return wait_for_views(page)


def wait_for_views(page: Page) -> Page:
    page.wait_for_selector("canvas[data-view=coronal]", timeout=60_000)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ml-area img')].some(image => image.naturalWidth > 100)",
        timeout=60_000,
    )
    until_in_place(page)
    return page


def until_in_place(page: Page) -> None:
    """Wait until the server knows every slice view in the form that the page gives it."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ml-overlay')].every(c => medlabel.inPlace(c, c.dataset.view))",
        timeout=20_000,
    )


def until_state(page: Page, condition: str) -> None:
    """Wait until ``condition`` holds, JavaScript in which ``s`` is the page's state."""
    page.wait_for_function(f"() => {{ const s = window.trame.state.state; return {condition}; }}")


def drag(page: Page, view: str, points: list[tuple[float, float]]) -> None:
    """Press, move along ``points`` (fractions of the view) and let go."""
    box = page.locator(f"canvas[data-view={view}]").bounding_box()
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def record_strokes(page: Page) -> None:
    """Keep what the page sends as strokes, in ``window.sentStrokes``."""
    page.evaluate(
        """() => {
          window.sentStrokes = [];
          const trigger = window.trame.trigger;
          window.trame.trigger = (name, args, options) => {
            if (name === 'draw') window.sentStrokes.push(args[0]);
            return trigger(name, args, options);
          };
        }"""
    )


def until_saved(page: Page) -> None:
    page.wait_for_function(
        "() => document.getElementById('ml-saved').textContent.startsWith('saved at')", timeout=20_000
    )


def copy_project(source: Path, target: Path) -> Path:
    import shutil

    shutil.copytree(source, target)
    return target
