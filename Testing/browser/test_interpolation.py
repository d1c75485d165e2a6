"""Interpolating in a real Chromium: slices drawn with the mouse, a preview that follows, apply, cancel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MedLabelInterpolateLib.labels import SessionLabels
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.reading import read_volume
from support.served import a_browser, copy_project, drag, open_volume, served

pytestmark = [pytest.mark.browser, pytest.mark.demo]

GREEN = "#00FF00"


@pytest.fixture(scope="module")
def chest(tmp_path_factory, demo_cache) -> Path:
    """A project with the chest CT and an object that is drawn nowhere yet."""
    path = tmp_path_factory.mktemp("chest") / "project"
    project = Project.create(path, Definitions((LabelClass("lesion", color=GREEN),)))
    image = read_volume(demo_cache.file("chest", "cxr.nii.gz"))
    image.modality = "CT"
    volume = project.dataset("ds0", create=True).add_volume("chest", image)
    with VolumeSession.open(volume, "test", "command") as session, session.edit("New lesion") as edit:
        edit.add_object(LabelObject("lesion"))
    return path


def labels(project: Path) -> np.ndarray:
    with VolumeSession.open(Project.open(project).find_volume("chest"), "t", "command", read_only=True) as s:
        mask = s.annotation.objects[0].mask
        return np.zeros((0, 0, 0), bool) if mask is None else mask.full().astype(bool)


def steps(project: Path) -> list[str]:
    with VolumeSession.open(Project.open(project).find_volume("chest"), "t", "command", read_only=True) as s:
        return [entry.name for entry in s.history()]


def sent(page) -> None:
    page.wait_for_function("() => medlabel.outbox.count === 0")
    page.wait_for_timeout(200)


def go(page, view: str, index: int) -> None:
    page.evaluate("([view, index]) => medlabel.go(view, index)", [view, index])
    page.wait_for_function(
        "([view, index]) => trame.state.get('ml_views')[view].index === index", arg=[view, index]
    )


def draw_three_slices(page) -> list[int]:
    page.locator(".ml-object .ml-pick").first.click()
    page.evaluate("() => trame.state.set('ml_radius', 25)")
    for index, at in ((50, 0.50), (58, 0.53), (66, 0.50)):
        go(page, "axial", index)
        drag(page, "axial", [(at - 0.05, 0.5), (at + 0.05, 0.5)])
        sent(page)
    # the middle of what was drawn, in the coronal view
    state = page.evaluate("() => trame.state.get('ml_views').axial")
    i, j, _ = np.reshape(state["matrix"], (3, 3)) @ (0.5, 0.5, 1.0)
    go(page, "coronal", round(j))
    return [round(i), round(j)]


def by_shape(page) -> None:
    """What is drawn here is no organ: nothing in the scan could guide it."""
    page.locator("#ml-interp-method").select_option("shape")
    page.wait_for_function("() => trame.state.get('ml_interp_method') === 'shape'")
    page.locator("canvas[data-view=axial]").focus()


def preview(page) -> dict:
    page.wait_for_function(
        "() => { const now = trame.state.get('ml_interp'); return now.open && !now.busy && now.gaps.length"
        " && now.gaps.every((gap) => gap.error !== null); }",
        timeout=30_000,
    )
    return page.evaluate("() => trame.state.get('ml_interp')")


def green_share(page, ijk: tuple[int, int, int]) -> float:
    """The share of pixels of the label's colour around a voxel in the coronal view, once it is still."""
    page.wait_for_timeout(900)
    view = page.evaluate("() => trame.state.get('ml_views').coronal")
    matrix = np.reshape(view["matrix"], (3, 3))[[0, 2]]
    u, v = np.linalg.solve(matrix[:, :2], np.array([ijk[0], ijk[2]]) - matrix[:, 2])
    box = page.locator("canvas[data-view=coronal]").bounding_box()
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    x, y = round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"])
    part = picture[y - 3 : y + 4, x - 18 : x + 19]
    return float((part[..., 1] > part[..., 0] + 40).mean())


