"""De-identification on import, and a planted patient who is to be found nowhere."""

from __future__ import annotations

import pydicom
import pytest

from MedLabelLib.exchange.importing import ImportOptions, import_sources
from MedLabelLib.storage.project import Project
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers


@pytest.mark.parametrize(
    "options", [ImportOptions(), ImportOptions(link=True), ImportOptions(deidentify=True)]
)
def test_the_patient_is_nowhere_in_the_project(tmp_path, monkeypatch, options):
    monkeypatch.setenv("MEDLABEL_DATA", str(tmp_path / "data"))
    Series(numbers((7, 5, 6))).write(tmp_path / "scan")
    project = Project.create(tmp_path / "project")
    report = import_sources(project, [tmp_path / "scan"], options=options)
    assert [volume.name for volume in report.added]
    assert not report.failed
    for path in project.path.rglob("*"):
        for secret in (PATIENT, PATIENT_ID, "Mustermann"):
            assert secret not in str(path)
            assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_clean_copies_keep_pixels_and_map_uids_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLABEL_DATA", str(tmp_path / "data"))
    series = Series(numbers((7, 5, 6)))
    series.write(tmp_path / "scan")
    project = Project.create(tmp_path / "project")
    (volume,) = import_sources(project, [tmp_path / "scan"], options=ImportOptions(deidentify=True)).added
    files = [pydicom.dcmread(path) for path in volume.source().files]
    assert len({file.SeriesInstanceUID for file in files}) == 1
    assert files[0].SeriesInstanceUID != series.uid
    assert files[0].PatientIdentityRemoved == "YES"
    volume.path.unlink()
    assert (volume.source().axis_map.inverse().apply(volume.read_image().array) == series.values).all()
    again = import_sources(project, [tmp_path / "scan"], options=ImportOptions(deidentify=True))
    assert len(again.duplicates) == 1
