"""The link cut in the middle of strokes, in a real Chromium: what was drawn is there, each stroke once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.storage.check import check_project
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.plain_brush import plain_stroke
from support.served import a_browser, open_volume, served
from support.small_project import small_volume

pytestmark = pytest.mark.browser

SHAPE = (96, 80, 12)
# hands every stroke to the test as the page takes it into its outbox, also after the page was loaded anew
TELL_STROKES = """
window.medlabel = {};
let outbox;
Object.defineProperty(window.medlabel, "outbox", {
  get: () => outbox,
  set: (made) => {
    const add = made.add;
    made.add = (stroke) => { window.tellStroke(JSON.stringify(stroke)); return add(stroke); };
    outbox = made;
  },
});
"""
READY = """() => {
  const canvas = document.querySelector("canvas[data-view=axial]");
  if (window.old || !canvas || !window.medlabel || !medlabel.outbox || !medlabel.inPlace) return false;
  if (medlabel.outbox.count || medlabel.broken || !window.trame.state.state.ml_selected) return false;
  return medlabel.inPlace(canvas, "axial");
}"""


class Link:
    """The page's WebSocket, which lets messages through, or one way only, until it is cut."""

    def __init__(self) -> None:
        self.deaf = self.mute = False
        self._ends: list = []

    def stand_between(self, page: Page) -> None:
        page.route_web_socket(re.compile(r"/ws"), self._open)

    def _open(self, link) -> None:
        server = link.connect_to_server()
        self._ends = [link, server]
        link.on_message(lambda message: None if self.mute else server.send(message))
        server.on_message(lambda message: None if self.deaf else link.send(message))
        link.on_close(lambda code, reason: server.close())
        server.on_close(lambda code, reason: link.close())

    def cut(self) -> None:
        for end in self._ends:
            end.close()
        self.deaf = self.mute = False


def draw_and_cut(page: Page, link: Link, random: np.random.Generator) -> str:
    """A stroke, in the midst of which or right after which the link breaks; returns how."""
    box = page.locator("canvas[data-view=axial]").bounding_box()
    points = random.uniform(0.2, 0.8, (6, 2)) * (box["width"], box["height"]) + (box["x"], box["y"])
    erases = random.random() < 0.3
    how = str(random.choice(["between points", "nothing sent", "nothing heard", "after the stroke"]))
    at = int(random.integers(1, len(points)))
    if erases:
        page.keyboard.down("Shift")
    page.mouse.move(*points[0])
    page.mouse.down()
    # from a point of the stroke on the server, or the page, hears nothing
    for number, point in enumerate(points[1:], 1):
        page.mouse.move(*point)
        if number == at:
            link.mute, link.deaf = how == "nothing sent", how == "nothing heard"
            if how == "between points":
                link.cut()
                page.wait_for_selector(".ml-broken")
    page.mouse.up()
    if erases:
        page.keyboard.up("Shift")
    if how != "between points":
        page.wait_for_timeout(float(random.uniform(0, 120)))
        link.cut()
    return how


@pytest.mark.prove
def test_whatever_was_drawn_is_there_once(tmp_path: Path, chromium: str, proof) -> None:
    volume = small_volume(tmp_path / "project", SHAPE)
    project = volume.dataset.project.path
    with VolumeSession.open(volume, "test", "command") as session, session.edit("New tumour") as edit:
        edit.add_object(LabelObject("tumour"))
    geometry, strokes, hows, cases, link = volume.geometry(), [], set(), 0, Link()

    def prepare(page: Page) -> None:
        page.expose_function("tellStroke", lambda text: strokes.append(json.loads(text)))
        page.add_init_script(TELL_STROKES)
        link.stand_between(page)

    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "scans/scan", prepare)
        page.locator(".ml-object .ml-pick").first.click()
        for random in proof.cases(sample=8, full=300):
            page.wait_for_function(READY, timeout=60_000)
            page.evaluate("() => { window.old = true; }")
            hows.add(draw_and_cut(page, link, random))
            cases += 1
            page.wait_for_function("() => !window.old", timeout=60_000)
        page.wait_for_function(READY, timeout=60_000)
        server.stop()

    assert len(strokes) == len({stroke["id"] for stroke in strokes}) == cases
    assert len(hows) > 1
    expected = np.zeros(SHAPE, bool)
    changing = []
    for stroke in strokes:
        painted = plain_stroke(geometry, stroke)
        after = expected | painted if stroke["mode"] == "add" else expected & ~painted
        if (after != expected).any():
            changing.append(stroke["id"])
        expected = after
    opened = Project.open(project)
    with VolumeSession.open(next(opened.volumes()), "test", "command") as session:
        assert np.array_equal(session.annotation.objects[0].mask.full().astype(bool), expected)
        with session._journal.reading() as connection:
            rows = connection.execute("SELECT edit_id FROM entries WHERE tool IN ('brush', 'eraser')")
            assert [row[0] for row in rows] == changing
    assert len(changing) > cases / 2
    assert check_project(opened) == []
