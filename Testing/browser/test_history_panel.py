"""The history in a real Chromium: what going back would change is seen before it is done, by its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.commands import medlabel
from support.served import a_browser, copy_project, drag, open_volume, served, until_in_place, until_state
from support.shown import greys_at, pixels_at, settle, uneven_scan, view_row, voxels_at

pytestmark = pytest.mark.browser

# the tumour was the first block; then it lost a part of it and gained another. All cross axial slice 18.
FIRST = Box((8, 12, 10), (26, 40, 26))
LOST = Box((8, 12, 10), (16, 40, 26))
GAINED = Box((26, 20, 10), (36, 36, 26))
NODE = Box((30, 42, 12), (38, 52, 24))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("history") / "project"
    project = Project.create(path, Definitions().with_class("tumour").with_class("node"))
    volume = project.dataset("ds0", create=True).add_volume("scan", uneven_scan())
    with VolumeSession.open(volume, "ada", "command") as session:
        keys = {}
        for name, box in (("tumour", FIRST), ("node", NODE)):
            with session.edit(f"Made {name}", tool="brush") as edit:
                keys[name] = edit.add_object(LabelObject(name)).key
                edit.write_mask(keys[name], box, np.ones(box.shape, bool))
        with session.edit("Reshaped", tool="eraser") as edit:
            edit.set_provenance("interpolated")
            edit.write_mask(keys["tumour"], LOST, np.zeros(LOST.shape, bool))
            edit.write_mask(keys["tumour"], GAINED, np.ones(GAINED.shape, bool))
        with session.edit("Delete node #1", tool="objects") as edit:
            edit.remove_object(keys["node"])
    return path


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return copy_project(made, tmp_path / "project")


@pytest.fixture(scope="module")
def browser(chromium):
    with a_browser(chromium) as browser:
        yield browser


def mask(project: Path, name: str = "tumour") -> np.ndarray | None:
    volume = Project.open(project).find_volume("scan")
    with VolumeSession.open(volume, "test", "command", read_only=True) as session:
        found = [entry for entry in session.annotation.objects if entry.class_name == name]
        return found[0].mask.full().astype(bool) if found else None


def block(*boxes: Box) -> np.ndarray:
    voxels = np.zeros((44, 60, 36), bool)
    for box in boxes:
        voxels[box.slices] = True
    return voxels


NOW = block(FIRST, GAINED) & ~block(LOST)


def open_history(browser, server):
    page = open_volume(browser, server, "ds0/scan")
    page.locator("#ml-history").click()
    page.wait_for_selector(".ml-step")
    until_in_place(page)
    return page


def preview(page, name: str) -> None:
    page.locator(".ml-step", has_text=name).first.click()
    page.wait_for_selector("#ml-preview-sentence")
    settle(page)


def colours_in(page, voxels: np.ndarray, view: str = "axial") -> np.ndarray:
    """The colours well inside a region of the slice that a view shows, shape (n, 3), and the scan's greys."""
    row = view_row(page, view)
    points = np.random.default_rng(5).uniform(0.08, 0.92, (4000, 2))
    at = voxels_at(row, points)
    index = np.rint(at).astype(int)
    inside = ((index >= 1) & (index < np.array(voxels.shape) - 1)).all(axis=1)
    # two voxels from any border, so that outlines stay out
    core = voxels.copy()
    for axis in (0, 1):
        for shift in (-2, 2):
            core &= np.roll(voxels, shift, axis)
    inside[inside] = core[tuple(index[inside].T)]
    assert inside.sum() > 60
    points = points[inside][:300]
    greys = greys_at(uneven_scan(), voxels_at(row, points))
    return pixels_at(page, view, points) - greys[:, None]


