"""Masks from label images and RTSTRUCT contours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.exchange.label_image import LabelImage, label_from_image
from MedLabelLib.exchange.polygon_fill import fill_even_odd
from MedLabelLib.exchange.resampling import resample
from MedLabelLib.exchange.rtstruct import mask_from_roi, read_rois
from MedLabelLib.model.errors import FileFormatError, GeometryError, NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from support.dicom_files import Series, numbers, rtstruct
from support.grids import random_geometry, seeds
from support.projects import new_project, phantom_folder, write_nrrd


@given(seeds)
def test_a_label_image_on_the_source_grid_or_the_canonical_one_is_carried_by_index(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("label")
    geometry = random_geometry(random, random.choice(["even", "sheared"]))
    labels = random.integers(0, 4, geometry.shape).astype(np.uint8)
    labels.flat[0] = 2
    scan = write_nrrd(folder / "scan.nrrd", numbers(geometry.shape), geometry)
    volume = import_sources(new_project(folder / "p"), [scan]).added[0]
    canonical, axis_map = geometry.canonical()
    by_source = write_nrrd(folder / "source.nrrd", labels, geometry)
    by_canonical = write_nrrd(folder / "canonical.nrrd", axis_map.apply(labels), canonical)
    for path in (by_source, by_canonical):
        mask, note = label_from_image(volume, path, 2)
        assert note == ""
        assert np.array_equal(mask.full() != 0, axis_map.apply(labels) == 2)
    assert np.array_equal(label_from_image(volume, by_source)[0].full() != 0, axis_map.apply(labels) != 0)
    assert LabelImage.read(by_source).values() == [int(v) for v in np.unique(labels) if v]


def test_a_header_with_fewer_digits_is_the_same_grid_and_is_said(tmp_path):
    matrix = np.diag([0.78125, 0.78125, 6.5, 1.0])
    rounded = np.diag([0.781, 0.781, 6.5, 1.0])
    labels = (numbers((40, 40, 5)) > 1000).astype(np.uint8)
    image = LabelImage.read(write_nrrd(tmp_path / "l.nrrd", labels, VolumeGeometry(labels.shape, rounded)))
    mask, note = image.mask(VolumeGeometry(labels.shape, matrix))
    assert np.array_equal(mask.full(), labels)
    assert "differs from the scan's by 0.00" in note


def test_another_grid_is_resampled_and_it_is_said(tmp_path):
    labels = np.zeros((10, 10, 10), dtype=np.uint8)
    labels[2:5, 3:6, 4:9] = 7
    path = write_nrrd(tmp_path / "l.nrrd", labels, VolumeGeometry(labels.shape, np.diag([2.0, 2, 2, 1])))
    # voxels of 1 mm, whose centres lie at quarters of the label's
    matrix = np.eye(4)
    matrix[:3, 3] = -0.5
    mask, note = LabelImage.read(path).mask(VolumeGeometry((20, 20, 20), matrix), 7)
    assert np.array_equal(mask.full(), np.kron(labels, np.ones((2, 2, 2))) / 7)
    assert "resampled" in note
    with pytest.raises(NotFoundError, match=r"value 3 \(it has: 7\)"):
        LabelImage.read(path).mask(VolumeGeometry((20, 20, 20), matrix), 3)
    matrix[:3, 3] = 500
    with pytest.raises(GeometryError):
        LabelImage.read(path).mask(VolumeGeometry((20, 20, 20), matrix), 7)


def test_fractions_are_no_labels(tmp_path):
    array = np.full((3, 4, 5), 0.5, dtype=np.float32)
    path = write_nrrd(tmp_path / "l.nrrd", array, VolumeGeometry(array.shape, np.eye(4)))
    with pytest.raises(FileFormatError, match="fractions"):
        LabelImage.read(path)


@given(seeds)
def test_resampling_follows_sheared_and_uneven_grids(seed):
    """A field that is linear in space is met exactly inside, whatever the two grids are."""
    random = np.random.default_rng(seed)
    source = random_geometry(random, random.choice(["even", "sheared", "uneven"]))
    slope = random.uniform(-1, 1, 3)
    field = source.ijk_to_ras(np.moveaxis(np.indices(source.shape), 0, -1)) @ slope
    inner = random.uniform(0, np.array(source.shape) - 1, 3)
    matrix = np.eye(4)
    matrix[:3, 3] = source.ijk_to_ras(inner)
    value = resample(field, source, VolumeGeometry((1, 1, 1), matrix), order=1, fill=np.nan)
    assert value[0, 0, 0] == pytest.approx(slope @ matrix[:3, 3], abs=1e-6)
    matrix[:3, 3] = source.ijk_to_ras(np.array(source.shape) + 0.1)
    assert np.isnan(resample(field, source, VolumeGeometry((1, 1, 1), matrix), order=1, fill=np.nan)).all()


@given(seeds)
def test_the_fill_is_the_even_odd_rule_at_every_pixel(seed):
    random = np.random.default_rng(seed)
    outlines = [
        np.round(random.uniform(-3, 13, (int(random.integers(3, 8)), 2)), int(random.integers(0, 3)))
        for _ in range(int(random.integers(1, 4)))
    ]
    filled = fill_even_odd(outlines, (10, 11))
    for x, y in np.ndindex(10, 11):
        crossed = 0
        on_an_edge = False
        for outline in outlines:
            for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
                if (y0 <= y) != (y1 <= y):
                    at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                    on_an_edge |= abs(at - x) < 1e-6
                    crossed += at <= x
        assert on_an_edge or filled[x, y] == bool(crossed % 2)


def test_outlines_that_share_an_edge_share_no_pixel():
    left, right = np.array([[1, 1], [4, 1], [4, 6], [1, 6]]), np.array([[4, 1], [9, 1], [9, 6], [4, 6]])
    both = [fill_even_odd([outline], (12, 12)) for outline in (left, right)]
    assert not (both[0] & both[1]).any()
    assert (both[0] | both[1]).sum() == 8 * 5


def test_contours_with_a_hole_on_a_turned_series(tmp_path):
    series = Series(numbers((20, 18, 6)), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    series.write(tmp_path / "ct")
    outer = [(2.5, 2.5), (15.5, 2.5), (15.5, 12.5), (2.5, 12.5)]
    inner = [(5.5, 5.5), (9.5, 5.5), (9.5, 8.5), (5.5, 8.5)]
    contours = [
        np.array([series.place((c, r, at)) for c, r in loop]) for at in (2, 3) for loop in (outer, inner)
    ]
    rtstruct(contours, "ring").save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    volume = import_sources(new_project(tmp_path / "p"), [tmp_path / "ct"]).added[0]
    (roi,) = read_rois(tmp_path / "rt.dcm")
    assert (roi.name, roi.color, len(roi.contours)) == ("ring", "#FF0010", 4)
    mask, note = mask_from_roi(roi, volume.geometry())
    assert note == ""
    expected = np.zeros((20, 18, 6), dtype=np.uint8)
    expected[3:16, 3:13, 2:4] = 1
    expected[6:10, 6:9, 2:4] = 0
    assert np.array_equal(volume.source().axis_map.inverse().apply(mask.full()), expected)


def test_contours_off_the_scan_or_across_it_are_refused(tmp_path):
    geometry = VolumeGeometry((10, 10, 5), np.eye(4))
    for contour, why in (
        (np.array([[900.0, 900, 2], [905, 900, 2], [905, 905, 2]]), "no voxel"),
        (np.array([[-1.0, -1, 0], [-5, -1, 4], [-5, -5, 0], [-1, -5, 4]]), "do not lie in slices"),
    ):
        rtstruct([contour]).save_as(tmp_path / "rt.dcm", enforce_file_format=True)
        with pytest.raises(GeometryError, match=why):
            mask_from_roi(read_rois(tmp_path / "rt.dcm")[0], geometry)
    Series(numbers((3, 4, 1))).write(tmp_path / "ct")
    with pytest.raises(FileFormatError, match="no RTSTRUCT"):
        read_rois(tmp_path / "ct" / "IM0000.dcm")


@pytest.mark.demo
def test_the_real_labels(tmp_path, demo_cache):
    project = new_project(tmp_path / "p")
    for case, ml in (("lung2", 48.4), ("brain1", 16.4)):
        scan = import_sources(project, [demo_cache.file("radiomics", f"{case}_image.nrrd")]).added[0]
        mask, note = label_from_image(scan, demo_cache.file("radiomics", f"{case}_label.nrrd"))
        assert note == ""
        assert mask.count * scan.geometry().voxel_ml == pytest.approx(ml, abs=0.1)


@pytest.mark.demo
def test_the_real_contours_fill_their_own_area(tmp_path, demo_cache):
    report = import_sources(new_project(tmp_path / "p"), [phantom_folder(demo_cache)], with_labels=False)
    (roi,) = read_rois(report.others[0].path)
    assert roi.name == "GTV-1"
    geometry = report.added[0].geometry()
    mask, note = mask_from_roi(roi, geometry)
    assert note == ""
    assert roi.series_uids == (report.added[0].source().series_instance_uid,)
    area = sum(
        abs(np.dot(c[:, 0], np.roll(c[:, 1], -1)) - np.dot(c[:, 1], np.roll(c[:, 0], -1))) / 2
        for c in roi.contours
    )
    assert mask.count * geometry.voxel_ml == pytest.approx(area * 3.0 / 1000, rel=0.002)
