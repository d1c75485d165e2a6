"""DICOM series, with every oddity that a series may have."""

from __future__ import annotations

import json

import numpy as np
import pydicom.data
import pytest
import SimpleITK as sitk
from hypothesis import given
from scipy.spatial.transform import Rotation

from MedLabelLib.model.errors import FileFormatError
from MedLabelLib.volumes.dicom_slices import order_slices
from MedLabelLib.volumes.found import BadFile, FoundScan, NotAnImage
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers, rtstruct
from support.grids import seeds

ORIENTATIONS = {
    "axial": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "axial flipped": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "sagittal": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
    "coronal": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
    "oblique": tuple(Rotation.from_euler("xyz", [20, -35, 50], degrees=True).as_matrix().T[:2].ravel()),
}


def check_places(image, series: Series, slices: list[int] | None = None) -> None:
    """Every value lies where DICOM's own formula puts it."""
    columns, rows, count = series.values.shape
    for at in range(count) if slices is None else slices:
        for column, row in ((0, 0), (columns - 1, 0), (0, rows - 1), (columns - 1, rows - 1)):
            index = image.geometry.lps_to_ijk(series.place((column, row, at)))
            nearest = np.rint(index).astype(int)
            assert np.abs(index - nearest).max() < 1e-5
            assert image.array[tuple(nearest)] == series.values[column, row, at]


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_slices_are_sorted_by_place_not_by_name_or_number(tmp_path, orientation):
    series = Series(numbers((7, 5, 6)), orientation)
    series.slices = {at: {"InstanceNumber": number} for at, number in enumerate([4, 1, 6, 2, 5, 3])}
    series.write(tmp_path, order=[3, 0, 5, 1, 4, 2])
    image = read_volume(tmp_path)
    assert sorted(image.array.shape) == [5, 6, 7]
    assert image.array.flags.f_contiguous
    assert image.array.dtype == np.int16
    assert image.warnings == []
    assert (np.diag(image.geometry.directions) > 0).all()
    check_places(image, series)
    source = image.source
    assert source.geometry.shape == (7, 5, 6)
    assert np.allclose([entry.position for entry in source.slices], series.positions, atol=1e-8)
    assert np.array_equal(source.axis_map.inverse().apply(image.array), series.values)


def test_the_same_voxels_at_the_same_places_as_itk_reads_them(tmp_path):
    paths = Series(numbers((7, 5, 6)), ORIENTATIONS["oblique"]).write(tmp_path)
    by_itk = sitk.ReadImage([str(path) for path in paths])
    image = read_volume(tmp_path)
    for i, j, k in np.ndindex(7, 5, 6):
        place = by_itk.TransformIndexToPhysicalPoint((i, j, k))
        index = tuple(np.rint(image.geometry.lps_to_ijk(place)).astype(int))
        assert image.array[index] == by_itk[i, j, k]


def test_nothing_names_the_patient(tmp_path):
    series = Series(numbers((4, 4, 5)))
    series.positions[3] += series.normal * 1.7
    series.write(tmp_path / "scan")
    found = find_scans(tmp_path)[0]
    image = found.read()
    told = json.dumps(image.source.to_json()) + repr(image.warnings) + image.suggested_name + found.name
    for secret in (PATIENT, "Mustermann", PATIENT_ID):
        assert secret not in told
    assert image.suggested_name.startswith("CT-3-")
    assert len(image.suggested_name) == len("CT-3-") + 8
    assert image.warnings


def test_a_missing_slice_leaves_the_others_at_their_places(tmp_path):
    series = Series(numbers((4, 5, 9)))
    paths = series.write(tmp_path)
    paths[5].unlink()
    image = read_volume(tmp_path)
    assert image.array.shape[2] == 8
    assert image.geometry.is_uneven
    assert len(image.warnings) == 1
    assert "1 slice is missing between slice 5 and 6" in image.warnings[0]
    check_places(image, series, [0, 1, 2, 3, 4, 6, 7, 8])


def test_unevenly_spaced_slices_keep_their_places(tmp_path):
    series = Series(numbers((4, 5, 6)), ORIENTATIONS["oblique"])
    series.positions = series.positions[0] + np.array([0, 2, 4.6, 7, 9.1, 11.9])[:, None] * series.normal
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert image.geometry.is_uneven
    assert "unevenly spaced" in image.warnings[0]
    check_places(image, series)