def test_a_preview_is_seen_follows_is_applied_in_one_step_and_undone(
    tmp_path: Path, chest: Path, chromium: str
) -> None:
    project = copy_project(chest, tmp_path / "project")
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        i, j = draw_three_slices(page)
        drawn = labels(project)
        before = steps(project)
        assert sorted(np.flatnonzero(drawn.any(axis=(0, 1)))) == [50, 58, 66]
        assert green_share(page, (i, j, 54)) == 0

        page.keyboard.press("Control+i")
        by_shape(page)
        now = preview(page)
        assert now["axis"] == "axial"
        assert now["keys"] == [50, 58, 66]
        assert [(gap["from"], gap["to"]) for gap in now["gaps"]] == [(51, 57), (59, 65)]
        hatched = green_share(page, (i, j, 54))
        # lines, with the scan between them
        assert 0.1 < hatched < 0.8
        assert np.array_equal(labels(project), drawn)

        # a gap that is left is shown no more
        page.get_by_role("radio", name="leave").first.click()
        page.wait_for_function("() => trame.state.get('ml_interp').gaps[0].choice === 'leave'")
        assert green_share(page, (i, j, 54)) < hatched / 3
        page.get_by_role("radio", name="accept").first.click()

        # a key slice that is erased where the view looks takes the preview with it, and only beside it
        go(page, "axial", 50)
        page.evaluate("() => trame.state.set('ml_radius', 60)")
        page.keyboard.down("Shift")
        drag(page, "axial", [(0.5, 0.5), (0.5, 0.52)])
        page.keyboard.up("Shift")
        sent(page)
        page.wait_for_function("() => trame.state.get('ml_interp').gaps.length === 1")
        assert green_share(page, (i, j, 54)) == 0
        assert green_share(page, (i, j, 62)) > 0.1
        page.keyboard.press("Control+z")
        page.wait_for_function("() => trame.state.get('ml_interp').gaps.length === 2")
        preview(page)
        assert green_share(page, (i, j, 54)) > 0.1
        assert np.array_equal(labels(project), drawn)

        page.locator("#ml-interp-apply").click()
        page.wait_for_function("() => !trame.state.get('ml_interp').open")
        applied = labels(project)
        assert sorted(np.flatnonzero(applied.any(axis=(0, 1)))) == list(range(50, 67))
        assert np.array_equal(applied[:, :, [50, 58, 66]], drawn[:, :, [50, 58, 66]])
        assert green_share(page, (i, j, 54)) == 1
        assert len(steps(project)) == len(before) + 2
        page.keyboard.press("Control+z")
        page.wait_for_function("() => trame.state.get('ml_redo').startsWith('Interpolate lesion #1')")
        assert np.array_equal(labels(project), drawn)
        assert green_share(page, (i, j, 54)) == 0
        server.stop()
    # the same voxels as without a face
    volume = Project.open(project).find_volume("chest")
    with VolumeSession.open(volume, "test", "command") as session:
        image = volume.read_image()
        key = session.annotation.objects[0].key
        live = LiveInterpolation(SessionLabels(session), image.geometry, image.array, [key], method="shape")
        live.compute()
        live.apply()
    assert np.array_equal(labels(project), applied)


def test_brush_and_eraser_work_on_the_preview_and_cancelling_leaves_no_trace(
    tmp_path: Path, chest: Path, chromium: str
) -> None:
    project = copy_project(chest, tmp_path / "project")
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        i, j = draw_three_slices(page)
        drawn, before = labels(project), steps(project)
        page.locator("#ml-interpolate").click()
        by_shape(page)
        preview(page)
        go(page, "axial", 54)
        page.evaluate("() => trame.state.set('ml_radius', 40)")
        page.keyboard.down("Shift")
        drag(page, "axial", [(0.4, 0.5), (0.6, 0.5)])
        page.keyboard.up("Shift")
        sent(page)
        page.wait_for_function("() => trame.state.get('ml_interp').keys.includes(54)")
        preview(page)
        assert green_share(page, (i, j, 54)) == 0
        assert np.array_equal(labels(project), drawn)
        assert steps(project) == before
        page.keyboard.press("Control+z")
        page.wait_for_function("() => !trame.state.get('ml_interp').keys.includes(54)")
        preview(page)
        assert green_share(page, (i, j, 54)) > 0.1

        # while the button is down the preview follows the brush, and nothing is drawn yet
        go(page, "axial", 58)
        page.evaluate("() => trame.state.set('ml_radius', 25)")
        view = page.evaluate("() => trame.state.get('ml_views').axial")
        beside = round((np.reshape(view["matrix"], (3, 3)) @ (0.8, 0.5, 1.0))[0])
        assert green_share(page, (beside, j, 60)) == 0
        box = page.locator("canvas[data-view=axial]").bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.7 * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.8 * box["width"], y, steps=6)
        assert green_share(page, (beside, j, 60)) > 0.1
        assert np.array_equal(labels(project), drawn)
        page.mouse.up()
        sent(page)
        assert len(steps(project)) == len(before) + 1
        page.keyboard.press("Control+z")
        page.wait_for_timeout(500)
        before = steps(project)
        preview(page)
        assert green_share(page, (beside, j, 60)) == 0

        # the key for the slice to draw next goes to a slice in the middle of a gap
        page.keyboard.press("j")
        following = page.evaluate("() => trame.state.get('ml_interp').next")
        page.wait_for_function(
            "(index) => trame.state.get('ml_views').axial.index === index", arg=following["index"]
        )
        assert following["plane"] == "axial"
        assert following["index"] in (*range(51, 58), *range(59, 66))

        page.locator("#ml-interp-cancel").click()
        page.wait_for_function("() => !trame.state.get('ml_interp').open")
        assert green_share(page, (i, j, 54)) == 0
        assert np.array_equal(labels(project), drawn)
        assert steps(project) == before
        server.stop()
    assert np.array_equal(labels(project), drawn)


def test_what_cannot_be_interpolated_is_said_in_the_panel(tmp_path: Path, chest: Path, chromium: str) -> None:
    project = copy_project(chest, tmp_path / "project")
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        page.keyboard.press("Control+i")
        page.wait_for_selector(".ml-interp-failure")
        assert page.locator(".ml-interp-failure").text_content() == "lesion #1 is drawn on no slice."
        assert page.locator("#ml-interp-apply").is_disabled()
        page.locator("#ml-interp-method").press("ArrowDown")
        page.keyboard.press("Control+i")
        page.wait_for_function("() => !trame.state.get('ml_interp').open")
        server.stop()
