"""The readout, beside SimpleITK's own reading of the same file at the same physical point."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans
from MedLabelLib.workspace.crosshair import Crosshair
from MedLabelLib.workspace.label_display import LabelLook, objects_at
from MedLabelLib.workspace.workspace import Workspace
from support.projects import phantom_folder
from support.small_project import SHAPE, small_volume

PLACES = 1000


def _sitk(demo_cache, source: str, member: str) -> sitk.Image:
    if source != "phantom":
        return sitk.ReadImage(str(demo_cache.file(source, member)))
    folder = str(phantom_folder(demo_cache))
    (series,) = [
        name
        for name in sitk.ImageSeriesReader.GetGDCMSeriesIDs(folder)
        if len(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder, name)) > 1
    ]
    return sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder, series))


def _ours(demo_cache, source: str, member: str):
    if source != "phantom":
        return read_volume(demo_cache.file(source, member))
    scans = [scan for scan in find_scans(phantom_folder(demo_cache)) if hasattr(scan, "read")]
    return scans[0].read()


@pytest.mark.demo
@pytest.mark.parametrize(
    ("source", "member"),
    [("radiomics", "lung2_image.nrrd"), ("radiomics", "brain1_image.nrrd"), ("chest", "cxr.nii.gz"),
     ("phantom", "")],
)  # fmt: skip
def test_a_thousand_values_are_simpleitks_at_the_same_point(demo_cache, source, member) -> None:
    image = _ours(demo_cache, source, member)
    workspace = Workspace(slicer.vtkMRMLScene(), image, "scan")
    theirs = _sitk(demo_cache, source, member)
    random = np.random.default_rng(20240229)
    for ijk in random.integers(0, image.geometry.shape, (PLACES, 3)):
        # anywhere in the voxel, not only in its middle
        lps = image.geometry.ijk_to_ras(ijk + random.uniform(-0.45, 0.45, 3)) * [-1, -1, 1]
        index = theirs.TransformPhysicalPointToIndex(lps.tolist())
        assert workspace.value_at(tuple(ijk)) == pytest.approx(theirs[index], abs=1e-3)
    workspace.close()


@pytest.fixture
def workspace(tmp_path):
    volume = small_volume(tmp_path / "project")
    with VolumeSession.open(volume, "test", "command") as session:
        opened = Workspace(slicer.vtkMRMLScene(), volume.read_image(), "scan", session)
        yield opened
        opened.close()


def test_the_objects_in_a_voxel_are_named_unless_hidden(workspace) -> None:
    with workspace.session.edit("two", tool="test") as edit:
        for name, box in (("tumour", Box((2, 2, 2), (6, 6, 6))), ("node", Box((5, 5, 5), (8, 8, 8)))):
            entry = edit.add_object(LabelObject(name))
            edit.write_mask(entry.key, box, np.ones(box.shape, bool))
    assert objects_at(workspace, (5, 5, 5)) == ["tumour #1", "node #1"]
    assert objects_at(workspace, (2, 2, 2)) == ["tumour #1"]
    assert objects_at(workspace, (6, 2, 2)) == []
    assert objects_at(workspace, (99, 0, 0)) == []
    workspace.set_visible(workspace.objects[0].key, False)
    assert objects_at(workspace, (5, 5, 5)) == ["node #1"]


def test_the_crosshair_stays_in_the_volume_and_snaps_when_asked(workspace) -> None:
    cross = Crosshair(workspace)
    cross.move_to((3.3, 4.5, -7.0))
    assert cross.ijk == (3.3, 4.5, -0.5)
    cross.step(2, 3)
    assert cross.ijk == (3.3, 4.5, 2.5)
    cross.move_to((1e9, 1e9, 1e9))
    assert all(n - 1 < at < n for n, at in zip(SHAPE, cross.ijk, strict=True))
    cross.snapped = True
    cross.move_to((3.5, 4.4, 2.6))
    assert cross.ijk == (4.0, 4.0, 3.0)
    cross.step(0, -100)
    assert cross.ijk == (0.0, 4.0, 3.0)
    assert cross.ras == pytest.approx(workspace.geometry.ijk_to_ras(np.array([0.0, 4.0, 3.0])).tolist())


@pytest.mark.parametrize(
    ("asked", "name", "got"),
    [
        ({"fill": 7}, "fill", 1.0),
        ({"line": 0}, "line", 1),
        ({"line": 99.7}, "line", 6),
        ({"shown": 5}, "shown", True),
        ({"fill": "much"}, "fill", 0.3),
        ({"colour": 1}, "fill", 0.3),
        ({"filled": False}, "filled", False),
    ],
)
def test_a_look_stays_within_what_can_be_shown(asked, name, got) -> None:
    assert getattr(LabelLook().changed(**asked), name) == got
