"""Volumes that stay linked to their DICOM files: before their own file is written, or for good."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from MedLabelApp.command.main import main
from MedLabelLib.exchange.importing import ImportOptions, import_sources
from MedLabelLib.model.errors import FileFormatError, NotFoundError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.relinking import relink
from MedLabelLib.storage.volume_writer import is_pending
from MedLabelLib.volumes.found import BadFile
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans
from support.dicom_files import Series, numbers

LINKED = ImportOptions(link=True)


@pytest.fixture
def scan(tmp_path) -> Path:
    Series(numbers((7, 5, 6)), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)).write(tmp_path / "scan")
    return tmp_path / "scan"


def _project(tmp_path: Path, *sources: Path, options: ImportOptions = LINKED) -> Project:
    project = Project.create(tmp_path / "project")
    report = import_sources(project, sources, options=options)
    assert not report.failed
    return project


def test_a_linked_volume_is_the_same_without_a_file_of_its_own(tmp_path, scan):
    project = _project(tmp_path, scan)
    (volume,) = project.volumes()
    assert not volume.path.exists()
    assert not is_pending(volume)
    whole = read_volume(scan)
    image = volume.read_image()
    assert np.array_equal(image.array, whole.array)
    assert volume.geometry() == whole.geometry == image.geometry
    assert (image.unit, image.modality) == ("HU", "CT")
    piece = volume.open_scan().read_slice()
    assert (piece.axis, piece.index) == (0, 3)
    assert np.array_equal(piece.array, whole.array.take(3, 0))
    with volume.nrrd_file() as path:
        assert np.array_equal(read_volume(path).array, whole.array)
    assert not volume.path.exists()


def test_what_is_not_linked_has_its_own_file_when_the_import_is_done(tmp_path, scan):
    project = _project(tmp_path, scan, options=ImportOptions())
    (volume,) = project.volumes()
    assert np.array_equal(read_volume(volume.path).array, read_volume(scan).array)
    shutil.rmtree(scan)
    assert volume.read_image().array.shape == (6, 7, 5)
    assert volume.open_scan().read_slice().array.size


def test_a_missing_file_is_one_error_and_relink_finds_what_was_moved(tmp_path, scan, capsys):
    project = _project(tmp_path, scan)
    (volume,) = project.volumes()
    before = volume.read_image().array
    moved = tmp_path / "elsewhere" / "deep"
    moved.parent.mkdir()
    scan.rename(moved)
    # other names in the other place
    for path in list(moved.iterdir()):
        path.rename(moved / f"x{path.stem[::-1]}")
    with pytest.raises(NotFoundError, match="medlabel relink"):
        volume.read_image()
    assert volume.geometry().shape == (6, 7, 5)
    lost = next(iter(moved.iterdir())).rename(tmp_path / "lost")
    assert main(["relink", str(project.path), str(moved.parent), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["volumes"] == [{"volume": volume.label, "found": 5, "missing": 1}]
    with pytest.raises(NotFoundError, match="medlabel relink"):
        volume.read_image()
    lost.rename(moved / "back")
    assert main(["relink", str(project.path), str(moved.parent)]) == 0
    assert np.array_equal(volume.read_image().array, before)
    assert relink(project, [moved]) == []


def test_another_image_under_the_old_name_is_refused(tmp_path, scan):
    project = _project(tmp_path, scan)
    (volume,) = project.volumes()
    Series(numbers((7, 5, 6), seed=1), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)).write(scan)
    with pytest.raises(FileFormatError, match="another image"):
        volume.read_image()


def test_a_linked_file_that_is_no_dicom_opens_too(tmp_path, scan):
    whole = read_volume(scan)
    from MedLabelLib.storage.volume_file import write_volume

    write_volume(tmp_path / "head.nrrd", whole.array, whole.geometry)
    project = _project(tmp_path, tmp_path / "head.nrrd")
    (volume,) = project.volumes()
    assert not volume.path.exists()
    assert np.array_equal(volume.read_image().array, whole.array)
    (tmp_path / "head.nrrd").unlink()
    with pytest.raises(NotFoundError, match="put it back") as raised:
        volume.read_image()
    # it finds DICOM only, by its UIDs
    assert "relink" not in str(raised.value)


_CRASH = """
import os, sys
from pathlib import Path
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.storage import volume_writer
from MedLabelLib.storage.project import Project

