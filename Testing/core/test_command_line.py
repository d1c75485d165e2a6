"""The contract of the command line: JSON, exit statuses, and labels that survive the round trip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedLabelLib.storage.project import Project
from support.commands import medlabel, tree

HEAVY = ("SimpleITK", "vtk", "aiohttp", "pydicom", "trame", "scipy")


def box_image(path: Path, value: int = 7) -> Path:
    array = np.zeros((8, 9, 10), dtype=np.uint8)
    array[2:5, 3:7, 1:9] = value
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.5, 0.5, 2.0))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def labeled(tmp_path) -> tuple[Path, Path]:
    """A project of one volume, and a label image of 96 voxels on its grid."""
    scan = box_image(tmp_path / "scan.nrrd", 100)
    label = box_image(tmp_path / "label.nrrd")
    assert medlabel("init", tmp_path / "project").status == 0
    assert medlabel("import", tmp_path / "project", scan).status == 0
    return tmp_path / "project", label


def test_init_writes_the_classes_and_tags_it_is_given(tmp_path):
    arguments = (
        "--class",
        "liver:mask_3d:#00ff00",
        "--class",
        "node",
        "--tag",
        "grade:oneof_string:low|high",
    )
    answer = medlabel("init", tmp_path / "p", *arguments, "--json")
    assert answer.status == 0
    assert answer.document == {"project": str(tmp_path / "p")}
    definitions = Project.open(tmp_path / "p").definitions
    assert definitions.label_class("liver").color == "#00FF00"
    assert definitions.label_class("node").shape == "mask_3d"
    assert definitions.tag("grade").values == ("low", "high")


@pytest.mark.parametrize(
    "arguments",
    [
        ["init"],
        ["init", "p", "--class", "liver:cube"],
        ["init", "p", "--class", "liver:mask_3d:green"],
        ["init", "p", "--tag", "grade:oneof_string"],
        ["export", "p", "out", "--format", "jpeg"],
        ["serve", "p", "--port", "http"],
        ["paint", "p"],
    ],
)
def test_wrong_usage_is_status_2_and_makes_nothing(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    answer = medlabel(*arguments)
    assert answer.status == 2
    assert answer.lines == []
    assert tree(tmp_path) == {}


def test_init_refuses_a_folder_that_is_in_use(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    answer = medlabel("init", tmp_path, "--json")
    assert (answer.status, list(answer.document)) == (1, ["error"])
    assert tree(tmp_path) == {"thesis.txt": tree(tmp_path)["thesis.txt"]}


def test_label_and_list_give_the_shapes_of_the_design(labeled):
    project, label = labeled
    made = medlabel("label", project, "scan", "cyst", "--from", label, "--json").document
    assert made["voxels"] == 96
    ((dataset,),) = medlabel("list", project, "--json").document.values()
    (volume,) = dataset["volumes"]
    assert {k: volume[k] for k in ("name", "modality", "shape", "spacing", "status", "tags")} == {
        "name": "scan",
        "modality": "",
        "shape": [10, 9, 8],
        "spacing": [0.5, 0.5, 2.0],
        "status": "to do",
        "tags": [],
    }
    assert volume["objects"] == [
        {
            "key": made["object"],
            "class": "cyst",
            "number": 1,
            "voxels": 96,
            "ml": 0.048,
            "tags": [],
            "figures": 0,
        }
    ]


def test_a_label_of_a_value_that_is_not_there_changes_nothing(labeled):
    project, label = labeled
    before = tree(project)
    answer = medlabel("label", project, "scan", "cyst", "--from", label, "--value", "3")
    assert answer.status == 1
    assert "it has: 7" in answer.complaints[0]
    assert tree(project) == before


def test_a_label_on_another_grid_is_resampled_and_said(labeled, tmp_path):
    project, label = labeled
    image = sitk.ReadImage(str(label))
    coarse = sitk.Resample(image, (5, 5, 8), sitk.Transform(), sitk.sitkNearestNeighbor, (0, 0, 0), (1, 1, 2))
    sitk.WriteImage(coarse, str(tmp_path / "coarse.nrrd"))
    answer = medlabel("label", project, "scan", "cyst", "--from", tmp_path / "coarse.nrrd")
    assert answer.status == 0
    assert "resampled" in answer.complaints[0]


@pytest.mark.parametrize("format", ["nrrd", "nifti", "supervisely"])
def test_export_writes_the_files_it_names_and_no_second_time(labeled, tmp_path, format):
    project, label = labeled
    medlabel("label", project, "scan", "cyst", "--from", label)
    answer = medlabel("export", project, tmp_path / "out", "--format", format, "--volume", "scan", "--json")
    assert answer.status == 0
    assert answer.document["verified"] is True
    written = {Path(name) for name in answer.document["files"]}
    assert written == {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    before = tree(tmp_path)
    again = medlabel("export", project, tmp_path / "out", "--format", format)
    assert again.status == 1
    assert tree(tmp_path) == before


def test_an_unknown_volume_is_an_error_that_names_those_there_are(labeled):
    project, label = labeled
    answer = medlabel("label", project, "brain", "cyst", "--from", label, "--json")
    assert answer.status == 1
    assert "ds0/scan" in answer.document["error"]


def test_open_refuses_what_is_no_scan_at_once(tmp_path):
    (tmp_path / "notes.txt").write_text("no scan")
    for name in ("notes.txt", "nowhere.nrrd"):
        answer = medlabel("open", tmp_path / name, "--no-browser", "--json")
        assert answer.status == 1
        assert name in answer.document["error"]


def test_help_loads_nothing_heavy():
    script = (
        "import sys, json; from MedLabelApp.command.main import make_parser; make_parser(); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    )
    assert [name for name in HEAVY if name in loaded] == []
