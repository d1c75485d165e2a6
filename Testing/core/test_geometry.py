"""VolumeGeometry and AxisMap: no voxel ever changes its place in the patient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given

from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from support.grids import every_voxel, kinds, random_geometry, seeds

ALL_AXES = [
    (permutation, flips)
    for permutation in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


@pytest.mark.parametrize(("permutation", "flips"), ALL_AXES)
def test_every_order_and_direction_of_axes_becomes_ras(permutation, flips):
    target = VolumeGeometry((3, 4, 5), np.diag([1.0, 2.0, 3.0, 1.0]))
    to_target = AxisMap(permutation, flips, target.shape)
    source = target.remapped(to_target.inverse())
    canonical, axis_map = source.canonical()
    assert canonical.is_close(target, 1e-9)
    assert axis_map == to_target
    values = np.arange(60).reshape(source.shape)
    indices = every_voxel(source.shape)
    turned = axis_map.apply(values)
    for index, moved in zip(indices, axis_map.apply_to_index(indices), strict=True):
        assert turned[tuple(moved)] == values[tuple(index)]


@given(seeds, kinds)
def test_canonical_keeps_the_place_of_every_voxel(seed, kind):
    source = random_geometry(np.random.default_rng(seed), kind)
    canonical, axis_map = source.canonical()
    indices = every_voxel(source.shape)
    places = canonical.ijk_to_ras(axis_map.apply_to_index(indices))
    assert np.allclose(places, source.ijk_to_ras(indices), rtol=0, atol=1e-9)


@given(seeds, kinds)
@example(622, "uneven")
def test_canonical_axes_grow_toward_right_anterior_superior(seed, kind):
    canonical, _ = random_geometry(np.random.default_rng(seed), kind).canonical()
    assert (np.diag(canonical.directions) >= -1e-12).all()
    again, axis_map = canonical.canonical()
    assert axis_map.is_identity
    assert again == canonical


@given(seeds, kinds)
def test_ras_and_back_is_the_same_index(seed, kind):
    random = np.random.default_rng(seed)
    geometry = random_geometry(random, kind)
    index = random.uniform(-1.5, np.array(geometry.shape) + 0.5, (50, 3))
    assert np.allclose(geometry.ras_to_ijk(geometry.ijk_to_ras(index)), index, rtol=0, atol=1e-7)
    assert np.allclose(geometry.lps_to_ijk(geometry.ijk_to_lps(index)), index, rtol=0, atol=1e-7)


@given(seeds)
def test_the_inverse_axis_map_undoes_it(seed):
    random = np.random.default_rng(seed)
    axis_map = AxisMap(
        tuple(int(a) for a in random.permutation(3)),
        tuple(bool(f) for f in random.integers(0, 2, 3)),
        tuple(int(n) for n in random.integers(1, 6, 3)),
    )
    back = axis_map.inverse()
    array = random.integers(0, 1000, back.shape)
    assert np.array_equal(back.apply(axis_map.apply(array)), array)
    assert np.allclose(back.matrix() @ axis_map.matrix(), np.eye(4))
    assert back.inverse() == axis_map


@given(seeds, kinds)
def test_json_gives_the_same_geometry_bit_by_bit(seed, kind):
    geometry = random_geometry(np.random.default_rng(seed), kind)
    again = VolumeGeometry.from_json(geometry.to_json())
    assert np.array_equal(again.ijk_to_ras_matrix, geometry.ijk_to_ras_matrix)
    assert again == geometry
    assert again.is_uneven == geometry.is_uneven


@given(seeds)
def test_itk_terms_and_back(seed):
    geometry = random_geometry(np.random.default_rng(seed), "sheared")
    assert VolumeGeometry.from_lps(geometry.shape, *geometry.lps_terms()).is_close(geometry, 1e-9)
    assert geometry.is_sheared


def test_uneven_slices_are_interpolated_between_and_continued_beyond():
    origins = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 4.0]])
    geometry = VolumeGeometry((2, 2, 3), np.diag([1, 1, 2.0, 1]), 2, origins)
    heights = geometry.ijk_to_ras([[0, 0, -1], [0, 0, 0.5], [0, 0, 1.5], [0, 0, 3]])[:, 2]
    assert heights == pytest.approx([-1, 0.5, 2.5, 7])
    assert geometry.slice_thicknesses() * 2 == pytest.approx([1, 2, 3])


def test_grids_that_differ_are_told_apart():
    geometry = VolumeGeometry((3, 4, 5), np.diag([1.0, 2.0, 3.0, 1.0]))
    moved = geometry.ijk_to_ras_matrix.copy()
    moved[0, 3] += 0.01
    assert not geometry.is_close(VolumeGeometry(geometry.shape, moved))
    assert geometry.is_close(VolumeGeometry(geometry.shape, moved), 0.05)
    assert not geometry.is_close(VolumeGeometry((3, 4, 6), geometry.ijk_to_ras_matrix))


@pytest.mark.parametrize(
    ("shape", "matrix"),
    [
        ((3, 0, 5), np.eye(4)),
        ((3, 4), np.eye(4)),
        ((3, 4, 5), np.diag([1.0, 1.0, 0.0, 1.0])),
        ((3, 4, 5), np.full((4, 4), np.nan)),
        ((3, 4, 5), np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])),
    ],
)
def test_what_is_no_grid_is_refused(shape, matrix):
    with pytest.raises(GeometryError):
        VolumeGeometry(shape, matrix)
