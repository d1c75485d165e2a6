"""The views in a real Chromium, by their pixels: turned, flipped, laid out, walked through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.plain_brush import plain_stroke
from support.served import a_browser, drag, open_volume, record_strokes, served, wait_for_views
from support.shown import greys_at, picture_error, pixels_at, settle, uneven_scan, view_row, voxels_at

pytestmark = pytest.mark.browser

# greys: JPEG, a pixel's breadth, and interpolation in eight bits
CLOSE = 8.0


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("views") / "project"
    made = Project.create(path, Definitions().with_class("spot"))
    volume = made.dataset("ds0", create=True).add_volume("scan", uneven_scan())
    with VolumeSession.open(volume, "test", "command") as session, session.edit("spot", tool="test") as edit:
        edit.add_object(LabelObject("spot"))
    return path


@pytest.fixture(scope="module")
def browser(chromium):
    with a_browser(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(project, browser):
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        # its lines would lie on the pixels that are compared
        page.evaluate("() => trame.state.set('ml_cross_shown', false)")
        yield page
        server.stop()


@pytest.fixture(autouse=True)
def as_on_the_first_day(request):
    yield
    if "page" in request.fixturenames:
        request.getfixturevalue("page").evaluate("() => trame.trigger('default_layout')")


@pytest.mark.parametrize("view", ["axial", "sagittal", "coronal"])
def test_picture_letters_and_voxels_agree_however_a_view_is_turned(page, view) -> None:
    random, image = np.random.default_rng(7), uneven_scan()
    cell = page.locator(f".ml-view[data-view={view}]")
    upright = view_row(page, view)["letters"]
    assert picture_error(page, view, image, random) < CLOSE
    for button in ("Turn right", "Flip horizontally", "Turn left", "Turn left", "Flip vertically"):
        cell.get_by_role("button", name=button, exact=True).click()
        assert picture_error(page, view, image, random) < CLOSE
        row = view_row(page, view)
        assert cell.locator(".ml-left").text_content() == row["letters"]["left"]
        # the letters are where the indices grow
        middle, right, down = voxels_at(row, np.array([[0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]))
        for step, side in ((right - middle, "right"), (down - middle, "bottom")):
            axis = int(np.argmax(np.abs(step)))
            assert row["letters"][side] == ("LR", "PA", "IS")[axis][int(step[axis] > 0)]
    assert view_row(page, view)["letters"] != upright
    cell.get_by_role("button", name="Reset the view").click()
    settle(page)
    assert view_row(page, view)["letters"] == upright


def test_inverting_shows_the_other_grey_and_leaves_the_labels(page) -> None:
    image, points = uneven_scan(), np.random.default_rng(3).uniform(0.3, 0.7, (40, 2))
    page.locator(".ml-view[data-view=axial]").get_by_role("button", name="Invert colours").click()
    settle(page)
    wanted = 255 - greys_at(image, voxels_at(view_row(page, "axial"), points))
    assert np.abs(pixels_at(page, "axial", points).mean(axis=1) - wanted).max() < CLOSE
    page.mouse.move(300, 300)
    page.keyboard.press("Shift+I")
    assert picture_error(page, "axial", image, np.random.default_rng(3)) < CLOSE


def test_a_stroke_in_a_turned_flipped_zoomed_view_changes_the_voxels_under_it(page, project) -> None:
    record_strokes(page)
    page.locator(".ml-object .ml-pick").first.click()
    settle(page)
    for view, buttons in (
        ("axial", ("Turn right", "Flip horizontally")),
        ("coronal", ("Flip vertically", "Turn left")),
    ):
        cell = page.locator(f".ml-view[data-view={view}]")
        for button in buttons:
            cell.get_by_role("button", name=button, exact=True).click()
        page.evaluate("view => trame.trigger('zoom', [view, 1.6, [0.3, 0.4]])", view)
        settle(page)
        before = pixels_at(page, view, np.array([[0.5, 0.5]]))[0]
        drag(page, view, [(0.42, 0.45), (0.5, 0.5), (0.55, 0.62)])
        page.wait_for_function("() => medlabel.outbox.count === 0")
        red, _, blue = pixels_at(page, view, np.array([[0.5, 0.5]]))[0]
        # grey before, and orange over it now
        assert abs(before - before.mean()).max() < 6
        assert red > blue + 15
    strokes = page.evaluate("() => window.sentStrokes")
    page.locator("#ml-save").click()
    page.wait_for_timeout(800)
    volume = Project.open(project).find_volume("scan")
    expected = plain_stroke(volume.geometry(), strokes[0]) | plain_stroke(volume.geometry(), strokes[1])
    with VolumeSession.open(volume, "test", "command", read_only=True) as session:
        mask = session.annotation.objects[0].mask.full().astype(bool)
    assert np.array_equal(mask, expected)
    assert mask.sum() > 50


def test_slices_by_wheel_buttons_keys_and_slider(page) -> None:
    index = lambda: view_row(page, "axial")["index"]  # noqa: E731
    start, image = index(), uneven_scan()
    cell = page.locator(".ml-view[data-view=axial]")
    cell.locator("canvas").hover()
    page.mouse.wheel(0, -100)
    settle(page)
    assert index() == start + 1
    cell.get_by_role("button", name="Previous slice").click()
    settle(page)
    assert index() == start
    cell.get_by_role("button", name="Next slice").click()
    cell.locator("canvas").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    settle(page)
    assert index() == start - 1
    cell.locator(".ml-slider").fill("3")
    settle(page)
    assert index() == 3
    assert cell.locator(".ml-count").text_content() == "4/36"
    assert picture_error(page, "axial", image, np.random.default_rng(1)) < CLOSE
    assert view_row(page, "coronal")["index"] == 30


def test_zoom_in_figures_and_under_the_pointer(page) -> None:
    cell = page.locator(".ml-view[data-view=coronal]")
    zoom = cell.locator(".ml-zoom")
    for percent in ("25", "300", "150"):
        zoom.select_option(percent)
        settle(page)
        assert view_row(page, "coronal")["zoom"] == int(percent)
    box = cell.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    place = np.array([[0.3, 0.4]])
    before = voxels_at(view_row(page, "coronal"), place)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    settle(page)
    row = view_row(page, "coronal")
    assert row["zoom"] > 150
    assert zoom.input_value() == str(row["zoom"])
    assert np.allclose(voxels_at(row, place), before, atol=0.06)
    page.keyboard.press("f")
    settle(page)
    assert view_row(page, "coronal")["zoom"] == 100


def test_layouts_are_chosen_swapped_maximised_and_remembered(project, browser) -> None:
    def views(page) -> list[str]:
        return page.evaluate(
            "() => [...document.querySelectorAll('.ml-view')].map(cell => cell.dataset.view)"
        )

    def filled(page, count: int) -> None:
        page.wait_for_function(
            """count => {
              const images = [...document.querySelectorAll('.ml-area img')];
              return images.length === count && images.every(image => image.naturalWidth > 20);
            }""",
            arg=count,
        )

    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        page.locator("#ml-layout").click()
        page.locator("[data-layout='4x4']").click()
        filled(page, 16)
        assert len(set(views(page))) == 16
        page.locator("#ml-layout").click()
        page.locator("[data-layout='3x2']").click()
        filled(page, 6)
        page.locator(".ml-name[data-view=axial]").click()
        page.get_by_role("menuitemradio", name="Coronal").click()
        page.wait_for_selector(".ml-view[data-view=coronal2]")
        shown = views(page)
        first, last = (
            page.locator(f".ml-view[data-view={view}]").bounding_box() for view in (shown[0], shown[5])
        )
        page.mouse.move(first["x"] + 30, first["y"] + 15)
        page.mouse.down()
        page.mouse.move(last["x"] + 100, last["y"] + 100, steps=5)
        page.mouse.up()
        wanted = [shown[5], *shown[1:5], shown[0]]
        page.wait_for_function(
            """wanted => [...document.querySelectorAll('.ml-view')].map(cell => cell.dataset.view).join()
            === wanted""",
            arg=",".join(wanted),
        )
        page.locator(f".ml-name[data-view={wanted[2]}]").dblclick()
        filled(page, 1)
        assert views(page) == [wanted[2]]
        page.keyboard.press("m")
        filled(page, 6)
        server.stop()
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        filled(page, 6)
        assert views(page) == wanted
        page.locator("#ml-layout").click()
        page.locator("#ml-default-layout").click()
        filled(page, 4)
        assert views(page) == ["axial", "threed", "sagittal", "coronal"]
        page.reload()
        wait_for_views(page)
        filled(page, 4)
        server.stop()