def test_rounded_positions_are_no_uneven_spacing(tmp_path):
    series = Series(numbers((4, 5, 9)))
    series.positions = np.round(series.positions + np.arange(9)[:, None] * [0, 0, 1 / 3], 2)
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert not image.geometry.is_uneven
    assert image.warnings == []


def test_gantry_tilt_is_a_sheared_grid(tmp_path):
    series = Series(numbers((4, 5, 6)))
    series.positions = series.positions + np.arange(6)[:, None] * [0.0, 0.8, 0.0]
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert image.geometry.is_sheared
    assert not image.geometry.is_uneven
    assert "gantry tilt of 17.7°" in image.warnings[0]
    check_places(image, series)


def test_of_two_slices_at_one_place_the_first_is_kept(tmp_path):
    series = Series(numbers((4, 5, 6)))
    series.positions[3] = series.positions[2]
    series.positions[4:] -= series.normal * 2.5
    series.write(tmp_path, order=[3, 0, 1, 2, 4, 5])
    image = read_volume(tmp_path)
    assert image.array.shape == (4, 5, 5)
    assert "1 of its 6 slices lie where another one does" in image.warnings[0]
    check_places(image, series, [0, 1, 2, 4, 5])


def test_one_slice_gets_its_thickness(tmp_path):
    series = Series(numbers((4, 5, 1)), ORIENTATIONS["sagittal"], every={"SliceThickness": "3.5"})
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert image.geometry.shape == (1, 4, 5)
    assert image.geometry.spacing == pytest.approx((3.5, 0.7, 0.9))
    check_places(image, series)


@pytest.mark.parametrize(
    ("stored", "every", "slices", "expected"),
    [
        (np.uint16, {"RescaleSlope": "1", "RescaleIntercept": "-1024"}, {}, np.int16),
        (np.int16, {"RescaleSlope": "2", "RescaleIntercept": "-24"}, {}, np.int16),
        (np.uint16, {"RescaleSlope": "40", "RescaleIntercept": "0"}, {}, np.int32),
        (np.uint16, {"RescaleSlope": "0.25", "RescaleIntercept": "0"}, {}, np.float32),
        (np.uint16, {"RescaleIntercept": "0"}, {1: {"RescaleSlope": "0.5"}}, np.float32),
        (np.uint16, {"RescaleSlope": "1", "RescaleIntercept": "-1000"}, {2: {"RescaleSlope": "2"}}, np.int16),
        (np.uint8, {}, {}, np.uint8),
        (np.int16, {}, {}, np.int16),
    ],
)
def test_slope_and_intercept_of_each_slice(tmp_path, stored, every, slices, expected):
    values = numbers((4, 5, 3), np.uint16 if stored != np.int16 else np.int16)
    series = Series(
        (values % 250 if stored == np.uint8 else values).astype(stored), every=every, slices=slices
    )
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert image.array.dtype == expected
    right = series.values.astype(float)
    for at in range(3):
        fields = every | slices.get(at, {})
        slope, intercept = float(fields.get("RescaleSlope", 1)), float(fields.get("RescaleIntercept", 0))
        right[:, :, at] = right[:, :, at] * slope + intercept
    assert np.array_equal(image.source.axis_map.inverse().apply(image.array), right.astype(expected))


def test_photometric_unit_and_the_first_window_are_noted(tmp_path):
    series = Series(
        numbers((4, 5, 3), np.uint16),
        every={
            "PhotometricInterpretation": "MONOCHROME1",
            "WindowCenter": ["40", "-600"],
            "WindowWidth": ["400", "1500"],
        },
    )
    series.write(tmp_path)
    image = read_volume(tmp_path)
    assert (image.photometric, image.window, image.unit) == ("MONOCHROME1", (40.0, 400.0), "HU")
    assert np.array_equal(image.source.axis_map.inverse().apply(image.array), series.values)


