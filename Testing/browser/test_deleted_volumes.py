"""A volume deleted on the projects page is gone, and comes back with its labels and its history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.storage.session import VolumeSession
from support.commands import tree
from support.served import a_browser, served, wait_for_views
from support.small_project import add_small_volume, small_volume

pytestmark = pytest.mark.browser


@pytest.fixture
def project(tmp_path: Path) -> Path:
    volume = small_volume(tmp_path / "project", name="first")
    add_small_volume(volume.dataset.project, name="second")
    with VolumeSession.open(volume, "ada", "command") as session, session.edit("New tumour") as edit:
        key = edit.add_object(LabelObject("tumour")).key
        edit.write_mask(key, Box((2, 2, 2), (8, 8, 5)), np.ones((6, 6, 3), bool))
    return tmp_path / "project"


def labels(project: Path) -> dict[str, str]:
    """The volumes' own files with their hashes."""
    return {name: digest for name, digest in tree(project).items() if not name.startswith(".medlabel")}


def test_a_volume_is_deleted_and_brought_back(project: Path, chromium: str) -> None:
    before = labels(project)
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.goto(server.address)
        page.get_by_role("button", name="Delete first").click()
        page.wait_for_selector("#deleted:visible")
        assert page.locator(".volume").count() == 1
        assert "scans/first was deleted" in page.locator("#message").text_content()
        assert not (project / "scans" / "ann" / "first.nrrd.json").exists()
        page.get_by_role("button", name="Undo: scans/first").click()
        page.wait_for_function("() => document.querySelectorAll('.volume').length === 2")
        assert labels(project) == before

        page.get_by_role("button", name="Delete first").click()
        page.wait_for_selector("#deleted:visible")
        page.reload()
        page.get_by_role("button", name="Bring back: scans/first").click()
        page.wait_for_function("() => document.querySelectorAll('.volume').length === 2")
        assert page.locator("#deleted").is_hidden()
        assert labels(project) == before
        server.stop()


def test_a_volume_that_is_open_is_not_deleted_and_one_left_open_is(project: Path, chromium: str) -> None:
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        context = browser.new_context(viewport={"width": 1500, "height": 900})
        window = context.new_page()
        window.goto(server.address)
        window.locator(".volume[data-volume='scans/first']").click()
        wait_for_views(window)
        page = context.new_page()
        page.goto(server.base)
        page.get_by_role("button", name="Delete first").click()
        page.wait_for_selector("#message:visible")
        assert "could not be deleted" in page.locator("#message").text_content()
        assert "has it open for editing" in page.locator("#message").text_content()
        assert page.locator(".volume").count() == 2
        # its window is closed: what was left waiting for it saves and lets the volume go
        window.close()
        page.wait_for_timeout(500)
        page.get_by_role("button", name="Delete first").click()
        page.wait_for_selector("#deleted:visible", timeout=20_000)
        assert page.locator(".volume").count() == 1
        server.stop()
