"""The Supervisely SDK as the oracle: it opens what MedLabel exports, and sees the same voxels."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.dicom_files import Series, numbers
from support.grids import random_geometry
from support.projects import add_object, demo_project, new_project, random_mask, write_nrrd

pytestmark = pytest.mark.sdk
SUPPORT = Path(__file__).resolve().parents[1] / "support"


def seen_by_sdk(sdk_python: Path, project: Path, out: Path) -> dict:
    """What the SDK sees in a project: its index, each array loaded."""
    out.mkdir()
    run_sdk(sdk_python, out, SUPPORT / "sdk_dump.py", project, out)
    index = json.loads((out / "index.json").read_text())
    for number, volume in enumerate(index["volumes"]):
        volume["voxels"] = np.load(out / f"volume-{number}.npy")
        for mask in volume["masks"]:
            mask["voxels"] = np.load(out / mask["file"])
    return index


def run_sdk(sdk_python: Path, home: Path, *command: Path) -> None:
    # the SDK writes into its home, and asks nobody for anything with an address that is none
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "SERVER_ADDRESS": "http://127.0.0.1:9",
        "API_TOKEN": "0" * 128,
    }
    done = subprocess.run(
        [sdk_python, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def check_same(index: dict, project: Project) -> None:
    ours = {(volume.dataset.name, volume.file_name): volume for volume in project.volumes()}
    assert {(v["dataset"], v["name"]) for v in index["volumes"]} == set(ours)
    assert index["classes"] == [entry.name for entry in project.definitions.classes]
    for seen in index["volumes"]:
        volume = ours[seen["dataset"], seen["name"]]
        annotation = volume.read_annotation()
        assert np.array_equal(seen["voxels"], volume.read_image().array)
        assert seen["objects"] == len(annotation.objects)
        assert seen["tags"] == sorted(tag.name for tag in annotation.tags)
        masks = {mask["object"]: mask for mask in seen["masks"]}
        assert set(masks) == {entry.key for entry in annotation.objects if entry.mask is not None}
        for entry in annotation.objects:
            if entry.mask is not None:
                assert masks[entry.key]["class"] == entry.class_name
                assert np.array_equal(masks[entry.key]["voxels"] != 0, entry.mask.full() != 0)


def test_scans_and_masks_of_every_kind_of_grid(tmp_path, sdk_python):
    random = np.random.default_rng(8)
    definitions = Definitions().with_class("a").with_class("b").with_tag(TagDefinition("seen"))
    project = Project.create(tmp_path / "p", definitions)
    for number, kind in enumerate(["even", "even", "sheared"]):
        geometry = random_geometry(random, kind)
        scan = write_nrrd(tmp_path / f"{kind}{number}.nrrd", numbers(geometry.shape), geometry)
        import_sources(project, [scan])
    Series(numbers((6, 7, 8)), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)).write(tmp_path / "ct")
    import_sources(project, [tmp_path / "ct"], "other")
    for volume in project.volumes():
        for name in "aba":
            add_object(volume, name, random_mask(random, volume.geometry().shape))
        annotation = volume.read_annotation()
        annotation.tags.append(Tag("seen"))
        volume.write_annotation(annotation)
    export_project(project, tmp_path / "out", "supervisely")
    check_same(seen_by_sdk(sdk_python, tmp_path / "out", tmp_path / "seen"), project)


@pytest.mark.demo
def test_every_demo_volume(tmp_path, sdk_python, demo_cache):
    project = demo_project(tmp_path / "p", demo_cache)
    export_project(project, tmp_path / "out", "supervisely")
    index = seen_by_sdk(sdk_python, tmp_path / "out", tmp_path / "seen")
    assert len(index["volumes"]) == 4
    assert sum(len(volume["masks"]) for volume in index["volumes"]) == 6
    check_same(index, project)


def test_all_masks_of_an_object_come_from_a_project_of_the_sdk(tmp_path, sdk_python):
    run_sdk(sdk_python, tmp_path, SUPPORT / "sdk_project.py", tmp_path / "theirs")
    seen = seen_by_sdk(sdk_python, tmp_path / "theirs", tmp_path / "seen")["volumes"][0]
    assert len(seen["masks"]) == 4
    expected: dict[str, np.ndarray] = {}
    for mask in seen["masks"]:
        expected[mask["object"]] = expected.get(mask["object"], 0) | (mask["voxels"] != 0)
    report = import_sources(new_project(tmp_path / "p"), [tmp_path / "theirs"])
    annotation = report.added[0].read_annotation()
    found = {entry.key: entry.mask.full() for entry in annotation.objects}
    assert sorted(found) == sorted(expected)
    assert [int(mask.sum()) for mask in found.values()] == [12, 4]
    for key, voxels in expected.items():
        assert np.array_equal(found[key], voxels)
    assert "spatialFigures" not in annotation.extra
    said = [sentence for _, sentence in report.warnings if "further mask of lesion#1" in sentence]
    assert len(said) == 2
    # the files of the original stay, and a missing one is no reason to lose the rest silently
    lost = next(path for path in (tmp_path / "theirs").rglob("mask/*/*.nrrd"))
    lost.unlink()
    report = import_sources(new_project(tmp_path / "again"), [tmp_path / "theirs"])
    assert report.added == []
    assert [path for path, _ in report.failed] == [lost]


def test_further_masks_of_a_project_opened_in_its_place_stay_through_edits(tmp_path, sdk_python):
    run_sdk(sdk_python, tmp_path, SUPPORT / "sdk_project.py", tmp_path / "theirs")
    before = seen_by_sdk(sdk_python, tmp_path / "theirs", tmp_path / "before")["volumes"][0]["masks"]
    (volume,) = Project.open(tmp_path / "theirs").volumes()
    with VolumeSession.open(volume, author="ada", face="test") as session:
        key = session.annotation.objects[0].key
        with session.edit("all", tool="brush") as edit:
            edit.write_mask(key, Box((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), dtype=bool))
        session.undo()
    export_project(Project.open(tmp_path / "theirs"), tmp_path / "out", "supervisely")
    for number, path in enumerate((tmp_path / "theirs", tmp_path / "out")):
        after = seen_by_sdk(sdk_python, path, tmp_path / f"after{number}")["volumes"][0]["masks"]
        assert len(after) == len(before) == 4
        for mask in before:
            assert any(
                mask["object"] == other["object"] and np.array_equal(mask["voxels"], other["voxels"])
                for other in after
            )
