"""What `medlabel import` does with scans that are damaged, incomplete, no scans, or there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedLabelLib.storage.project import Project
from support.commands import medlabel, tree


@pytest.fixture
def project(tmp_path) -> Path:
    path = tmp_path / "project"
    assert medlabel("init", path, "--class", "tumour").status == 0
    return path


@pytest.fixture
def series(tmp_path, demo_cache) -> Path:
    """A copy of the images of the DICOM series, without its RTSTRUCT."""
    folder = tmp_path / "series"
    folder.mkdir()
    for path in demo_cache.file("phantom", "pat_1").glob("DCM_IMG_*.dcm"):
        shutil.copy(path, folder)
    return folder


def small_nrrd(path: Path) -> Path:
    noise = np.random.default_rng(5).integers(0, 900, (9, 10, 11)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(path), useCompression=True)
    return path


def test_a_truncated_nrrd_is_refused_and_leaves_nothing(project, tmp_path, demo_cache):
    whole = demo_cache.file("radiomics", "lung2_image.nrrd").read_bytes()
    broken = tmp_path / "broken.nrrd"
    broken.write_bytes(whole[: len(whole) * 2 // 3])
    before = tree(project)
    answer = medlabel("import", project, broken)
    assert answer.status == 1
    assert answer.lines == []
    (complaint,) = answer.complaints
    assert str(broken) in complaint
    assert tree(project) == before


def test_a_text_file_named_dcm_is_refused_and_leaves_nothing(project, tmp_path):
    text = tmp_path / "notes.dcm"
    text.write_text("these are my notes\n" * 40)
    before = tree(project)
    answer = medlabel("import", project, text)
    assert answer.status == 1
    assert len(answer.complaints) == 1
    assert str(text) in answer.complaints[0]
    assert tree(project) == before


def test_a_missing_slice_is_a_warning_that_says_where(project, series):
    sorted(series.iterdir())[20].unlink()
    answer = medlabel("import", project, series)
    assert answer.status == 0
    (complaint,) = answer.complaints
    assert complaint.startswith("warning: ds0/")
    assert "missing" in complaint
    assert len(list(Project.open(project).volumes())) == 1


def test_a_second_import_of_a_series_is_refused_and_changes_nothing(project, series, tmp_path):
    assert medlabel("import", project, series).status == 0
    before = tree(project)
    again = series.rename(tmp_path / "the same under another name")
    answer = medlabel("import", project, again)
    assert answer.status == 1
    (complaint,) = answer.complaints
    assert "already" in complaint
    assert tree(project) == before


def test_an_unwritable_project_is_one_error_and_nothing_half_written(project, tmp_path):
    scan = small_nrrd(tmp_path / "scan.nrrd")
    assert medlabel("import", project, scan).status == 0
    other = small_nrrd(tmp_path / "other.nrrd")
    before = tree(project)
    folders = [project, *(path for path in project.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        imported = medlabel("import", project, other, bound=True)
        labeled = medlabel("label", project, "scan", "tumour", "--from", scan, bound=True)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    for answer in (imported, labeled):
        assert answer.status == 1
        assert answer.lines == []
        (complaint,) = answer.complaints
        assert complaint.startswith("medlabel: ")
    assert "cannot be written" in imported.complaints[0]
    assert tree(project) == before


def test_bad_sources_do_not_stop_good_ones_and_still_fail(project, tmp_path):
    good = small_nrrd(tmp_path / "good.nrrd")
    bad = tmp_path / "bad.nrrd"
    bad.write_bytes(b"NRRD0004\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    answer = medlabel("import", project, bad, good, empty, tmp_path / "nowhere", "--json")
    assert answer.status == 1
    assert answer.complaints == []
    assert answer.document["added"] == ["ds0/good"]
    failed = {Path(entry["file"]).name for entry in answer.document["failed"]}
    assert failed == {"bad.nrrd", "empty", "nowhere"}
    assert all(name in answer.document["error"] for name in failed)
