"""Giving volumes and labels to other tools: the same voxels at the same places, or nothing at all."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given

from MedLabelLib.exchange import exporting
from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.exchange.formats import image_format
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.exchange.resampling import even_grid
from MedLabelLib.model.annotation import PlaneFigure, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.model.errors import ExportError, FileFormatError
from MedLabelLib.model.figures import Rectangle
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project import Project
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers
from support.grids import random_geometry, seeds
from support.projects import add_object, demo_project, new_project, phantom_folder, random_mask, write_nrrd

SUFFIX = {"nrrd": ".nrrd", "nifti": ".nii.gz"}


def read_array(path: Path) -> np.ndarray:
    return np.asanyarray(nibabel.load(path).dataobj) if path.suffix == ".gz" else read_itk(path)


def read_itk(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T


def ras_matrix(path: Path) -> np.ndarray:
    if path.suffix == ".gz":
        return nibabel.load(path).affine
    image = sitk.ReadImage(str(path))
    terms = (image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection())
    return VolumeGeometry.from_lps(*terms).ijk_to_ras_matrix


@given(seed=seeds)
@pytest.mark.parametrize("format", SUFFIX)
def test_any_scan_and_its_masks_go_back_to_the_grid_they_came_from(tmp_path_factory, format, seed):
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("export")
    geometry = random_geometry(random, random.choice(["even", "sheared", "single"]))
    array = random.integers(0, 200, geometry.shape).astype(random.choice([np.int16, np.uint8, np.float32]))
    project = new_project(folder / "p", "a", "b")
    (volume,) = import_sources(project, [write_nrrd(folder / "scan.nrrd", array, geometry)]).added
    masks = [random_mask(random, volume.geometry().shape) for _ in range(3)]
    for name, mask in zip("aba", masks, strict=True):
        add_object(volume, name, mask)
    report = export_project(project, folder / "out", format)
    place, suffix = folder / "out" / "ds0" / "scan", SUFFIX[format]
    names = ["a-1", "a-2", "b-1", "labels", "scan"]
    assert sorted(path.name for path in place.iterdir()) == [name + suffix for name in names]
    assert set(report.files) == {*place.iterdir(), folder / "out" / "classes.json"}
    assert report.verified
    to_source = volume.source().axis_map.inverse()
    assert np.array_equal(read_array(place / f"scan{suffix}"), array)
    assert read_array(place / f"scan{suffix}").dtype == array.dtype
    combined = np.zeros(geometry.shape, dtype=np.uint8)
    for name, value, mask in zip(("a-1", "b-1", "a-2"), (1, 2, 1), masks, strict=True):
        voxels = to_source.apply(mask.full())
        assert np.array_equal(read_array(place / f"{name}{suffix}"), voxels)
        combined[voxels != 0] = value
    assert np.array_equal(read_array(place / f"labels{suffix}"), combined)
    for name in names:
        assert np.allclose(
            ras_matrix(place / (name + suffix)), geometry.ijk_to_ras_matrix, rtol=1e-6, atol=1e-3
        )
    overlap = sum(int(mask.full().sum()) for mask in masks) > np.count_nonzero(combined)
    assert any("belong to more than one object" in line for line in report.lost) == overlap


@given(seeds)
def test_a_supervisely_export_is_the_project_without_its_history(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("export")
    geometry = random_geometry(random, random.choice(["even", "sheared"]))
    scan = write_nrrd(folder / "scan.nrrd", numbers(geometry.shape), geometry)
    project = new_project(folder / "p", "a")
    (volume,) = import_sources(project, [scan], "deep/er").added
    key = add_object(volume, "a", random_mask(random, volume.geometry().shape))
    report = export_project(project, folder / "out", "supervisely")
    assert report.lost == []
    assert not (folder / "out" / ".medlabel").exists()
    exported = Project.open(folder / "out").find_volume("deep/er/scan")
    assert exported.geometry().is_close(volume.geometry(), 1e-6)
    assert np.array_equal(exported.read_image().array, volume.read_image().array)
    assert exported.read_annotation().object(key).mask == volume.read_annotation().object(key).mask


def full_project(folder: Path) -> Project:
    """A DICOM volume with a tag, a figure on a slice, an object with a mask and one without."""
    Series(numbers((6, 7, 8))).write(folder / "ct")
    definitions = Definitions().with_class("a").with_class("b").with_tag(TagDefinition("seen"))
    project = Project.create(folder / "p", definitions)
    (volume,) = import_sources(project, [folder / "ct"]).added
    add_object(volume, "a", random_mask(np.random.default_rng(1), volume.geometry().shape))
    add_object(volume, "b", Mask(volume.geometry().shape))
    annotation = volume.read_annotation()
    annotation.tags.append(Tag("seen"))
    shape = Rectangle(((1, 1), (3, 4)))
    annotation.figures.append(PlaneFigure(annotation.objects[1].key, Plane.AXIAL, 2, shape))
    volume.write_annotation(annotation)
    return project


def test_what_image_files_cannot_hold_is_listed(tmp_path):
    report = export_project(full_project(tmp_path), tmp_path / "out", "nrrd")
    told = " | ".join(report.lost)
    assert "b#1 has no mask" in told
    assert "1 figures on slices" in told
    assert "1 tags" in told
    assert json.loads((tmp_path / "out" / "classes.json").read_text()) == [
        {"value": 1, "name": "a", "color": "#E69F00"},
        {"value": 2, "name": "b", "color": "#56B4E9"},
    ]


@pytest.mark.parametrize("format", ["supervisely", "nrrd", "nifti"])
def test_no_identity_leaves(tmp_path, format):
    project = full_project(tmp_path)
    volume = next(project.volumes())
    source = volume.source()
    data = json.loads(volume.annotation_path.read_text())
    data["volumeMeta"] |= {"patientName": PATIENT, "patientID": PATIENT_ID}
    data["volumeMeta"]["seriesInstanceUID"] = source.series_instance_uid
    volume.annotation_path.write_text(json.dumps(data))
    report = export_project(project, tmp_path / "out", format)
    uids = [source.series_instance_uid, source.study_instance_uid, source.frame_of_reference_uid]
    uids += [entry.sop_instance_uid for entry in source.slices]
    for path in report.files:
        content = path.read_bytes() if path.suffix != ".gz" else nibabel.load(path).header.binaryblock
        for secret in (PATIENT, PATIENT_ID, *uids, str(tmp_path)):
            assert secret.encode() not in content, path.name


def test_supervisely_keeps_figures_and_tags(tmp_path):
    project = full_project(tmp_path)
    report = export_project(project, tmp_path / "out", "supervisely")
    before = next(project.volumes()).read_annotation()
    after = next(Project.open(tmp_path / "out").volumes()).read_annotation()
    assert after.figures == before.figures
    assert after.tags == before.tags
    assert [entry.key for entry in after.objects] == [entry.key for entry in before.objects]
    assert report.lost == []


@pytest.mark.parametrize("format", ["supervisely", "nrrd", "nifti"])
def test_uneven_slices_are_resampled_or_kept_and_it_is_listed(tmp_path, format):
    series = Series((np.arange(8) * 100 + np.zeros((4, 5, 1))).astype(np.int16))
    for path in series.write(tmp_path / "ct")[3:5]:
        path.unlink()
    project = new_project(tmp_path / "p", "a")
    (volume,) = import_sources(project, [tmp_path / "ct"]).added
    mask = Mask(volume.geometry().shape)
    mask.write(Box((1, 1, 0), (3, 3, 3)), np.ones((2, 2, 3)))
    add_object(volume, "a", mask)
    report = export_project(project, tmp_path / "out", format)
    assert "unevenly spaced" in report.lost[0]
    if format == "supervisely":
        scan = read_itk(tmp_path / "out" / "ds0" / "volume" / volume.file_name)
        assert scan.shape == (4, 5, 6)
        assert scan[0, 0].tolist() == [0, 100, 200, 500, 600, 700]
        return
    place = tmp_path / "out" / "ds0" / volume.name
    # the two slices that were missing come of their neighbours; the rest is as it was
    assert read_array(place / f"scan{SUFFIX[format]}")[0, 0].tolist() == [
        0,
        100,
        200,
        300,
        400,
        500,
        600,
        700,
    ]
    label = volume.source().axis_map.apply(read_array(place / f"a-1{SUFFIX[format]}"))
    assert label[1, 1].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert even_grid(volume.geometry()).shape == (4, 5, 8)


def test_a_place_that_is_taken_is_refused_and_left_alone(tmp_path):
    project = full_project(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "out", tmp_path / "file"):
        with pytest.raises(ExportError, match="something here already"):
            export_project(project, out, "nrrd")
    with pytest.raises(ExportError, match="inside the project"):
        export_project(project, project.path / "out", "nrrd")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    export_project(project, tmp_path / "empty", "nrrd")
    assert (tmp_path / "empty" / "classes.json").exists()


def damage_each_write(monkeypatch, at: int, spoil) -> None:
    """Let the ``at``-th image file be spoilt between writing and reading back."""
    counter, write = itertools.count(), image_format.NRRD.write

    def damaged(path, array, geometry):
        write(path, array, geometry)
        if next(counter) == at:
            spoil(path, write, array, geometry)

    spoilt = image_format.ImageFormat(".nrrd", damaged, image_format.NRRD.read)
    monkeypatch.setitem(exporting._WRITERS, "nrrd", exporting._images(spoilt))


def one_voxel(path, write, array, geometry):
    other = array.copy()
    other.flat[-1] += 1
    write(path, other, geometry)


def one_voxel_aside(path, write, array, geometry):
    matrix = geometry.ijk_to_ras_matrix.copy()
    matrix[:3, 3] += matrix[:3, 0]
    write(path, array, VolumeGeometry(geometry.shape, matrix))


def half_of_it(path, write, array, geometry):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [one_voxel, one_voxel_aside, half_of_it])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_what_does_not_read_back_is_an_error_and_leaves_nothing(tmp_path, monkeypatch, at, spoil):
    project = full_project(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    damage_each_write(monkeypatch, at, spoil)
    with pytest.raises(ExportError, match=["scan", "a-1", "labels"][at]):
        export_project(project, tmp_path / "out", "nrrd")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("format", ["supervisely", "nrrd", "nifti"])
def test_a_damaged_project_is_named_and_nothing_is_left(tmp_path, format):
    project = full_project(tmp_path)
    path = next(next(project.volumes()).mask_folder.glob("*.nrrd"))
    path.write_bytes(path.read_bytes()[:-100])
    before = sorted(entry.name for entry in tmp_path.iterdir())
    with pytest.raises(FileFormatError, match=path.name):
        export_project(project, tmp_path / "out", format)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


def test_unknown_formats_and_empty_projects_are_refused(tmp_path):
    with pytest.raises(ExportError, match="no format 'png'"):
        export_project(full_project(tmp_path), tmp_path / "out", "png")
    with pytest.raises(ExportError, match="no volume"):
        export_project(new_project(tmp_path / "empty"), tmp_path / "out", "nrrd")


def test_classes_that_differ_in_what_files_may_not_have_get_files_of_their_own(tmp_path):
    project = new_project(tmp_path / "p", "Node", "node", "a/b", "a:b", "labels")
    scan = write_nrrd(tmp_path / "s.nrrd", numbers((3, 4, 5)), VolumeGeometry((3, 4, 5), np.eye(4)))
    (volume,) = import_sources(project, [scan]).added
    for at, entry in enumerate(project.definitions.classes):
        mask = Mask((3, 4, 5))
        mask.write(Box((0, 0, at), (1, 1, at + 1)), np.ones((1, 1, 1)))
        add_object(volume, entry.name, mask)
    report = export_project(project, tmp_path / "out", "nrrd")
    assert len({path.name.lower() for path in report.files}) == 5 + 3


@pytest.fixture(scope="module")
def demo(tmp_path_factory, demo_cache) -> Project:
    return demo_project(tmp_path_factory.mktemp("demo") / "p", demo_cache)


@pytest.mark.demo
@pytest.mark.parametrize("format", SUFFIX)
def test_real_scans_have_their_values_where_the_original_has_them(tmp_path, demo_cache, demo, format):
    project = demo
    export_project(project, tmp_path / "out", format)
    slices = sorted(phantom_folder(demo_cache).glob("*IMG*.dcm"))
    phantom = next(v for v in project.volumes() if v.modality == "CT")
    originals = {
        "lung2": sitk.ReadImage(str(demo_cache.file("radiomics", "lung2_image.nrrd"))),
        "brain1": sitk.ReadImage(str(demo_cache.file("radiomics", "brain1_image.nrrd"))),
        "chest": sitk.ReadImage(str(demo_cache.file("chest", "cxr.nii.gz"))),
        phantom.name: series_by_itk(slices),
    }
    random = np.random.default_rng(5)
    for name, original in originals.items():
        exported = sitk.ReadImage(str(tmp_path / "out" / "ds0" / name / f"scan{SUFFIX[format]}"))
        size = np.array(original.GetSize())
        for _ in range(1000):
            # well inside a voxel, so that rounding cannot choose the neighbour
            index = random.integers(0, size) + random.uniform(-0.4, 0.4, 3)
            place = original.TransformContinuousIndexToPhysicalPoint(index.tolist())
            expected = original[[int(n) for n in np.rint(index)]]
            found = exported[list(exported.TransformPhysicalPointToIndex(place))]
            assert found == expected, (name, place)


def series_by_itk(paths: list[Path]) -> sitk.Image:
    """The series as ITK reads it, its files sorted by ITK too."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(paths[0].parent)))
    return reader.Execute()
