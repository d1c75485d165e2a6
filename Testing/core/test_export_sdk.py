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
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.storage.project import Project
from support.dicom_files import Series, numbers
from support.grids import random_geometry
from support.projects import add_object, demo_project, random_mask, write_nrrd

pytestmark = pytest.mark.sdk
SDK_DUMP = Path(__file__).resolve().parents[1] / "support" / "sdk_dump.py"


def seen_by_sdk(sdk_python: Path, project: Path, out: Path) -> dict:
    """What the SDK sees in a project: its index, each array loaded."""
    out.mkdir()
    # the SDK writes into its home, and asks nobody for anything with an address that is none
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(out),
        "SERVER_ADDRESS": "http://127.0.0.1:9",
        "API_TOKEN": "0" * 128,
    }
    done = subprocess.run(
        [sdk_python, SDK_DUMP, project, out],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    index = json.loads((out / "index.json").read_text())
    for number, volume in enumerate(index["volumes"]):
        volume["voxels"] = np.load(out / f"volume-{number}.npy")
        for mask in volume["masks"]:
            mask["voxels"] = np.load(out / mask["file"])
    return index


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