def test_series_are_told_apart_by_uid_orientation_size_and_spacing(tmp_path):
    first = Series(numbers((4, 5, 6)))
    scout = Series(numbers((9, 8, 1)), ORIENTATIONS["coronal"], uid=first.uid)
    finer = Series(numbers((4, 5, 3)), spacing=(0.7, 0.8), uid=first.uid)
    other = Series(numbers((4, 5, 2)))
    for name, series in (("a", first), ("b", scout), ("c", finer), ("d", other)):
        series.write(tmp_path / name)
    found = find_scans(tmp_path)
    assert all(isinstance(entry, FoundScan) for entry in found)
    assert sorted(len(entry.files) for entry in found) == [1, 2, 3, 6]
    assert len({entry.name for entry in found}) == 4
    with pytest.raises(FileFormatError, match="4 scans"):
        read_volume(tmp_path)


def test_a_series_may_be_given_file_by_file(tmp_path):
    paths = Series(numbers((4, 5, 6))).write(tmp_path)
    (found,) = find_scans(*paths)
    assert found.read().array.shape == (4, 5, 6)


def test_bad_files_do_not_stop_the_rest_and_are_named(tmp_path):
    series = Series(numbers((4, 5, 6)))
    series.write(tmp_path / "good")
    (tmp_path / "text.dcm").write_text("This is a shopping list: milk, bread, and a dozen eggs.")
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("not a scan, and not said to be one")
    rtstruct([np.zeros((3, 3))]).save_as(tmp_path / "contours.dcm", enforce_file_format=True)
    whole = (tmp_path / "good" / "IM0000.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:300])
    missing = Series(numbers((4, 5, 2)), every={"PixelSpacing": None})
    missing.write(tmp_path / "nospacing")
    found = find_scans(tmp_path)
    reasons = {entry.path.name: entry.reason for entry in found if isinstance(entry, BadFile)}
    assert reasons["text.dcm"] == "it is no DICOM file"
    assert "empty.dcm" in reasons
    assert "readme.txt" not in reasons
    assert "PixelSpacing" in reasons["IM0000.dcm"]
    assert [entry.modality for entry in found if isinstance(entry, NotAnImage)].count("RTSTRUCT") == 1
    scans = [entry for entry in found if isinstance(entry, FoundScan)]
    assert [len(entry.files) for entry in scans] == [6]
    with pytest.raises(FileFormatError, match=r"text\.dcm.*no DICOM file"):
        read_volume(tmp_path / "text.dcm")


def test_a_slice_cut_short_counts_as_missing_and_is_named(tmp_path):
    series = Series(numbers((40, 50, 6)))
    paths = series.write(tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:-500])
    image = read_volume(tmp_path)
    assert image.array.shape == (40, 50, 5)
    assert any("IM0002.dcm was left out" in warning for warning in image.warnings)
    assert any("missing between slice 2 and 3" in warning for warning in image.warnings)
    check_places(image, series, [0, 1, 3, 4, 5])


@pytest.mark.parametrize("name", ["RLE", "jp2klossless", "jpeg_ls_lossless", "expb", "bigendian"])
def test_every_transfer_syntax_gives_the_same_pixels(name):
    plain = read_volume(pydicom.data.get_testdata_file("MR_small.dcm", download=False))
    packed = read_volume(pydicom.data.get_testdata_file(f"MR_small_{name}.dcm", download=False))
    assert np.array_equal(packed.array, plain.array)
    assert packed.geometry == plain.geometry


@given(seeds)
def test_any_stack_of_slices_is_put_where_it_was(seed):
    random = np.random.default_rng(seed)
    axes = Rotation.random(random_state=random).as_matrix()
    count = int(random.integers(2, 12))
    gaps = random.choice([1.0, 1.0, 2.0, 1.3], count) * random.uniform(0.5, 5)
    in_plane = random.choice([0.0, 0.4]) * np.arange(count)[:, None] * axes[:, 0]
    positions = random.uniform(-200, 200, 3) + np.cumsum(gaps)[:, None] * axes[:, 2] + in_plane
    shuffled = random.permutation(count)
    result = order_slices(positions[shuffled], tuple(axes.T[:2].ravel()), (0.7, 0.9), (5, 6))
    assert np.array_equal(shuffled[result.order], np.arange(count))
    index = np.zeros((count, 3))
    index[:, 2] = np.arange(count)
    assert np.abs(result.geometry.ijk_to_lps(index) - positions).max() <= max(0.02 * np.median(gaps), 0.01)