def test_the_preview_is_seen_in_the_views_and_cancel_leaves_no_trace(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        page.evaluate("() => trame.trigger('go', ['axial', 18])")
        settle(page)
        gained, lost = block(GAINED), block(LOST)
        kept = block(FIRST) & ~lost
        before = {name: colours_in(page, part) for name, part in (("g", gained), ("l", lost), ("k", kept))}
        threed = page.locator(".ml-view[data-view=threed]").screenshot()
        preview(page, "Made tumour")
        assert (
            page.locator("#ml-preview-sentence")
            .text_content()
            .startswith("tumour #1 gains 10.8 ml and loses 7.68 ml")
        )
        # going back would take the gained part (vermilion) and give the lost one again (blue)
        red, _, blue = colours_in(page, gained).T
        assert np.mean(red - blue) > 25
        red, _, blue = colours_in(page, lost).T
        assert np.mean(blue - red) > 25
        # what stays is outlined only: within, the scan as it is
        assert np.abs(colours_in(page, kept)).mean() < 8
        # the patterns are seen without colour: some pixels are the scan's own, others are not
        for part in (gained, lost):
            apart = np.abs(colours_in(page, part)).max(axis=1)
            assert 0.1 < (apart > 30).mean() < 0.95
        assert page.locator(".ml-view[data-view=threed]").screenshot() != threed
        page.keyboard.press("Escape")
        until_state(page, "s.ml_preview.entry === 0")
        for name, part in (("g", gained), ("l", lost), ("k", kept)):
            assert np.abs(colours_in(page, part) - before[name]).max() < 12
        assert page.locator(".ml-step").count() == 5
        server.stop()
    assert np.array_equal(mask(project), NOW)


def test_go_there_is_one_step_that_the_command_line_undoes(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        preview(page, "Made tumour")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 6")
        assert page.locator(".ml-current .ml-step-name").text_content().startswith("Restore to “Made tumour”")
        server.stop()
    assert np.array_equal(mask(project), block(FIRST))
    assert medlabel("undo", project, "scan").status == 0
    assert np.array_equal(mask(project), NOW)


def test_a_deleted_object_comes_back_alone(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        preview(page, "Made node")
        assert "node #1 comes back with" in page.locator("#ml-preview-sentence").text_content()
        page.get_by_role("button", name="Bring back node #1 alone").click()
        page.wait_for_function("() => document.querySelectorAll('.ml-object').length === 2")
        server.stop()
    assert np.array_equal(mask(project, "node"), block(NODE))
    assert np.array_equal(mask(project), NOW)


def test_the_list_marks_the_place_and_what_was_undone(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        page.locator("canvas[data-view=axial]").hover()
        for _ in range(2):
            page.keyboard.press("Control+z")
        page.wait_for_function("() => document.querySelectorAll('.ml-undone').length === 2")
        names = page.locator(".ml-step-name").all_text_contents()
        assert names == ["Delete node #1", "Reshaped", "Made node", "Made tumour", "First opened"]
        assert page.locator(".ml-undone .ml-step-name").all_text_contents() == names[:2]
        assert page.locator(".ml-current .ml-step-name").all_text_contents() == ["Made node"]
        assert page.locator(".ml-current .ml-step-by").text_content() == "now here · brush · ada · command"
        # an undone step can be gone to as well
        preview(page, "Reshaped")
        page.locator("#ml-go-there").click()
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 6")
        server.stop()
    assert np.array_equal(mask(project), NOW)


def test_no_stroke_while_an_earlier_state_is_shown(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        preview(page, "Made tumour")
        drag(page, "axial", [(0.5, 0.5), (0.55, 0.5)])
        assert "Esc ends that" in page.locator(".ml-toast").text_content()
        assert page.evaluate("() => medlabel.outbox.count") == 0
        page.locator("#ml-end-preview").click()
        until_state(page, "s.ml_preview.entry === 0")
        drag(page, "axial", [(0.7, 0.2), (0.75, 0.2)])
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 6")
        server.stop()


def test_what_was_painted_in_the_browser_is_undone_on_the_command_line(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        drag(page, "coronal", [(0.3, 0.3), (0.7, 0.6)])
        until_state(page, "s.ml_undo.startsWith('Brush on tumour #1, coronal')")
        server.stop()
    painted = mask(project)
    assert painted.sum() > NOW.sum() + 30
    assert medlabel("undo", project, "scan").status == 0
    assert np.array_equal(mask(project), NOW)
    assert medlabel("redo", project, "scan").status == 0
    assert np.array_equal(mask(project), painted)


def test_a_long_history_is_shown_page_by_page(project: Path, browser) -> None:
    volume = Project.open(project).find_volume("scan")
    with VolumeSession.open(volume, "ada", "command", rest_seconds=1000) as session:
        for number in range(230):
            with session.edit(f"Step {number}") as edit:
                box = Box((number % 40, 1, 1), (number % 40 + 1, 2, 2))
                edit.write_mask(session.annotation.objects[0].key, box, np.array([[[number < 40]]]))
                edit.set_volume_tags([])
                if number >= 40:
                    edit.change_object(session.annotation.objects[0].key, extra={"n": number})
    with served("serve", str(project), "--port", "0") as server:
        page = open_history(browser, server)
        assert page.locator(".ml-step").count() == 200
        page.locator("#ml-older").click()
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 235")
        assert page.locator("#ml-older").count() == 0
        assert page.locator(".ml-step-name").last.text_content() == "First opened"
        server.stop()
