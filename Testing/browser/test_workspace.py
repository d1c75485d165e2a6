"""The browser's main job in a real Chromium, on a real scan: open, choose, paint, save, and find it again."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedLabelLib.exchange.label_image import label_from_image
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.reading import read_volume
from support.plain_brush import plain_stroke
from support.served import (
    a_browser,
    copy_project,
    drag,
    open_volume,
    record_strokes,
    served,
    until_in_place,
    until_saved,
    until_state,
    wait_for_views,
)

pytestmark = [pytest.mark.browser, pytest.mark.demo]

SDK_READER = """
import json, sys
import numpy as np, supervisely as sly
project = sly.VolumeProject(sys.argv[1], sly.OpenMode.READ)
(dataset,) = list(project.datasets)
name = sys.argv[2]
annotation = sly.VolumeAnnotation.from_json(sly.json.load_json_file(dataset.get_ann_path(name)), project.meta)
(figure,) = annotation.spatial_figures
mask = sly.Mask3D.create_from_file(dataset.get_mask_path(name, figure))
np.save(sys.argv[3], mask.data.astype(np.uint8))
"""


@pytest.fixture(scope="module")
def chest(tmp_path_factory, demo_cache) -> Path:
    """A project with the chest CT and its liver."""
    path = tmp_path_factory.mktemp("chest") / "project"
    project = Project.create(path, Definitions().with_class("liver"))
    image = read_volume(demo_cache.file("chest", "cxr.nii.gz"))
    image.modality = "CT"
    volume = project.dataset("ds0", create=True).add_volume("chest", image)
    mask, _ = label_from_image(volume, demo_cache.file("chest", "mask.nii.gz"), 5)
    with (
        VolumeSession.open(volume, "test", "command") as session,
        session.edit("liver", tool="import") as edit,
    ):
        edit.add_object(LabelObject("liver", mask=mask))
    return path


def _mask(project: Path) -> np.ndarray:
    """The liver as the journal has it; the mask's file follows when editing rests."""
    volume = Project.open(project).find_volume("chest")
    with VolumeSession.open(volume, "test", "command", read_only=True) as session:
        return session.annotation.objects[0].mask.full().astype(bool)


