"""From a turn of the wheel to the new picture in a real Chromium, beside trame-slicer's segmentation app."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.storage.volume_file import write_volume

TITLE = "wheel to picture in Chromium, beside trame-slicer's segmentation app as it is installed"

SHAPE, LARGE = (512, 512, 133), (512, 512, 600)
SINGLE_STEPS, SINGLE_PAUSE_MS = 40, 450
TURN_SECONDS, TURN_PAUSE_MS = 8.0, 16
LATENCY_RATIO, RATE_RATIO, LONGEST_PAUSE_MS = 0.35, 2.0, 250.0

# notes when a wheel event came, when the next picture of the view under the pointer was on the page, and when
# each picture of any view was
_WATCH = """() => {
  const w = (window.watched = { at: null, waits: [], pictures: [], mine: [], x: 0, y: 0 });
  document.addEventListener('wheel', (event) => {
    if (w.at === null) w.at = performance.now();
    [w.x, w.y] = [event.clientX, event.clientY];
  }, { capture: true, passive: true });
  document.addEventListener('load', (event) => {
    if (event.target.tagName !== 'IMG') return;
    const now = performance.now();
    w.pictures.push(now);
    const box = event.target.getBoundingClientRect();
    if (w.x < box.left || w.x > box.right || w.y < box.top || w.y > box.bottom) return;
    w.mine.push(now);
    if (w.at !== null) { w.waits.push(now - w.at); w.at = null; }
  }, true);
}"""


@dataclass(frozen=True)
class Measured:
    """What one application did: waits in ms, pictures a second over all views, the longest pause in ms."""

    median: float
    slow: float
    rate: float
    own_rate: float
    pause: float


def run(full: bool = False) -> Iterator[Row]:
    """``full``: a scan of 600 slices too."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NotFoundError("this benchmark drives Chromium by playwright: pip install playwright") from error
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ["MEDLABEL_SETTINGS"] = str(Path(folder) / "settings.json")
        path = os.environ.get("MEDLABEL_CHROMIUM") or shutil.which("chromium") or None
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for shape in (SHAPE, LARGE) if full else (SHAPE,):
            scan = _scan(Path(folder) / f"scan{shape[2]}.nrrd", shape)
            name = "×".join(map(str, shape))
            with _stock(scan) as address:
                stock = _measure(browser, address, "trame-slicer")
            with _ours(scan) as address:
                ours = _measure(browser, address, "MedLabel")
            yield from _rows(name, stock, ours)
        browser.close()


def _rows(name: str, stock: Measured, ours: Measured) -> Iterator[Row]:
    for who, measured in (("trame-slicer", stock), ("MedLabel", ours)):
        yield Row(f"{name}: {who}, wheel to picture, median", measured.median, "ms")
        yield Row(f"{name}: {who}, wheel to picture, 95th percentile", measured.slow, "ms")
        yield Row(f"{name}: {who}, pictures a second, all views", measured.rate, "/s")
        yield Row(f"{name}: {who}, pictures a second, the view under the wheel", measured.own_rate, "/s")
    yield Row(f"{name}: MedLabel, longest pause while the wheel turns", ours.pause, "ms", LONGEST_PAUSE_MS)
    yield Row(f"{name}: median, × trame-slicer's", ours.median / stock.median, "×", LATENCY_RATIO)
    yield Row(f"{name}: 95th percentile, × trame-slicer's", ours.slow / stock.slow, "×", LATENCY_RATIO)
    yield Row(f"{name}: rate, × trame-slicer's", ours.rate / stock.rate, "×", RATE_RATIO, at_least=True)


def _scan(file: Path, shape: tuple[int, int, int]) -> Path:
    """A scan with edges and noise, as a CT has: pictures of it are as large as a CT's."""
    random = np.random.default_rng(1)
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    disc = np.hypot(i - shape[0] / 2, (j - shape[1] / 2) * 1.3) < shape[0] * 0.42
    array = np.empty(shape, np.int16, order="F")
    for k in range(shape[2]):
        organs = np.sin(i / 23 + k / 9) * np.cos(j / 31 - k / 14) > 0.4
        array[:, :, k] = np.where(disc, 40 + 120 * organs + random.normal(0, 18, shape[:2]), -1000)
    write_volume(file, array, VolumeGeometry(shape, np.diag([0.7, 0.7, 1.2, 1.0])))
    return file


@contextmanager
def _stock(scan: Path) -> Iterator[str]:
    with _process("MedLabelApp.bench.stock_segmentation_app", str(scan)) as process:
        yield f"http://127.0.0.1:{_said(process, re.compile(r'^([0-9]+)$'))}/"


@contextmanager
def _ours(scan: Path) -> Iterator[str]:
    with _process("MedLabelApp.command.main", "open", str(scan), "--port", "0") as process:
        yield _said(process, re.compile(r"(http://127\.0\.0\.1:\S+)"))


def _said(process: subprocess.Popen, wanted: re.Pattern) -> str:
    for line in process.stdout:
        if match := wanted.search(line.strip()):
            return match[1]
    raise NotFoundError("the server ended before it said where it listens")


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _measure(browser, address: str, who: str) -> Measured:
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.goto(address)
    page.wait_for_function(
        "() => [...document.images].filter(image => image.src.startsWith('blob:')"
        " && image.naturalWidth > 200 && image.clientWidth > 200).length >= 4",
        timeout=90_000,
    )
    page.wait_for_timeout(3000)
    # the first of the views from the top left: axial in both
    box = page.evaluate(
        """() => [...document.images].map(image => image.getBoundingClientRect())
        .filter(box => box.width > 200).map(box => [box.x + box.width / 2, box.y + box.height / 2])
        .sort((a, b) => a[0] + a[1] - b[0] - b[1])[0]"""
    )
    page.mouse.move(*box)
    page.wait_for_timeout(800)
    page.evaluate(_WATCH)
    for step in range(SINGLE_STEPS):
        page.mouse.wheel(0, 100 if step % 20 < 10 else -100)
        page.wait_for_timeout(SINGLE_PAUSE_MS)
    waits = np.array(page.evaluate("() => watched.waits"))
    if len(waits) < SINGLE_STEPS // 2:
        raise NotFoundError(f"{who} showed {len(waits)} new pictures for {SINGLE_STEPS} turns of the wheel")
    page.evaluate("() => { watched.pictures = []; watched.mine = []; }")
    page.evaluate(
        """([x, y, seconds, pause]) => new Promise((done) => {
          const start = performance.now();
          let sent = 0;
          const turn = setInterval(() => {
            if (performance.now() - start > seconds * 1000) { clearInterval(turn); return done(); }
            const down = Math.floor(sent++ / 40) % 2 ? -100 : 100;
            document.elementFromPoint(x, y).dispatchEvent(new WheelEvent('wheel',
              { deltaY: down, clientX: x, clientY: y, bubbles: true, cancelable: true }));
          }, pause);
        })""",
        [*box, TURN_SECONDS, TURN_PAUSE_MS],
    )
    pictures, mine = (page.evaluate(f"() => watched.{name}") for name in ("pictures", "mine"))
    page.close()
    return Measured(
        float(np.median(waits)),
        float(np.percentile(waits, 95)),
        len(pictures) / TURN_SECONDS,
        len(mine) / TURN_SECONDS,
        float(np.max(np.diff(mine))) if len(mine) > 1 else float("inf"),
    )