def dying(path, array, geometry):
    path.with_name(".ab12.medlabel-partial.nrrd").write_bytes(b"NRRD0004 half of it")
    print("writing", flush=True)
    os.kill(os.getpid(), 9)

volume_writer.write_volume = dying
import_sources(Project.create(sys.argv[1]), [sys.argv[2]])
"""


@pytest.mark.parametrize("opening", ["import", "list", "export"])
def test_a_crash_before_the_voxels_are_written_loses_nothing(tmp_path, scan, opening, capsys):
    done = subprocess.run([sys.executable, "-c", _CRASH, str(tmp_path / "project"), str(scan)], timeout=120,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == -9, done.stderr
    project = Project.open(tmp_path / "project")
    (volume,) = project.volumes()
    assert is_pending(volume)
    assert np.array_equal(volume.read_image().array, read_volume(scan).array)
    # whatever opens the project next makes it whole
    if opening == "import":
        report = import_sources(project, [scan])
        assert len(report.duplicates) == 1
    else:
        more = [str(tmp_path / "out"), "--format", "nrrd"] if opening == "export" else []
        assert main([opening, str(project.path), *more]) == 0, capsys.readouterr().err
    assert not is_pending(volume)
    assert np.array_equal(read_volume(volume.path).array, read_volume(scan).array)


def test_a_zip_is_read_as_its_folder_and_stays_linked(tmp_path, scan):
    archive = tmp_path / "scans.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in scan.iterdir():
            packed.write(path, f"a/b/{path.name}")
        packed.writestr("readme.txt", "not a scan")
    whole = read_volume(scan)
    assert np.array_equal(read_volume(archive).array, whole.array)
    project = _project(tmp_path, archive)
    (volume,) = project.volumes()
    assert np.array_equal(volume.read_image().array, whole.array)
    archive.rename(tmp_path / "moved.zip")
    with pytest.raises(NotFoundError, match="relink"):
        volume.read_image()
    (result,) = relink(project, [tmp_path / "moved.zip"])
    assert (result.found, result.missing) == (6, 0)
    assert np.array_equal(volume.read_image().array, whole.array)


def test_a_compressed_scan_in_a_zip(tmp_path):
    import pydicom.data

    name = pydicom.data.get_testdata_file("MR_small_jp2klossless.dcm", download=False)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(name, "IM1")
    assert np.array_equal(read_volume(tmp_path / "a.zip").array, read_volume(name).array)


def _reasons(path: Path) -> list[str]:
    return [entry.reason for entry in find_scans(path) if isinstance(entry, BadFile)]


def test_hostile_zips_are_refused_at_once(tmp_path, scan):
    image = next(scan.iterdir()).read_bytes()
    outward = tmp_path / "outward.zip"
    with zipfile.ZipFile(outward, "w") as packed:
        for name in ("../../evil.dcm", "/etc/evil.dcm", "C:/evil.dcm", "good/IM1", "in.zip"):
            packed.writestr(name, image)
    found = find_scans(outward)
    assert sum("leads out of the archive" in reason for reason in _reasons(outward)) == 3
    assert sum("archive within an archive" in reason for reason in _reasons(outward)) == 1
    assert [len(entry.files) for entry in found if not isinstance(entry, BadFile)] == [1]
    assert not list(tmp_path.rglob("evil*"))
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("big.nii", "w", force_zip64=True) as member,
    ):
        for _ in range(320):
            member.write(bytes(1 << 20))
    begin = time.monotonic()
    assert "would unpack" in _reasons(bomb)[0]
    assert time.monotonic() - begin < 5
    (tmp_path / "none.zip").write_bytes(b"PK\x03\x04 and no more")
    assert "no zip" in _reasons(tmp_path / "none.zip")[0]
    data = bytearray(outward.read_bytes())
    at = data.rindex(b"PK\x05\x06") - 1
    damaged = tmp_path / "damaged.zip"
    data[data.index(image[400:420]) : data.index(image[400:420]) + 20] = bytes(20)
    damaged.write_bytes(data)
    assert at > 0
    assert all(isinstance(entry, BadFile) or entry.files for entry in find_scans(damaged))
