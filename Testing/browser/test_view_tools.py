"""Crosshair, window, readout, labels' look and the frame in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.served import a_browser, open_volume, served
from support.shown import pixels_at, screenshot, settle, uneven_scan, view_row, voxels_at

pytestmark = pytest.mark.browser

MIDDLE = np.array([[0.5, 0.5]])


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tools") / "project"
    made = Project.create(path, Definitions().with_class("block"))
    volume = made.dataset("ds0", create=True).add_volume("scan", uneven_scan())
    box = Box((12, 18, 10), (30, 40, 26))
    with VolumeSession.open(volume, "test", "command") as session, session.edit("block", tool="test") as edit:
        entry = edit.add_object(LabelObject("block"))
        edit.write_mask(entry.key, box, np.ones(box.shape, bool))
    return path


@pytest.fixture(scope="module")
def browser(chromium):
    with a_browser(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(project, browser):
    with served("serve", str(project), "--port", "0") as server:
        yield open_volume(browser, server, "ds0/scan")
        server.stop()


def _state(page, name: str):
    return page.evaluate("name => trame.state.get(name)", name)


def _click(page, view: str, u: float, v: float) -> tuple[float, float]:
    """Click near a fraction of a view; returns the fraction that was really hit."""
    box = page.locator(f"canvas[data-view={view}]").bounding_box()
    x, y = round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"])
    page.mouse.click(x, y)
    return (x - box["x"]) / box["width"], (y - box["y"]) / box["height"]


def test_a_click_with_the_crosshair_shows_the_same_point_in_every_plane(page) -> None:
    page.keyboard.press("c")
    image = uneven_scan()
    for view, button in (
        ("axial", "Turn right"),
        ("sagittal", "Flip horizontally"),
        ("coronal", "Turn left"),
    ):
        page.locator(f".ml-view[data-view={view}]").get_by_role("button", name=button, exact=True).click()
        settle(page)
        hit = _click(page, view, 0.58, 0.44)
        settle(page)
        wanted = voxels_at(view_row(page, view), np.array([hit]))[0]
        cross = np.array(_state(page, "ml_cross"))
        assert np.allclose(image.geometry.ijk_to_ras(cross), image.geometry.ijk_to_ras(wanted), atol=1e-3)
        for other in ("axial", "sagittal", "coronal"):
            row = view_row(page, other)
            axis = ("sagittal", "coronal", "axial").index(row["plane"])
            assert row["index"] == np.floor(wanted[axis] + 0.5)
            u, v = page.evaluate("([name, ijk]) => medlabel.toView(name, ijk)", [other, cross.tolist()])
            there = voxels_at(row, np.array([[u, v]]))[0]
            inside = [n for n in range(3) if n != axis]
            assert np.allclose(there[inside], cross[inside], atol=1e-6)
            # and the plane in 3D lies there
            assert abs(there[axis] - cross[axis]) <= 0.5
    page.evaluate("() => trame.trigger('default_layout')")


def test_the_arrow_keys_move_the_crosshair_the_way_they_point_and_it_snaps(page) -> None:
    page.keyboard.press("c")
    page.locator("#ml-cross-snap").check()
    _click(page, "axial", 0.5, 0.5)
    settle(page)
    start = np.array(_state(page, "ml_cross"))
    assert (start == np.round(start)).all()
    page.locator("canvas[data-view=axial]").focus()
    # the patient's right is on the left: i falls toward the screen's right
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settle(page)
    assert (np.array(_state(page, "ml_cross")) - start).tolist() == [-1, 1, 0]
    page.keyboard.press("PageUp")
    settle(page)
    assert (np.array(_state(page, "ml_cross")) - start).tolist() == [-1, 1, 1]
    page.locator("#ml-cross-snap").uncheck()
    page.keyboard.press("x")
    settle(page)
    assert _state(page, "ml_cross_shown") is False
    page.keyboard.press("x")


def test_the_readout_says_place_value_unit_and_object(page) -> None:
    image = uneven_scan()
    page.keyboard.press("1")
    page.evaluate("() => trame.trigger('go_to', [[20, 30, 18]])")
    settle(page)
    u, v = page.evaluate("() => medlabel.toView('axial', [20, 30, 18])")
    box = page.locator("canvas[data-view=axial]").bounding_box()
    page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])
    page.wait_for_function(
        "() => document.getElementById('ml-readout').textContent.startsWith('IJK 20 30 18 ')"
    )
    text = page.locator("#ml-readout").text_content()
    right, anterior, superior = image.geometry.ijk_to_ras([20.0, 30.0, 18.0])
    assert f"R {right:.1f} A {anterior:.1f} S {superior:.1f} mm" in text
    assert f"   {image.array[20, 30, 18]} HU   " in text
    assert text.endswith("block #1")
    page.mouse.move(box["x"] + 3, box["y"] + 60)
    page.wait_for_function("() => document.getElementById('ml-readout').textContent === ''")
    assert "44×60×36" in page.locator(".ml-foot").text_content()


def test_windows_by_numbers_presets_drag_and_histogram(page) -> None:
    page.keyboard.press("w")
    page.get_by_role("button", name="Lung", exact=True).click()
    page.wait_for_function("() => trame.state.get('ml_window').join() === '-600,1500'")
    page.locator("#ml-width").fill("300")
    page.locator("#ml-width").press("Enter")
    page.wait_for_function("() => trame.state.get('ml_window').join() === '-600,300'")
    page.locator("#ml-automatic").click()
    page.wait_for_function("() => Math.abs(trame.state.get('ml_window')[0]) < 300")
    before = _state(page, "ml_window")
    chart = page.locator(".ml-histogram").bounding_box()
    low, high = (_state(page, "ml_histogram")[name] for name in ("low", "high"))
    at = chart["x"] + (before[0] - low) / (high - low) * chart["width"]
    page.mouse.move(at, chart["y"] + 20)
    page.mouse.down()
    page.mouse.move(at + chart["width"] / 10, chart["y"] + 20, steps=4)
    page.mouse.up()
    settle(page)
    after = _state(page, "ml_window")
    assert after[0] - before[0] == pytest.approx((high - low) / 10, rel=0.05)
    assert after[1] == pytest.approx(before[1])
    page.locator("#ml-preset-name").fill("mine")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_selector("text=mine")
    box = page.locator("canvas[data-view=axial]").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 100, steps=3)
    page.mouse.up()
    settle(page)
    assert _state(page, "ml_window")[1] > after[1]
    page.get_by_role("button", name="mine", exact=True).click()
    settle(page)
    assert _state(page, "ml_window") == pytest.approx(after)
    shown = page.locator("#ml-window-shown").text_content()
    assert shown == f"W {round(after[1], 1):g} C {round(after[0], 1):g}"
    page.get_by_role("button", name="Forget the preset mine").click()
    page.wait_for_function("() => !trame.state.get('ml_presets').some(preset => preset.own)")


def test_one_key_hides_the_labels_tapped_or_held(page) -> None:
    page.keyboard.press("1")
    page.evaluate("() => trame.trigger('go_to', [[20, 30, 18]])")
    page.evaluate("() => trame.trigger('set_window', [127.5, 255])")
    u, v = page.evaluate("() => medlabel.toView('axial', [16.5, 24.5, 18])")

    def colored() -> bool:
        red, _, blue = pixels_at(page, "axial", np.array([[u, v]]))[0]
        return bool(red > blue + 15)

    assert colored()
    page.keyboard.press("l")
    assert not colored()
    page.keyboard.press("l")
    assert colored()
    page.keyboard.down("l")
    assert not colored()
    page.keyboard.up("l")
    assert colored()
    page.keyboard.press("Shift+L")
    assert not colored()
    assert _state(page, "ml_look")["filled"] is False
    page.keyboard.press("Shift+L")


def test_plain_pixels_show_voxels_as_squares(page) -> None:
    page.evaluate("() => trame.trigger('set_look', [{shown: false}])")
    page.evaluate("() => trame.trigger('zoom', ['axial', 6, [0.5, 0.5]])")
    settle(page)
    row = view_row(page, "axial")
    places = np.column_stack([np.linspace(0.35, 0.65, 80), np.full(80, 0.61)])
    voxel = np.floor(voxels_at(row, places)[:, 0] + 0.5)

    def steps() -> float:
        """The mean change of grey between neighbours that lie in the same voxel."""
        greys = pixels_at(page, "axial", places).mean(axis=1)
        return float(np.abs(np.diff(greys))[np.diff(voxel) == 0].mean())

    smooth = steps()
    page.evaluate("() => trame.trigger('interpolate', [false])")
    assert steps() < smooth / 2
    page.evaluate("() => trame.trigger('interpolate', [true])")
    page.evaluate("() => trame.trigger('set_look', [{shown: true}])")
    page.evaluate("() => trame.trigger('default_layout')")


def test_3d_shows_planes_volume_and_objects_apart_from_2d(page) -> None:
    def picture() -> np.ndarray:
        page.mouse.move(2, 2)
        page.wait_for_timeout(1200)
        box = page.locator(".ml-view[data-view=threed]").bounding_box()
        x, y, w, h = (int(box[name]) for name in ("x", "y", "width", "height"))
        return screenshot(page)[y + 40 : y + h - 10, x + 10 : x + w - 10]

    def changed(before: np.ndarray, after: np.ndarray) -> int:
        return int((np.abs(before - after).max(axis=2) > 30).sum())

    page.locator("#ml-tab-threed").click()
    before = picture()
    for plane in ("axial", "sagittal", "coronal"):
        page.locator(f"[data-plane={plane}]").uncheck()
    bare = picture()
    assert changed(before, bare) > 2000
    # the object alone: its orange, and nothing else
    red, blue = bare[..., 0], bare[..., 2]
    assert (red > blue + 40).sum() > 500
    page.locator("#ml-surfaces-shown").uncheck()
    empty = picture()
    assert ((empty[..., 0] > empty[..., 2] + 40).sum()) == 0
    page.locator("#ml-volume-preset").select_option("CT-MIP")
    assert changed(empty, picture()) > 500
    page.locator("#ml-volume-preset").select_option("")
    assert changed(empty, picture()) < 50
    page.locator("#ml-surfaces-shown").check()
    page.locator("[data-plane=axial]").check()
    front = picture()
    page.locator("[data-direction=S]").click()
    assert changed(front, picture()) > 2000
    for plane in ("sagittal", "coronal"):
        page.locator(f"[data-plane={plane}]").check()


def test_the_map_of_keys_lists_them_all_and_none_is_taken_twice(page) -> None:
    assert page.evaluate("() => medlabel.keyClashes()") == []
    page.locator("canvas[data-view=axial]").focus()
    page.keyboard.press("F1")
    page.wait_for_selector(".ml-sheet")
    listed = page.locator(".ml-key-list dt").all_text_contents()
    assert {"Tool: Brush", "Undo", "Turn the view left", "Hide all labels, held or tapped"} <= set(listed)
    assert len(listed) == page.evaluate("() => medlabel.actions.length + trame.state.get('ml_tools').length")
    page.wait_for_function("() => document.activeElement.id === 'ml-keys-close'")
    page.keyboard.press("Escape")
    page.wait_for_selector(".ml-sheet", state="detached")


def test_theme_panel_and_windows_are_remembered(project, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        page.locator("#ml-more").click()
        page.locator("#ml-theme").click()
        page.keyboard.press("Escape")
        assert page.locator(".ml-menu").count() == 0
        split = page.locator(".ml-split").bounding_box()
        page.mouse.move(split["x"] + 3, 400)
        page.mouse.down()
        page.mouse.move(split["x"] - 97, 400, steps=4)
        page.mouse.up()
        page.keyboard.press("Shift+T")
        settle(page)
        assert page.locator(".ml-main-panel").bounding_box()["width"] == pytest.approx(410, abs=2)
        server.stop()
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        assert page.locator(".ml-main-panel").bounding_box()["width"] == pytest.approx(410, abs=2)
        assert not page.locator(".ml-tools").is_visible()
        ground = page.evaluate("() => getComputedStyle(document.querySelector('.ml-bar')).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        page.keyboard.press("Alt+0")
        settle(page)
        assert page.locator(".ml-tools").is_visible()
        assert page.locator(".ml-main-panel").bounding_box()["width"] == pytest.approx(310, abs=2)
        page.keyboard.press("Alt+t")
        server.stop()
