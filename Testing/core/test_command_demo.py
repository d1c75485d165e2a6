"""`medlabel demo`: what it makes, that it comes back to what is there, and goes on without what is not."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedLabelApp.browser.describe import Description
from MedLabelApp.demo.background import making_in_background
from MedLabelApp.demo.project import make_demo, open_demo
from MedLabelApp.demo.recipes import CHEST_STRUCTURES, DEMO_VOLUMES
from MedLabelLib.storage.project import Project
from support.commands import medlabel, tree

pytestmark = pytest.mark.demo
VOLUMES = ["ds0/brain1", "ds0/chest", "ds0/lung2", "ds0/phantom"]


@pytest.fixture(scope="module")
def demo(demo_cache, tmp_path_factory) -> Path:
    """The demo project, made by the command out of the scans in the cache."""
    for name in ("radiomics", "chest", "phantom"):
        demo_cache.source(name)
    folder = tmp_path_factory.mktemp("demo") / "demo"
    answer = medlabel("demo", folder, "--json")
    assert answer.status == 0, answer
    assert sorted(answer.document["made"]) == VOLUMES
    assert answer.document["problems"] == []
    return folder


def test_each_volume_has_its_modality_and_its_reference_objects(demo):
    volumes = {volume.label: volume for volume in Project.open(demo).volumes()}
    assert sorted(volumes) == VOLUMES
    assert {label: volume.modality for label, volume in volumes.items()} == {
        "ds0/brain1": "MR",
        "ds0/chest": "CT",
        "ds0/lung2": "CT",
        "ds0/phantom": "CT",
    }
    objects = {label: volume.read_annotation().objects for label, volume in volumes.items()}
    assert [entry.class_name for entry in objects["ds0/chest"]] == list(CHEST_STRUCTURES)
    assert [entry.class_name for entry in objects["ds0/phantom"]] == ["GTV-1"]
    for entry in (entry for entries in objects.values() for entry in entries):
        assert entry.mask.count > 0
        assert [tag.name for tag in entry.tags] == ["reference"]


def test_the_masks_are_the_labels_as_published(demo, demo_cache):
    volumes = {volume.name: volume for volume in Project.open(demo).volumes()}
    for name, file, value in (
        ("lung2", demo_cache.file("radiomics", "lung2_label.nrrd"), 1),
        ("brain1", demo_cache.file("radiomics", "brain1_label.nrrd"), 1),
        ("chest", demo_cache.file("chest", "mask.nii.gz"), 5),
    ):
        published = sitk.DICOMOrient(sitk.ReadImage(str(file)), "LPS")
        # ITK's array is k, j, i toward L, P, S; ours i, j, k toward R, A, S
        expected = sitk.GetArrayViewFromImage(published).transpose(2, 1, 0)[::-1, ::-1] == value
        mask = volumes[name].read_annotation().objects[0].mask
        assert np.array_equal(mask.full() != 0, expected), name


def test_a_second_run_changes_nothing_even_where_the_user_has_labeled(demo, demo_cache):
    label = demo_cache.file("radiomics", "lung2_label.nrrd")
    assert medlabel("label", demo, "lung2", "mine", "--from", label).status == 0
    before = tree(demo)
    answer = medlabel("demo", demo, "--json", environment={"MEDLABEL_CACHE": "/nonexistent/cache"})
    assert answer.status == 0
    assert answer.document["made"] == []
    assert sorted(answer.document["there"]) == VOLUMES
    assert tree(demo) == before


def test_a_source_that_cannot_be_had_is_said_and_stops_no_other(tmp_path, demo_cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # where nothing answers
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    demo_cache.source("radiomics")
    radiomics = [volume for volume in DEMO_VOLUMES if volume.source.name == "radiomics"]
    gone = dataclasses.replace(radiomics[0].source, name="gone", file_name="gone-3.0.1.tar.gz")
    lost = dataclasses.replace(radiomics[0], name="lost", source=gone)
    events = []
    report = make_demo(tmp_path / "demo", events.append, volumes=[lost, radiomics[1]])
    assert report.made == ["ds0/brain1"]
    (problem,) = report.problems
    assert "pyradiomics 3.0.1 could not be fetched" in problem
    assert [event.kind for event in events if event.kind in ("problem", "made")] == ["problem", "made"]
    # the next run takes up what was missing
    again = make_demo(tmp_path / "demo", volumes=radiomics)
    assert (again.made, again.there) == (["ds0/lung2"], ["ds0/brain1"])


def test_demo_fails_where_its_folder_holds_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    answer = medlabel("demo", tmp_path, "--json")
    assert answer.status == 1
    assert sorted(tree(tmp_path)) == ["thesis.txt"]


def test_the_page_shows_what_arrives_and_then_the_volumes(tmp_path, demo_cache):
    for name in ("radiomics", "chest", "phantom"):
        demo_cache.source(name)
    describe = Description(open_demo(tmp_path / "demo"))
    assert describe()["datasets"] == []
    with making_in_background(tmp_path / "demo", lambda event: None) as making:
        assert making.arriving(), "the page asks again only while something arrives"
        deadline = time.monotonic() + 240
        arrived: list[int] = []
        while time.monotonic() < deadline and making.arriving():
            arrived.append(sum(len(dataset["volumes"]) for dataset in describe()["datasets"]))
            time.sleep(0.2)
        assert making.problems() == []
    assert arrived == sorted(arrived)
    assert any(0 < count < 4 for count in arrived), "the first volumes were not there before the last"
    described = describe()
    (dataset,) = described["datasets"]
    assert [volume["name"] for volume in dataset["volumes"]] == ["brain1", "chest", "lung2", "phantom"]
    (tumour,) = dataset["volumes"][2]["objects"]
    assert (tumour["class"], tumour["number"]) == ("tumour", 1)
    assert tumour["color"].startswith("#")
    assert json.loads(json.dumps(described)) == described


def test_the_description_is_read_once_and_shows_a_volume_that_is_damaged(tmp_path, demo, monkeypatch):
    project = Project.open(demo)
    describe = Description(project)
    first = describe()
    reads = []
    monkeypatch.setattr("MedLabelApp.browser.describe.volume_entry", lambda *a: reads.append(a))
    assert describe() == first
    assert reads == []
    monkeypatch.undo()
    annotation = project.find_volume("brain1").annotation_path
    whole = annotation.read_bytes()
    annotation.write_bytes(whole[:100])
    try:
        damaged = describe()
    finally:
        annotation.write_bytes(whole)
    assert [volume["name"] for volume in damaged["datasets"][0]["volumes"]] == ["chest", "lung2", "phantom"]
    assert "brain1" in damaged["problems"][0]
