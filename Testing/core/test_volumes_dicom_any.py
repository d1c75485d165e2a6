"""Whole written series of any geometry, voxel by voxel and point by point beside independent readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from hypothesis import given
from scipy.spatial.transform import Rotation

from MedLabelLib.volumes.reading import read_volume
from support.dicom_files import Series, numbers
from support.grids import every_voxel, seeds


def _series(random: np.random.Generator, kind: str) -> Series:
    """Any rotation of the patient, either handedness, slices in either direction; ``kind`` tilts or
    spaces them."""
    axes = Rotation.random(random_state=random).as_matrix()
    if random.random() < 0.3:
        # along the patient's axes, flipped and exchanged at random
        axes = np.eye(3)[random.permutation(3)] * random.choice([-1.0, 1.0], (3, 1))
    count = int(random.integers(2, 7))
    shape = (int(random.integers(2, 7)), int(random.integers(2, 7)), count)
    dtype = random.choice([np.int16, np.uint16])
    rescale = {"RescaleSlope": "1", "RescaleIntercept": str(random.choice([0, -1024]))}
    series = Series(
        numbers(shape, dtype, seed=int(random.integers(1000))),
        tuple(axes[:2].ravel()),
        tuple(random.uniform(0.3, 4.0, 2)),
        every=rescale,
    )
    step = series.normal * random.uniform(0.5, 6.0) * random.choice([-1.0, 1.0])
    if kind == "tilted":
        step = step + axes[1] * np.linalg.norm(step) * np.tan(np.radians(random.uniform(2, 25)))
    along = np.arange(count, dtype=float)
    if kind == "uneven":
        along = np.cumsum(random.uniform(0.5, 1.5, count))
    series.positions = random.uniform(-200, 200, 3) + along[:, None] * step
    return series


def _by_pydicom(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Every voxel's place in LPS mm and its value, by the formula of PS3.3 C.7.6.2.1.1 from each file."""
    places, values = [], []
    for path in paths:
        image = pydicom.dcmread(path)
        position = np.array(image.ImagePositionPatient, float)
        along_row, down = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
        between_rows, between_columns = map(float, image.PixelSpacing)
        for row, column in np.ndindex(image.Rows, image.Columns):
            places.append(position + along_row * between_columns * column + down * between_rows * row)
        values.append(image.pixel_array.ravel() * float(image.RescaleSlope) + float(image.RescaleIntercept))
    return np.array(places), np.concatenate(values)


@given(seeds)
def test_any_series_is_what_pydicom_and_itk_read(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    kind = str(random.choice(["even", "tilted", "uneven"]))
    series = _series(random, kind)
    folder = tmp_path_factory.mktemp("series")
    paths = series.write(folder, random.permutation(series.values.shape[2]).tolist())
    image = read_volume(folder)
    assert (np.diag(image.geometry.directions) > 0).all() or kind == "tilted"

    places, values = _by_pydicom(paths)
    index = image.geometry.lps_to_ijk(places)
    voxels = np.rint(index).astype(int)
    assert np.abs(index - voxels).max() < 0.02
    assert len(np.unique(voxels, axis=0)) == len(voxels) == image.array.size
    assert np.array_equal(image.array[tuple(voxels.T)], values)
    # and from the voxels to the patient
    assert np.abs(image.geometry.ijk_to_lps(voxels) - places).max() < 0.02 * max(image.geometry.spacing)

    if kind == "even":
        # ITK squares what is tilted or uneven; its slices are sorted by GDCM
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series.uid)
        by_itk = sitk.ReadImage(names)
        indices = every_voxel(by_itk.GetSize())
        there = np.array([by_itk.TransformIndexToPhysicalPoint(at) for at in indices.tolist()])
        found = np.rint(image.geometry.lps_to_ijk(there)).astype(int)
        assert np.abs(image.geometry.ijk_to_lps(found) - there).max() < 1e-3
        assert np.array_equal(image.array[tuple(found.T)], sitk.GetArrayFromImage(by_itk).T[tuple(indices.T)])
