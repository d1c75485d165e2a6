"""Two who open one volume, through the real processes; and what the page says of how an object came about."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.served import a_browser, copy_project, drag, open_volume, served, until_saved, until_state
from support.shown import uneven_scan

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A tumour drawn on axial slices 5 and 9, interpolated between, continued by a model."""
    path = tmp_path_factory.mktemp("two") / "project"
    project = Project.create(path, Definitions().with_class("tumour").with_class("node"))
    volume = project.dataset("ds0", create=True).add_volume("scan", uneven_scan())
    with VolumeSession.open(volume, "ada", "command") as session:
        with session.edit("New tumour") as edit:
            key = edit.add_object(LabelObject("tumour")).key
        for kind, first, last in (
            ("drawn", 5, 5),
            ("drawn", 9, 9),
            ("interpolated", 6, 8),
            ("model", 10, 14),
        ):
            with session.edit(f"{kind} {first}") as edit:
                edit.set_provenance(kind, "lungs 1.2" if kind == "model" else None)
                box = Box((10, 15, first), (30, 45, last + 1))
                edit.write_mask(key, box, np.ones(box.shape, bool))
    return path


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return copy_project(made, tmp_path / "project")


@pytest.fixture(scope="module")
def browser(chromium):
    with a_browser(chromium) as browser:
        yield browser


def count(project: Path) -> int:
    volume = Project.open(project).find_volume("scan")
    with VolumeSession.open(volume, "test", "command", read_only=True) as session:
        return session.annotation.objects[0].mask.count


def test_the_second_looks_takes_over_and_the_first_learns_it_at_once(project: Path, browser) -> None:
    before = count(project)
    with (
        served("serve", str(project), "--port", "0") as one,
        served("serve", str(project), "--port", "0") as two,
    ):
        first = open_volume(browser, one, "ds0/scan")
        drag(first, "axial", [(0.2, 0.2), (0.3, 0.2)])
        until_state(first, "s.ml_undo.startsWith('Brush')")
        assert first.locator(".ml-locked").count() == 0

        second = open_volume(browser, two, "ds0/scan")
        said = second.locator(".ml-locked").text_content()
        assert "Read only" in said
        assert "(browser, process" in said
        drag(second, "axial", [(0.7, 0.7), (0.8, 0.7)])
        assert "Read only" in second.locator(".ml-toast").text_content()

        second.locator("#ml-take-over").click()
        second.wait_for_function("() => !document.querySelector('.ml-locked')")
        # the first neither draws nor asks anything, and is told all the same
        first.wait_for_selector(".ml-locked", timeout=5000)
        assert "taken over by" in first.locator(".ml-locked").text_content()
        drag(first, "axial", [(0.4, 0.2), (0.5, 0.2)])
        assert "Read only" in first.locator(".ml-toast").text_content()

        # what the first had done is there, and the second goes on from it
        taken = count(project)
        assert taken > before
        drag(second, "axial", [(0.2, 0.8), (0.3, 0.8)])
        second.wait_for_function("() => medlabel.outbox.count === 0")
        second.locator("#ml-save").click()
        until_saved(second)
        assert count(project) > taken

        first.locator("#ml-take-over").click()
        first.wait_for_function("() => !document.querySelector('.ml-locked')")
        until_state(first, f"s.ml_objects[0].voxels === {count(project)}")
        second.wait_for_selector(".ml-locked", timeout=5000)
        one.stop()
        two.stop()


def test_a_killed_server_holds_nothing(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as one:
        page = open_volume(browser, one, "ds0/scan")
        drag(page, "axial", [(0.2, 0.2), (0.3, 0.2)])
        until_state(page, "s.ml_undo.startsWith('Brush')")
        painted = count(project)
        one.kill()
    with served("serve", str(project), "--port", "0") as two:
        page = open_volume(browser, two, "ds0/scan")
        assert page.locator(".ml-locked").count() == 0
        until_state(page, f"s.ml_undo.startsWith('Brush') && s.ml_objects[0].voxels === {painted}")
        two.stop()


def test_the_page_says_not_saved_and_why_and_saves_later(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        drag(page, "axial", [(0.2, 0.2), (0.3, 0.2)])
        until_saved(page)
        assert page.locator("#ml-saved").text_content().startswith("saved at ")
        before = count(project)
        # another process keeps the journal locked for longer than MedLabel waits
        with sqlite3.connect(project / ".medlabel" / "journal.sqlite3", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            drag(page, "axial", [(0.5, 0.2), (0.6, 0.2)])
            page.wait_for_function(
                "() => document.getElementById('ml-saved').textContent.startsWith('NOT SAVED: ')",
                timeout=20_000,
            )
            assert page.locator("#ml-saved.ml-alarm").count() == 1
            assert page.evaluate("() => medlabel.outbox.count") == 1
            other.execute("ROLLBACK")
        # nothing more is done: the stroke that could not be kept comes by itself
        page.wait_for_function("() => medlabel.outbox.count === 0", timeout=20_000)
        until_saved(page)
        server.stop()
    assert count(project) > before


def test_provenance_is_in_the_objects_panel_and_along_the_sliders(project: Path, browser) -> None:
    with served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds0/scan")
        page.locator(".ml-object .ml-pick").first.click()
        page.wait_for_selector(".ml-origin")
        summary = page.locator(".ml-origin").first.text_content()
        assert summary.startswith("axial 2 drawn · 3 interpolated · 5 by a model · ada ")
        marks = page.locator(".ml-view[data-view=axial] .ml-mark")
        told = [(m.get_attribute("data-kind"), m.locator("title").text_content()) for m in marks.all()]
        assert [kind for kind, _ in told] == ["drawn", "interpolated", "drawn", "model"]
        assert told[1][1].startswith("axial 7–9 interpolated, ada, 20")
        assert told[3][1].startswith("axial 11–15 by the model lungs 1.2, ada, 20")
        heights = {m.get_attribute("data-kind"): m.bounding_box()["height"] for m in marks.all()}
        assert heights["drawn"] > heights["model"] > heights["interpolated"] + 2
        # a mark stands over the slider's thumb when its slice is shown
        box = marks.nth(3).bounding_box()
        slider = page.locator(".ml-view[data-view=axial] .ml-slider").bounding_box()
        thumb = slider["x"] + 8 + (slider["width"] - 16) * 12 / 35
        assert abs(box["x"] + box["width"] / 2 - thumb) < 3
        assert page.locator(".ml-view[data-view=coronal] .ml-mark").count() > 0

        page.evaluate("() => trame.trigger('go', ['axial', 20])")
        page.wait_for_timeout(300)
        drag(page, "axial", [(0.5, 0.5), (0.52, 0.5)])
        page.wait_for_function(
            "() => document.querySelector('.ml-origin').textContent.startsWith('axial 3 drawn')"
        )
        assert marks.last.locator("title").text_content().startswith("axial 21 drawn, ")
        server.stop()
