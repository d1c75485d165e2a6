"""NRRD, NIfTI and MetaImage files, whole, damaged and odd, beside the libraries that are their reference."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given

from MedLabelLib.model.errors import FileFormatError, NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.volumes.found import BadFile, FoundScan
from MedLabelLib.volumes.nifti_file import read_nifti, write_nifti
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans
from support.dicom_files import numbers
from support.grids import every_voxel, random_geometry, random_matrix, seeds


def write_itk(path: Path, array: np.ndarray, geometry: VolumeGeometry, compressed: bool = False) -> Path:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    origin, spacing, direction = geometry.lps_terms()
    image.SetOrigin(origin.tolist())
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path), compressed)
    return path


def write_nibabel(path: Path, array: np.ndarray, affine: np.ndarray, sform: int = 1, qform: int = 0) -> Path:
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, sform)
    image.set_qform(affine if qform else None, qform)
    nibabel.save(image, path)
    return path


@given(seed=seeds)
@pytest.mark.parametrize("name", ["scan.nrrd", "scan.nhdr", "scan.mha", "scan.mhd"])
def test_itk_files_keep_every_voxel_at_its_place(tmp_path_factory, name, seed):
    random = np.random.default_rng(seed)
    geometry = random_geometry(random, random.choice(["even", "sheared", "single"]))
    dtype = random.choice([np.int16, np.uint8, np.uint16, np.float32])
    array = random.integers(0, 200, geometry.shape).astype(dtype)
    path = write_itk(tmp_path_factory.mktemp("itk") / name, array, geometry, bool(random.integers(2)))
    image = read_volume(path)
    assert image.array.dtype == array.dtype
    assert image.array.flags.f_contiguous
    assert image.source.geometry.is_close(geometry, 1e-5)
    assert np.array_equal(image.source.axis_map.inverse().apply(image.array), array)
    indices = every_voxel(geometry.shape)
    moved = np.rint(image.geometry.ras_to_ijk(geometry.ijk_to_ras(indices))).astype(int)
    assert np.array_equal(image.array[tuple(moved.T)], array[tuple(indices.T)])
    assert image.suggested_name == "scan"


@given(seeds)
def test_nifti_is_read_as_nibabel_reads_it(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    sheared = bool(random.integers(2))
    matrix = random_matrix(random, sheared)
    array = numbers(tuple(random.integers(1, 7, 3)), seed=seed)
    sform = int(random.integers(0 if not sheared else 1, 2))
    suffix = random.choice([".nii", ".nii.gz", ".hdr"])
    path = tmp_path_factory.mktemp("nifti") / f"a scan{suffix}"
    if suffix == ".hdr":
        pair = nibabel.Nifti1Pair(array, matrix)
        pair.set_sform(matrix, 1)
        nibabel.save(pair, path)
    else:
        write_nibabel(path, array, matrix, sform, 0 if sform else 1)
    image = read_volume(path)
    expected = nibabel.load(path)
    assert np.allclose(image.source.geometry.ijk_to_ras_matrix, expected.affine, rtol=1e-6, atol=1e-4)
    back = image.source.axis_map.inverse().apply(image.array)
    assert np.array_equal(back, np.asanyarray(expected.dataobj))
    assert image.suggested_name == "a scan"
    assert image.warnings == []


@given(seeds)
def test_written_nifti_is_what_nibabel_and_itk_read(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    sheared = bool(random.integers(2))
    geometry = VolumeGeometry(tuple(random.integers(1, 7, 3)), random_matrix(random, sheared))
    array = random.integers(0, 100, geometry.shape).astype(random.choice([np.int16, np.uint8, np.float32]))
    path = tmp_path_factory.mktemp("nifti") / random.choice(["a.nii", "a.nii.gz"])
    write_nifti(path, array, geometry)
    loaded = nibabel.load(path)
    assert np.array_equal(np.asanyarray(loaded.dataobj), array)
    assert loaded.get_data_dtype() == array.dtype
    assert np.allclose(loaded.affine, geometry.ijk_to_ras_matrix, rtol=1e-6, atol=1e-4)
    if not sheared:
        assert np.allclose(loaded.get_qform(), geometry.ijk_to_ras_matrix, rtol=1e-5, atol=1e-3)
        image = sitk.ReadImage(str(path))
        assert np.array_equal(sitk.GetArrayFromImage(image).T, array)
        terms = (image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection())
        assert VolumeGeometry.from_lps(*terms).is_close(geometry)


def test_nifti_2_and_the_other_byte_order(tmp_path):
    array, matrix = numbers((3, 4, 5)), random_matrix(np.random.default_rng(1))
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    big = nibabel.Nifti1Image(array, matrix, header)
    nibabel.save(big, tmp_path / "big.nii")
    nibabel.save(nibabel.Nifti2Image(array, matrix), tmp_path / "two.nii")
    for name in ("big.nii", "two.nii"):
        image = read_volume(tmp_path / name)
        assert np.array_equal(image.source.axis_map.inverse().apply(image.array), array)
        assert image.array.dtype == np.dtype("=i2")


def test_nifti_slope_gives_values(tmp_path):
    image = nibabel.Nifti1Image(numbers((3, 4, 5)), np.eye(4))
    image.header.set_slope_inter(2, -10)
    image.to_filename(tmp_path / "a.nii")
    read = read_volume(tmp_path / "a.nii")
    assert read.array.dtype == np.int16
    assert np.array_equal(read.array, nibabel.load(tmp_path / "a.nii").get_fdata())


def test_a_nifti_that_says_no_orientation_is_read_with_a_warning(tmp_path):
    write_nibabel(tmp_path / "a.nii", numbers((3, 4, 5)), np.diag([2.0, 3, 4, 1]), sform=0)
    image = read_volume(tmp_path / "a.nii")
    assert image.geometry.spacing == pytest.approx((2, 3, 4))
    assert "left and right are assumed" in image.warnings[0]


def _shifted(x: float) -> np.ndarray:
    matrix = np.diag([2.0, 2, 2, 1])
    matrix[0, 3] = x
    return matrix


_EXCHANGED = np.array([[0.0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("qform", "apart"),
    [
        (np.diag([2.0, 2, 2, 1]), None),
        (_shifted(0.4), None),
        (_shifted(7.0), "7.0 mm"),
        (np.diag([-2.0, 2, 2, 1]), "16.0 mm"),
        # a cube with its first two axes exchanged has its first and last voxel where they were
        (_EXCHANGED, "11.3 mm"),
    ],
)
@pytest.mark.parametrize("metres", [False, True])
def test_an_sform_and_a_qform_that_contradict_each_other_are_told(tmp_path, qform, apart, metres):
    array, unit = numbers((5, 5, 5)), np.diag([*[0.001 if metres else 1.0] * 3, 1.0])
    image = nibabel.Nifti1Image(array, unit @ np.diag([2.0, 2, 2, 1]))
    image.set_sform(unit @ np.diag([2.0, 2, 2, 1]), 1)
    image.set_qform(unit @ qform, 1)
    image.header.set_xyzt_units("meter" if metres else "mm")
    nibabel.save(image, tmp_path / "a.nii")
    read = read_volume(tmp_path / "a.nii")
    # nibabel takes the sform too
    assert np.allclose(read.geometry.ijk_to_ras_matrix, np.diag([2.0, 2, 2, 1]), atol=1e-5)
    assert np.array_equal(read.array, array)
    told = [f"its sform and qform lie up to {apart} apart; the sform is used"] if apart else []
    assert read.warnings == told


@pytest.mark.parametrize("missing", [1, 100, 700])
@pytest.mark.parametrize(
    "name", ["raw.nrrd", "packed.nrrd", "apart.raw", "scan.nii", "scan.nii.gz", "raw.mha", "packed.mha"]
)
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, name, missing):
    array, geometry = numbers((11, 9, 7)), VolumeGeometry((11, 9, 7), np.diag([1.0, 2, 3, 1]))
    written = "apart.nhdr" if name == "apart.raw" else name
    write_itk(tmp_path / written, array, geometry, "packed" in name)
    assert np.array_equal(np.sort(read_volume(tmp_path / written).array.ravel()), np.sort(array.ravel()))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-missing])
    with pytest.raises(FileFormatError) as raised:
        read_volume(tmp_path / written)
    assert str(tmp_path) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("place", [2, 6, 30, 40, 333])
@pytest.mark.parametrize("name", ["scan.nrrd", "scan.nii.gz"])
def test_a_flipped_byte_in_a_packed_file_is_an_error(tmp_path, name, place):
    geometry = VolumeGeometry((11, 9, 7), np.diag([1.0, 2, 3, 1]))
    write_itk(tmp_path / name, numbers((11, 9, 7)), geometry, True)
    content = bytearray((tmp_path / name).read_bytes())
    content[-place] ^= 0x55
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError):
        read_volume(tmp_path / name)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    array = np.ones((3, 4, 5), dtype=np.float32)
    array[1, 1, 1:3] = np.nan, np.inf
    write_nibabel(tmp_path / "a.nii", array, np.eye(4))
    write_itk(tmp_path / "a.nrrd", array, VolumeGeometry(array.shape, np.eye(4)))
    for name in ("a.nii", "a.nrrd"):
        with pytest.raises(FileFormatError, match="2 of its voxels are not finite"):
            read_volume(tmp_path / name)


def test_colours_and_further_axes_are_refused(tmp_path):
    colours = sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / "rgb.nrrd"))
    write_nibabel(tmp_path / "time.nii", np.zeros((3, 4, 5, 2), np.int16), np.eye(4))
    write_nibabel(tmp_path / "one.nii", np.zeros((3, 4, 5, 1), np.int16), np.eye(4))
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4), np.uint8)), str(tmp_path / "flat.nrrd"))
    for name, why in (("rgb", "3 numbers per voxel"), ("flat", "2 axes")):
        with pytest.raises(FileFormatError, match=why):
            read_volume(tmp_path / f"{name}.nrrd")
    with pytest.raises(FileFormatError, match="4 axes"):
        read_volume(tmp_path / "time.nii")
    assert read_volume(tmp_path / "one.nii").array.shape == (3, 4, 5)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii", "a.nii.gz", "a.mha", "a.nhdr"])
@pytest.mark.parametrize(
    "content", [b"", b"milk, bread and eggs\n" * 40, gzip.compress(b"eggs" * 500, mtime=0)]
)
def test_a_file_of_another_kind_is_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (found,) = find_scans(tmp_path)
    with pytest.raises(FileFormatError, match=name):
        found.read()


def test_searching_goes_on_past_what_is_missing_or_bad(tmp_path):
    write_itk(tmp_path / "a.nrrd", numbers((3, 4, 5)), VolumeGeometry((3, 4, 5), np.eye(4)))
    found = find_scans(tmp_path / "none.nrrd", tmp_path, tmp_path / "a.nrrd")
    assert [type(entry) for entry in found] == [BadFile, FoundScan]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError):
        read_volume(tmp_path / "empty")


def test_a_header_cannot_claim_memory_that_the_file_does_not_fill(tmp_path):
    write_nibabel(tmp_path / "a.nii", numbers((3, 4, 5)), np.eye(4))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(FileFormatError, match="truncated"):
        read_nifti(tmp_path / "a.nii")


@pytest.mark.demo
@pytest.mark.parametrize("member", ["lung2_image.nrrd", "brain1_image.nrrd"])
def test_a_real_scan_lies_where_itk_says(demo_cache, member):
    path = demo_cache.file("radiomics", member)
    image, by_itk = read_volume(path), sitk.ReadImage(str(path))
    random = np.random.default_rng(2)
    for _ in range(200):
        index = tuple(int(random.integers(n)) for n in by_itk.GetSize())
        place = by_itk.TransformIndexToPhysicalPoint(index)
        assert image.array[tuple(np.rint(image.geometry.lps_to_ijk(place)).astype(int))] == by_itk[index]
