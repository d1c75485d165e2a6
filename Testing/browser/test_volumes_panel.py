"""From volume to volume in a real Chromium, and the state of the work as everybody sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from support.commands import medlabel_here
from support.served import a_browser, open_volume, served, until_state, wait_for_views

pytestmark = pytest.mark.browser
SHAPE = (40, 44, 20)


@pytest.fixture
def project(tmp_path) -> Path:
    """Volumes alpha, beta and gamma, small; beta has a lesion."""
    definitions = Definitions(
        (LabelClass("lesion"),),
        (TagDefinition("quality", "oneof_string", ("good", "poor"), extra={"medlabelRequired": True}),),
    )
    made = Project.create(tmp_path / "p", definitions)
    geometry = VolumeGeometry(SHAPE, np.diag([1.0, 1.0, 2.0, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, SHAPE))
    array = np.asfortranarray(np.random.default_rng(1).integers(-500, 500, SHAPE).astype(np.int16))
    for name in ("alpha", "beta", "gamma"):
        volume = made.dataset("ds", create=True).add_volume(name, VolumeImage(array, geometry, source, "CT"))
        with VolumeSession.open(volume, "ada", "command") as session:
            if name == "beta":
                with session.edit("New lesion") as edit:
                    edit.add_object(LabelObject("lesion"))
    return made.path


def listed(project: Path) -> dict[str, dict]:
    (dataset,) = medlabel_here("list", project, "--json").document["datasets"]
    return {volume["name"]: volume for volume in dataset["volumes"]}


def test_the_next_volume_of_the_filtered_list_opens_in_the_same_window(project: Path, chromium: str) -> None:
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds/alpha")
        until_state(page, "s.ml_volumes.total === 3")
        assert page.locator("#ml-at").text_content() == "1 of 3"
        assert page.locator("#ml-before").is_disabled()
        page.locator("#ml-after").click()
        page.wait_for_function("() => document.getElementById('ml-title')?.textContent === 'beta'")
        wait_for_views(page)
        until_state(page, "s.ml_volumes.at === 2")
        page.keyboard.press("Alt+ArrowRight")
        page.wait_for_function("() => document.getElementById('ml-title')?.textContent === 'gamma'")
        wait_for_views(page)
        until_state(page, "s.ml_volumes.at === 3")
        page.locator("#ml-tab-volumes").click()
        page.locator("#ml-find").fill("lesion")
        until_state(page, "s.ml_volumes.total === 1 && s.ml_volumes.at === 0")
        page.locator(".ml-volume[data-volume='ds/beta']").click()
        page.wait_for_function("() => document.getElementById('ml-title')?.textContent === 'beta'")
        server.stop()


def test_status_and_tags_are_kept_refused_where_they_must_be_and_seen_by_the_other_window(
    project: Path, chromium: str
) -> None:
    with a_browser(chromium) as browser, served("serve", str(project), "--port", "0") as server:
        page = open_volume(browser, server, "ds/alpha")
        until_state(page, "s.ml_work.status === 'to do'")
        other = open_volume(browser, server, "ds/gamma")
        other.locator("#ml-tab-volumes").click()
        page.locator("#ml-status").select_option("in review")
        other.wait_for_function(
            "() => document.querySelector(\"[data-volume='ds/alpha']\").textContent.includes('in review')"
        )
        # without its required tag the volume cannot be done, and says so
        page.locator("#ml-status").select_option("done")
        page.wait_for_selector(".ml-toast >> text=needs the tags quality")
        page.wait_for_function("() => document.getElementById('ml-status').value === 'in review'")
        page.locator("#ml-new-tag").select_option("quality")
        page.get_by_label("Value of the tag").select_option("poor")
        page.locator("#ml-put-tag").click()
        until_state(page, "s.ml_work.tags.length === 1")
        page.locator("#ml-status").select_option("done")
        until_state(page, "s.ml_work.status === 'done'")
        page.locator("#ml-assignee").fill("bea")
        page.keyboard.press("Enter")
        until_state(page, "s.ml_work.assignee === 'bea'")
        other.wait_for_function(
            "() => document.querySelector(\"[data-volume='ds/alpha']\").textContent.includes('quality poor')"
        )
        page.keyboard.press("Control+z")
        until_state(page, "s.ml_work.assignee === ''")
        server.stop()
    volume = listed(project)["alpha"]
    assert volume["status"] == "done"
    assert volume["tags"] == [{"name": "quality", "value": "poor"}]
    names = [row["name"] for row in medlabel_here("log", project, "ds/alpha", "--json").document["entries"]]
    assert "Tag quality=poor" in names
    assert "Status: done" in names