def _medlabel(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "MedLabelApp.command.main", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_stroke_is_the_same_after_a_kill_in_an_export_and_in_the_sdk(
    tmp_path: Path, chest: Path, chromium: str, sdk_python: Path
) -> None:
    project = copy_project(chest, tmp_path / "project")
    before = _mask(project)
    with a_browser(chromium) as browser:
        with served("serve", str(project), "--port", "0") as server:
            page = open_volume(browser, server, "ds0/chest")
            record_strokes(page)
            page.locator(".ml-object .ml-pick").first.click()
            page.wait_for_timeout(300)
            drag(page, "coronal", [(0.3, 0.3), (0.4, 0.35), (0.6, 0.3)])
            page.wait_for_function("() => window.sentStrokes.length === 1 && medlabel.outbox.count === 0")
            page.locator("#ml-save").click()
            until_saved(page)
            (stroke,) = page.evaluate("() => window.sentStrokes")
            server.kill()
        geometry = Project.open(project).find_volume("chest").geometry()
        painted = plain_stroke(geometry, stroke)
        assert stroke["plane"] == "coronal"
        assert painted[:, stroke["index"], :].sum() == painted.sum() > 500
        expected = before | painted
        assert np.array_equal(_mask(project), expected)

        with served("serve", str(project), "--port", "0") as server:
            page = open_volume(browser, server, "ds0/chest")
            title = page.locator(".ml-object .ml-ml").first.text_content()
            assert title == f"{expected.sum() * geometry.voxel_ml:.1f} ml"
            server.stop()
    assert np.array_equal(_mask(project), expected)

    report = _medlabel("export", str(project), str(tmp_path / "nrrd"), "--format", "nrrd")
    assert report["verified"] is True
    (file,) = [name for name in report["files"] if "liver" in Path(name).name]
    exported = sitk.ReadImage(file)
    source = sitk.Image(list(reversed(expected.T.shape)), sitk.sitkUInt8)
    assert exported.GetSize() == source.GetSize()
    lps = np.array(
        [exported.TransformIndexToPhysicalPoint((0, 0, 0)), exported.TransformIndexToPhysicalPoint((9, 7, 5))]
    )
    ijk = np.rint(geometry.lps_to_ijk(lps)).astype(int)
    flips = tuple(slice(None, None, int(np.sign(step))) for step in ijk[1] - ijk[0])
    assert np.array_equal(sitk.GetArrayFromImage(exported).T[flips].astype(bool), expected)

    _medlabel("export", str(project), str(tmp_path / "sly"), "--format", "supervisely")
    script = tmp_path / "read.py"
    script.write_text(SDK_READER)
    subprocess.run(
        [str(sdk_python), str(script), str(tmp_path / "sly"), "chest.nrrd", str(tmp_path / "mask.npy")],
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert np.array_equal(np.load(tmp_path / "mask.npy").astype(bool), expected)


def test_every_plane_paints_where_the_pointer_is_and_the_eraser_takes_back(
    tmp_path: Path, chest: Path, chromium: str
) -> None:
    project = copy_project(chest, tmp_path / "project")
    expected = _mask(project)
    geometry = Project.open(project).find_volume("chest").geometry()
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        record_strokes(page)
        for view in ("axial", "sagittal", "coronal"):
            drag(page, view, [(0.25, 0.25), (0.3, 0.4)])
            page.keyboard.down("Shift")
            drag(page, view, [(0.5, 0.55), (0.6, 0.5)])
            page.keyboard.up("Shift")
        page.wait_for_function("() => window.sentStrokes.length === 6 && medlabel.outbox.count === 0")
        letters = page.locator(".ml-axial .ml-letter").all_text_contents()
        assert letters == ["R", "L", "A", "P"]
        strokes = page.evaluate("() => window.sentStrokes")
        page.locator("#ml-save").click()
        until_saved(page)
        server.stop()
    for stroke in strokes:
        painted = plain_stroke(geometry, stroke)
        expected = expected | painted if stroke["mode"] == "add" else expected & ~painted
    # a quarter from the left of the screen is the patient's right, and i grows toward Right
    assert strokes[0]["path"][0][0] > geometry.shape[0] / 2
    assert strokes[0]["path"][0][1] > geometry.shape[1] / 2
    assert np.array_equal(_mask(project), expected)


def test_the_scan_is_seen_through_the_label(tmp_path: Path, chest: Path, chromium: str) -> None:
    project = copy_project(chest, tmp_path / "project")
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        page.wait_for_timeout(1000)
        view = page.evaluate("() => trame.state.get('ml_views').axial")
        inside = np.argwhere(_mask(project)[:, :, view["index"]])
        middle = inside[np.argmin(((inside - inside.mean(axis=0)) ** 2).sum(axis=1))]
        to_ij = np.reshape(view["matrix"], (3, 3))[:2]
        u, v = np.linalg.solve(to_ij[:, :2], middle - to_ij[:, 2])
        box = page.locator("canvas[data-view=axial]").bounding_box()
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        red, green, blue = picture.getpixel(
            (round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"]))
        )
    # the liver is grey and its label orange: neither the one nor the other alone
    assert red > blue + 15
    assert min(red, green, blue) > 60


def test_a_broken_link_stops_drawing_and_sends_the_unacknowledged_stroke_once(
    tmp_path: Path, chest: Path, chromium: str
) -> None:
    project = copy_project(chest, tmp_path / "project")
    before = _mask(project)
    links = []
    deaf = []

    def between(page) -> None:
        def handle(link) -> None:
            server = link.connect_to_server()
            links.append(link)
            link.on_message(server.send)
            # once deaf, the server hears the page and the page hears nothing: the acknowledgement is lost
            server.on_message(lambda message: None if deaf else link.send(message))
            link.on_close(lambda code, reason: server.close())
            server.on_close(lambda code, reason: link.close())

        page.route_web_socket(re.compile(r"/ws"), handle)

    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest", between)
        deaf.append(True)
        drag(page, "axial", [(0.3, 0.3), (0.35, 0.35)])
        page.wait_for_timeout(700)
        assert page.evaluate("() => medlabel.outbox.count") == 1
        page.evaluate("() => { window.sameDocument = true; }")
        links[-1].close()
        page.wait_for_selector(".ml-broken")
        deaf.clear()
        assert "NOT CONNECTED" in page.locator(".ml-broken").text_content()
        page.wait_for_function("() => !window.sameDocument && window.medlabel && medlabel.outbox")
        wait_for_views(page)
        page.wait_for_function("() => medlabel.outbox.count === 0")
        until_state(page, "s.ml_undo.startsWith('Brush')")
        page.keyboard.press("Control+z")
        until_state(page, "s.ml_redo.startsWith('Brush')")
        server.stop()
    # drawn twice, one undo would leave the first
    assert np.array_equal(_mask(project), before)


def test_a_stroke_waits_until_the_server_knows_the_views_new_form(
    tmp_path: Path, chest: Path, chromium: str
) -> None:
    press = """() => {
      const canvas = document.querySelector('canvas[data-view=axial]');
      const narrow = document.querySelector('.ml-views');
      narrow.style.flex = 'none';
      narrow.style.width = '500px';
      const box = canvas.getBoundingClientRect();
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      const at = {clientX: x, clientY: y, pointerId: 1, button: 0};
      canvas.setPointerCapture = () => undefined;
      canvas.dispatchEvent(new PointerEvent('pointerdown', {...at, bubbles: true}));
      canvas.dispatchEvent(new PointerEvent('pointerup', {...at, bubbles: true}));
    }"""
    with (
        a_browser(chromium) as browser,
        served("serve", str(copy_project(chest, tmp_path / "project")), "--port", "0") as server,
    ):
        page = open_volume(browser, server, "ds0/chest")
        record_strokes(page)
        page.evaluate(press)
        assert "changing its size" in page.locator(".ml-toast").text_content()
        assert page.evaluate("() => window.sentStrokes.length") == 0
        until_in_place(page)
        drag(page, "axial", [(0.5, 0.5), (0.5, 0.5)])
        page.wait_for_function("() => window.sentStrokes.length === 1 && medlabel.outbox.count === 0")
        (stroke,) = page.evaluate("() => window.sentStrokes")
    # the whole slice is fitted, so that the view's middle is the slice's
    assert np.allclose(stroke["path"][0][:2], (255.5, 255.5), atol=1.5)


def test_a_scan_is_labeled_with_no_project_and_kept_beside_it(
    tmp_path: Path, demo_cache, chromium: str
) -> None:
    scan = tmp_path / "head.nrrd"
    scan.write_bytes(demo_cache.file("radiomics", "brain1_image.nrrd").read_bytes())
    with a_browser(chromium) as browser, served("open", str(scan), "--port", "0") as server:
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.goto(server.address)
        wait_for_views(page)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nrrd"]
        page.locator("#ml-new-class").fill("lesion")
        page.locator("#ml-add").click()
        page.wait_for_selector(".ml-object")
        drag(page, "axial", [(0.5, 0.5), (0.55, 0.5)])
        page.wait_for_function("() => medlabel.outbox.count === 0")
        page.locator("#ml-save").click()
        until_saved(page)
        server.stop()
    volume = Project.open(tmp_path / "head labels").find_volume("head")
    (entry,) = volume.read_annotation().objects
    assert entry.class_name == "lesion"
    assert entry.mask.count > 50


def test_the_history_goes_back_and_undo_goes_forth_again(tmp_path: Path, chest: Path, chromium: str) -> None:
    project = copy_project(chest, tmp_path / "project")
    before = _mask(project)
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/chest")
        page.locator("#ml-history").click()
        # the panel has taken room from the views
        page.wait_for_selector(".ml-steps")
        until_in_place(page)
        for at in (0.3, 0.7):
            drag(page, "axial", [(at, 0.1), (at, 0.15)])
            page.wait_for_function("() => medlabel.outbox.count === 0")
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 4")
        names = page.locator(".ml-step-name").all_text_contents()
        assert names[0] == names[1]
        assert re.fullmatch(r"Brush on liver #1, axial \d+", names[0])
        assert names[2] == "liver"
        page.locator(".ml-step").nth(2).click()
        page.locator("#ml-go-there:enabled").click()
        page.wait_for_function("() => document.querySelectorAll('.ml-step').length === 5")
        until_saved(page)
        server.stop()
    assert np.array_equal(_mask(project), before)
    done = _medlabel("undo", str(project), "chest")
    assert done
    assert _mask(project).sum() > before.sum()
