"""``medlabel interpolate`` as a script calls it: the contract, what it journals, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelInterpolateLib.labels import SessionLabels
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.commands import medlabel
from support.small_project import small_volume

SHAPE = (40, 36, 24)


def ball(keys: range, axis: int = 2) -> Mask:
    """Every n-th slice of a ball."""
    centre, radius = (20, 18, 12), 10
    grid = np.indices(SHAPE)
    inside = sum((grid[a] - centre[a]) ** 2 for a in range(3)) <= radius**2
    drawn = np.zeros(SHAPE, bool)
    for key in keys:
        cut = tuple(key if a == axis else slice(None) for a in range(3))
        drawn[cut] = inside[cut]
    return Mask.from_array(drawn)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An imported label of every fourth axial slice, one of every fifth sagittal, one slice, none."""
    volume = small_volume(tmp_path / "study", SHAPE)
    with VolumeSession.open(volume, "ada", "command") as session, session.edit("import") as edit:
        for mask in (ball(range(4, 22, 4)), ball(range(12, 30, 5), axis=0), ball(range(12, 13)), None):
            edit.add_object(LabelObject("tumour", mask=mask))
    return tmp_path / "study"


def voxels(project: Path, number: int) -> np.ndarray:
    annotation = Project.open(project).find_volume("scan").read_annotation()
    return annotation.find(f"tumour#{number}").mask.full().astype(bool)


def test_it_fills_as_the_design_says_and_journals_what_it_did(project: Path) -> None:
    before = voxels(project, 1)
    answer = medlabel("interpolate", project, "scan", "tumour#1", "--json")
    assert answer.status == 0
    document = answer.document
    after = voxels(project, 1)
    assert document["axis"] == "axial"
    assert document["filled"] == after.sum() - before.sum() > 1000
    assert [(gap["before"], gap["after"]) for gap in document["gaps"]] == [
        (4, 8),
        (8, 12),
        (12, 16),
        (16, 20),
    ]
    assert np.array_equal(after[:, :, range(4, 22, 4)], before[:, :, range(4, 22, 4)])
    newest = medlabel("log", project, "scan", "--json").document["entries"][-1]
    assert (newest["tool"], newest["provenance"]) == ("interpolate", "interpolated")
    assert "Interpolate tumour #1, axial" in newest["name"]
    assert medlabel("undo", project, "scan").status == 0
    assert np.array_equal(voxels(project, 1), before)


def test_the_axis_is_found_or_named(project: Path) -> None:
    assert medlabel("interpolate", project, "scan", "tumour#2", "--json").document["axis"] == "sagittal"
    refused = medlabel("interpolate", project, "scan", "tumour#1", "--axis", "coronal", "--json")
    assert refused.status == 1
    assert "no slice in the coronal plane" in refused.document["error"]


def test_several_objects_are_filled_together_in_one_step(project: Path) -> None:
    answer = medlabel("interpolate", project, "scan", "tumour#1", "tumour#2", "--axis", "auto", "--json")
    reports = answer.document["objects"]
    assert [report["axis"] for report in reports] == ["axial", "sagittal"]
    one, two = voxels(project, 1), voxels(project, 2)
    drawn = ball(range(4, 22, 4)).full().astype(bool) & ball(range(12, 30, 5), axis=0).full().astype(bool)
    assert not (one & two & ~drawn)[drawn == 0].any()
    names = [row["name"] for row in medlabel("log", project, "scan", "--json").document["entries"]]
    assert len([name for name in names if name.startswith("Interpolate")]) == 1


def test_a_report_says_where_it_is_weak(project: Path) -> None:
    answer = medlabel("interpolate", project, "scan", "tumour#1", "--report", "--json")
    assert all(0 <= gap["expected_error"] <= 1 for gap in answer.document["gaps"])
    assert answer.document["next_slice"]["axis"] == "axial"
    assert answer.document["next_slice"]["slice"] in {gap["weakest_slice"] for gap in answer.document["gaps"]}
    said = medlabel("interpolate", project, "scan", "tumour#2", "--report").lines
    assert "filled" in said[0]
    assert said[-1].startswith("next slice to draw: sagittal")


def test_caps_go_beyond_the_outermost_slices(project: Path) -> None:
    medlabel("interpolate", project, "scan", "tumour#1", "--caps")
    inside = voxels(project, 1)
    assert inside[:, :, 3].any()
    assert inside[:, :, 21].any()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tumour#3"], "on one axial slice only"),
        (["tumour#4"], "drawn on no slice"),
        (["tumour#9"], "there is no object 'tumour#9'"),
        (["tumour#1", "--method", "magic"], "there is no method 'magic'"),
    ],
)
def test_what_cannot_be_is_one_clear_error_and_changes_nothing(project: Path, arguments, reason) -> None:
    before = len(medlabel("log", project, "scan", "--json").document["entries"])
    answer = medlabel("interpolate", project, "scan", *arguments, "--json")
    assert answer.status == 1
    assert reason in answer.document["error"]
    assert len(medlabel("log", project, "scan", "--json").document["entries"]) == before


def test_wrong_usage_is_status_2(project: Path) -> None:
    assert medlabel("interpolate", project, "scan", "tumour#1", "--axis", "oblique").status == 2


def test_a_second_time_there_is_the_same(project: Path) -> None:
    medlabel("interpolate", project, "scan", "tumour#1")
    once = voxels(project, 1)
    answer = medlabel("interpolate", project, "scan", "tumour#1", "--json")
    assert answer.status == 0
    assert np.array_equal(voxels(project, 1), once)


def test_the_command_and_the_live_session_give_the_same_voxels(project: Path) -> None:
    volume = Project.open(project).find_volume("scan")
    with VolumeSession.open(volume, "ada", "browser") as session:
        image = volume.read_image()
        key = session.annotation.objects[0].key
        live = LiveInterpolation(SessionLabels(session), image.geometry, image.array, [key])
        live.compute()
        expected = session.annotation.objects[0].mask.full().astype(bool) | live.proposals()[key].full()
        live.close()
    medlabel("interpolate", project, "scan", "tumour#1")
    assert np.array_equal(voxels(project, 1), expected)
