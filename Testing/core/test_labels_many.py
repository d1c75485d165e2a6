"""Two hundred objects in one volume come back from every format of voxels."""

from __future__ import annotations

import numpy as np
import pytest

from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.exchange.importing import import_sources
from support.dicom_files import Series, numbers
from support.labelled import CLASSES, label, random_labels
from support.projects import new_project

COUNT = 200
FILES = {"dicom-seg": "segmentation.dcm", "seg-nrrd": "labels.seg.nrrd"}


@pytest.mark.parametrize("format", ["dicom-seg", "seg-nrrd", "nifti", "nrrd", "supervisely"])
def test_two_hundred_objects_of_one_volume_are_written_and_read_back(tmp_path, format):
    random = np.random.default_rng(11)
    Series(numbers((12, 11, 9)), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)).write(tmp_path / "scan")
    volume = import_sources(new_project(tmp_path / "p", *CLASSES), [tmp_path / "scan"]).added[0]
    masks = random_labels(random, volume.geometry().shape, COUNT, overlap=False)
    objects = label(volume, masks, random)
    assert sum(mask.count > 0 for mask in masks) > COUNT // 2
    report = export_project(volume.dataset.project, tmp_path / "out", format)
    assert report.verified
    if format not in (*FILES, "supervisely"):
        return
    sources = [tmp_path / "out"]
    if format in FILES:
        sources = [tmp_path / "scan", tmp_path / "out" / volume.dataset.name / volume.name / FILES[format]]
    again = new_project(tmp_path / "again")
    taken = import_sources(again, sources)
    assert taken.failed == []
    found = [
        (entry.class_name, entry.mask.full().tobytes())
        for entry in taken.added[0].read_annotation().objects
        if entry.mask is not None
    ]
    expected = [(entry.class_name, entry.mask.full().tobytes()) for entry in objects if entry.mask.count]
    assert sorted(entry for entry in found if any(entry[1])) == sorted(expected)
