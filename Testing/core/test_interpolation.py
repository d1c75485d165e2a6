"""Filling between drawn slices: what must hold of every method, and the shapes that are hard."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from MedLabelInterpolateLib.gaps import Gap, caps_of, gaps_beside, gaps_of
from MedLabelInterpolateLib.methods import (
    METHODS,
    InterpolationCancelled,
    fill_gap,
    filled_mask,
    interpolate,
)
from MedLabelInterpolateLib.problem import Problem
from MedLabelInterpolateLib.report import report_json
from MedLabelInterpolateLib.several import interpolate_several
from MedLabelInterpolateLib.weakness import expected_errors, next_slice
from MedLabelLib.model.errors import GeometryError, NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from support.blobs import random_problem, scan_of

OURS = ("shape", "image")


def _grid(shape, spacing=(1.0, 1.0, 1.0)):
    return VolumeGeometry(shape, np.diag([*spacing, 1.0]))


def _discs(shape, discs, spacing=(1.0, 1.0, 1.0), plane=Plane.AXIAL, image=None):
    """A problem of key slices with discs: slice → [(centre i, centre j, radius)]."""
    array = np.zeros(shape, bool, order="F")
    i, j = np.indices(shape[:2])
    for key, found in discs.items():
        for ci, cj, radius in found:
            array[:, :, key] |= (i - ci) ** 2 + (j - cj) ** 2 <= radius**2
    return Problem(_grid(shape, spacing), {plane: tuple(discs)}, Mask.from_array(array), image)


def _filled(problem, method="shape", **options):
    return filled_mask(problem, interpolate(problem, method, **options)).full() > 0


# -- gaps ------------------------------------------------------------------------------------------------


def test_gaps_are_the_runs_between_neighbouring_key_slices():
    assert gaps_of(Plane.AXIAL, (9, 2, 3, 3, 6)) == [Gap(Plane.AXIAL, 3, 6), Gap(Plane.AXIAL, 6, 9)]
    assert [list(gap.slices) for gap in gaps_of(Plane.AXIAL, (3, 6))] == [[4, 5]]
    assert gaps_of(Plane.AXIAL, ()) == gaps_of(Plane.AXIAL, (4,)) == gaps_of(Plane.AXIAL, (4, 5)) == []


def test_caps_reach_as_far_as_the_nearest_gap_but_not_out_of_the_volume():
    first, last = caps_of(Plane.CORONAL, (2, 7, 10), 20)
    assert list(first.slices) == [0, 1]
    assert list(last.slices) == [11, 12]
    assert caps_of(Plane.CORONAL, (5,), 20) == caps_of(Plane.CORONAL, (0, 19), 20) == []


def test_an_edit_touches_the_gaps_beside_it_and_one_of_another_plane_all():
    gaps = gaps_of(Plane.AXIAL, (0, 4, 8, 12))
    assert gaps_beside(gaps, Plane.AXIAL, 4) == gaps[:2]
    assert gaps_beside(gaps, Plane.AXIAL, 6) == gaps[1:2]
    assert gaps_beside(gaps, Plane.SAGITTAL, 4) == gaps


# -- what holds of every method --------------------------------------------------------------------------


@pytest.mark.prove
def test_drawn_slices_stay_and_nothing_forbidden_is_taken(proof):
    for random in proof.cases(sample=25, full=400):
        problem, truth = random_problem(random, planes=int(random.integers(1, 4)))
        locked = random.random(truth.shape) < 0.05
        problem = replace(problem, forbidden=lambda box, locked=locked: locked[box.slices])
        known = problem.known(problem.mask_box.whole(truth.shape))
        for method in OURS:
            fills = interpolate(problem, method, gaps=problem.gaps(caps=True))
            result = filled_mask(problem, fills).full() > 0
            assert (result[known] == truth[known]).all()
            assert not (result & locked & ~known).any()
            for fill in fills:
                assert len(fill.doubt) == len(fill.gap.slices)
                assert np.isfinite(fill.doubt).all()
                assert (fill.voxels == fill_gap(problem, fill.gap, method).voxels).all()


@pytest.mark.prove
def test_a_turned_copy_of_the_problem_is_filled_as_the_turned_fill(proof):
    for random in proof.cases(sample=12, full=150):
        problem, _ = random_problem(random)
        order = random.permutation(3)
        flips = random.random(3) < 0.5

        def turned(array, order=order, flips=flips):
            cut = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
            return np.asfortranarray(array.transpose(order)[cut])

        shape = tuple(problem.geometry.shape[axis] for axis in order)
        matrix = np.diag([*(problem.geometry.spacing[axis] for axis in order), 1.0])
        keys = {}
        for plane, found in problem.key_slices.items():
            axis = int(np.flatnonzero(order == plane.axis)[0])
            keys[Plane.of_axis(axis)] = tuple(shape[axis] - 1 - key if flips[axis] else key for key in found)
        mask = Mask.from_array(turned(problem.mask.full()))
        copy = Problem(VolumeGeometry(shape, matrix), keys, mask, turned(problem.image))
        for method in OURS:
            there, here = _filled(copy, method), turned(_filled(problem, method))
            # ties may fall either way
            assert np.count_nonzero(there != here) <= max(2, 0.002 * np.count_nonzero(here))


@pytest.mark.parametrize("method", OURS)
def test_nothing_to_fill_is_nothing(method):
    shape = (12, 12, 9)
    image = np.zeros(shape, np.int16, order="F")
    ball = np.zeros(shape, bool, order="F")
    ball[3:9, 3:9, 2:7] = True
    full, empty = Mask.from_array(ball), Mask(shape)
    every = {Plane.AXIAL: tuple(range(9))}
    for keys, mask in (
        ({}, full),
        ({Plane.AXIAL: ()}, full),
        ({Plane.AXIAL: (4,)}, full),
        (every, full),
        ({Plane.AXIAL: (4, 5)}, full),
    ):
        assert interpolate(Problem(_grid(shape), keys, mask, image), method) == []
    fills = interpolate(Problem(_grid(shape), {Plane.AXIAL: (0, 4)}, empty, image), method)
    assert [fill.filled for fill in fills] == [0]
    result = filled_mask(Problem(_grid(shape), every, full, image), [])
    assert result == full


@pytest.mark.parametrize("method", OURS)
def test_an_object_that_fills_its_slices_to_the_border_goes_on(method):
    shape = (10, 12, 9)
    whole = Mask.from_array(np.ones(shape, bool, order="F"))
    problem = Problem(_grid(shape), {Plane.AXIAL: (0, 8)}, whole, np.zeros(shape, np.int16, order="F"))
    assert _filled(problem, method).all()


def test_key_slices_outside_the_volume_and_grids_that_differ_are_refused():
    with pytest.raises(GeometryError, match="slice"):
        Problem(_grid((4, 4, 4)), {Plane.AXIAL: (1, 4)}, Mask((4, 4, 4)))
    with pytest.raises(GeometryError, match="mask"):
        Problem(_grid((4, 4, 4)), {}, Mask((4, 4, 5)))


def test_a_method_is_named_and_may_need_a_scan():
    problem = _discs((20, 20, 9), {0: [(10, 10, 5)], 8: [(10, 10, 5)]})
    with pytest.raises(NotFoundError, match="shape"):
        interpolate(problem, "guess")
    with pytest.raises(NotFoundError, match="scan"):
        interpolate(problem, "image")
    assert (_filled(problem, None) == _filled(problem, "shape")).all()
    assert all(name == method.name and method.title for name, method in METHODS.items())


def test_progress_is_told_and_cancelling_ends():
    problem = _discs((20, 20, 13), {0: [(10, 10, 5)], 6: [(10, 10, 5)], 12: [(10, 10, 5)]})
    told = []
    interpolate(problem, "shape", progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    with pytest.raises(InterpolationCancelled):
        interpolate(problem, "shape", cancel=lambda: True)


# -- shapes that are hard ----------------------------------------------------------------------------------


def _parts(array):
    from scipy import ndimage

    return ndimage.label(array, structure=np.ones((3,) * array.ndim))[1]


def test_parts_that_do_not_overlap_are_joined():
    result = _filled(_discs((40, 20, 9), {0: [(8, 10, 4)], 8: [(18, 10, 4)]}))
    assert _parts(result) == 1
    middle = np.argwhere(result[:, :, 4]).mean(axis=0)
    assert np.allclose(middle, (13, 10), atol=0.6)
    assert abs(np.count_nonzero(result[:, :, 4]) - np.count_nonzero(result[:, :, 0])) <= 8


def test_a_part_far_away_is_another_and_both_close():
    result = _filled(_discs((70, 20, 9), {0: [(8, 10, 4)], 8: [(60, 10, 4)]}))
    assert _parts(result) == 2
    assert not result[:, :, 4].any()


def test_a_part_splits_and_two_move_apart_each_to_its_own():
    result = _filled(_discs((60, 30, 9), {0: [(30, 15, 12)], 8: [(22, 15, 4), (38, 15, 4)]}))
    assert _parts(result) == 1
    result = _filled(_discs((60, 30, 9), {0: [(12, 15, 4), (40, 15, 4)], 8: [(20, 15, 4), (48, 15, 4)]}))
    assert _parts(result) == 2
    assert _parts(result[:, :, 4]) == 2


def test_a_part_that_the_next_slice_lacks_ends_half_way():
    problem = _discs((50, 20, 11), {0: [(12, 10, 6), (38, 10, 6)], 10: [(12, 10, 6)]})
    result = _filled(problem)
    sizes = [int(np.count_nonzero(result[26:, :, k])) for k in range(11)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[4] > 0 == sizes[5]
    assert (result[:26, :, 5] == result[:26, :, 0]).all()


def test_a_hole_stays_a_hole():
    problem = _discs((30, 30, 9), {0: [(15, 15, 10)], 8: [(15, 15, 10)]})
    array = problem.mask.full() > 0
    array[13:18, 13:18, [0, 8]] = False
    result = _filled(replace(problem, mask=Mask.from_array(array)))
    assert all((result[:, :, k] == array[:, :, 0]).all() for k in range(9))


def test_uneven_slices_count_by_their_places():
    shape = (40, 40, 3)
    origins = np.zeros((3, 3))
    origins[:, 2] = (0.0, 9.0, 10.0)
    discs = _discs(shape, {0: [(20, 20, 5)], 2: [(20, 20, 15)]})
    uneven = VolumeGeometry(shape, np.diag([1.0, 1.0, 5.0, 1.0]), 2, origins)
    sizes = [np.count_nonzero(_filled(replace(discs, geometry=g))[:, :, 1]) for g in (discs.geometry, uneven)]
    assert [round(float(np.sqrt(size / np.pi))) for size in sizes] == [10, 14]


def test_caps_close_like_a_dome():
    i, j, k = np.indices((50, 50, 50))
    ball = (i - 25) ** 2 + (j - 25) ** 2 + (k - 25) ** 2 <= 20**2
    problem = Problem(_grid(ball.shape), {Plane.AXIAL: tuple(range(9, 45, 6))}, Mask.from_array(ball))
    without, caps = _filled(problem), _filled(problem, gaps=problem.gaps(caps=True))
    assert not without[:, :, :9].any()
    assert caps[:, :, 5:9].any()
    assert np.count_nonzero(caps != ball) < np.count_nonzero(without != ball)


def test_three_single_slices_of_three_planes_make_a_body():
    i, j, k = np.indices((60, 50, 40))
    body = ((i - 30) / 22) ** 2 + ((j - 25) / 18) ** 2 + ((k - 20) / 14) ** 2 <= 1
    keys = {Plane.AXIAL: (20,), Plane.SAGITTAL: (30,), Plane.CORONAL: (25,)}
    result = _filled(Problem(_grid(body.shape), keys, Mask.from_array(body)))
    assert 2 * np.count_nonzero(result & body) / (result.sum() + body.sum()) > 0.95


def test_a_crossing_slice_corrects_what_the_others_cannot_know():
    i, j, k = np.indices((40, 40, 21))
    bulge = np.hypot(i - 20, j - 20) <= 6 + 8 * np.sin(np.pi * k / 20)
    keys = {Plane.AXIAL: (0, 20)}
    alone = Problem(_grid(bulge.shape), keys, Mask.from_array(bulge))
    crossed = replace(alone, key_slices={**keys, Plane.SAGITTAL: (20,)})
    assert crossed.plane is Plane.AXIAL
    wrong = [np.count_nonzero(_filled(problem) != bulge) for problem in (alone, crossed)]
    assert wrong[1] < 0.6 * wrong[0]


def test_the_scan_decides_where_it_shows_the_object():
    random = np.random.default_rng(3)
    i, j, k = np.indices((70, 60, 11))
    rod = (i - 20 - 25 * np.sin(np.pi * k / 20)) ** 2 + (j - 30) ** 2 <= 8**2
    problem = Problem(_grid(rod.shape), {Plane.AXIAL: (0, 10)}, Mask.from_array(rod), scan_of(random, rod))
    missed = {
        method: np.count_nonzero(_filled(problem, method) != rod) / (2 * np.count_nonzero(rod))
        for method in OURS
    }
    assert missed["image"] < 0.5 * missed["shape"]


# -- several objects ---------------------------------------------------------------------------------------


@pytest.mark.prove
def test_several_objects_never_share_a_voxel(proof):
    for random in proof.cases(sample=10, full=150):
        first, truth = random_problem(random)
        second, other = random_problem(random, first.geometry.shape)
        second = replace(second, geometry=first.geometry, mask=Mask.from_array(other & ~truth))
        problems = {"a": first, "b": second}
        fills = interpolate_several(problems, "shape")
        masks = {key: filled_mask(problems[key], fills[key]).full() > 0 for key in problems}
        assert not (masks["a"] & masks["b"]).any()
        for key, problem in problems.items():
            known = problem.known(problem.mask.box.whole(truth.shape))
            assert (masks[key][known] == (problem.mask.full() > 0)[known]).all()


# -- where it is weak --------------------------------------------------------------------------------------


def test_the_next_slice_lies_where_most_is_unknown():
    i, j, k = np.indices((60, 60, 41))
    cone = np.hypot(i - 30, j - 30) <= np.where(k < 20, 10, 10 + 0.05 * (k - 20) ** 2)
    problem = Problem(_grid(cone.shape), {Plane.AXIAL: (0, 10, 20, 40)}, Mask.from_array(cone))
    fills = interpolate(problem, "shape")
    errors = expected_errors(problem, fills, "shape")
    plane, index = next_slice(errors)
    assert plane is Plane.AXIAL
    assert 26 <= index <= 34
    assert errors[fills[2].gap].error > errors[fills[0].gap].error
    assert all(0 <= error.error <= 1 and error.slice_index in gap.slices for gap, error in errors.items())
    report = report_json("cone", "shape", fills, errors)
    assert report["filled"] == sum(row["filled"] for row in report["gaps"]) > 0
    assert [row["slices"] for row in report["gaps"]] == [9, 9, 19]
    assert next_slice({}) is None


def test_the_next_slice_counts_what_it_puts_right_on_the_slices_beside_it():
    """One slice in great doubt, in a narrow gap, gains less than the middle of a wide one."""
    block = np.ones((4, 4, 31), bool)
    problem = Problem(_grid(block.shape), {Plane.AXIAL: (0, 2, 24)}, Mask.from_array(block))
    narrow, wide = interpolate(problem, "shape")
    fills = [replace(narrow, doubt=(30.0,)), replace(wide, doubt=(10.0,) * 21)]
    errors = expected_errors(problem, fills, "shape", leave_out=False)
    assert errors[narrow.gap].gain == 30.0
    assert next_slice(errors) == (Plane.AXIAL, 13)
    assert 30 < errors[wide.gap].gain < errors[wide.gap].voxels == 210


def test_a_doubt_that_proved_too_small_is_raised():
    i, j, k = np.indices((60, 60, 25))
    swaying = np.hypot(i - 30 - 14 * ((k // 6) % 2), j - 30) <= 9
    problem = Problem(_grid(swaying.shape), {Plane.AXIAL: tuple(range(0, 25, 6))}, Mask.from_array(swaying))
    fills = interpolate(problem, "shape")
    with_it = expected_errors(problem, fills, "shape")
    without = expected_errors(problem, fills, "shape", leave_out=False)
    assert all(with_it[gap].voxels > without[gap].voxels for gap in with_it)


def test_gaps_at_all_places_agree_with_the_whole():
    problem = _discs((40, 40, 25), {k: [(20 + k // 3, 20, 6 + k // 4)] for k in range(0, 25, 6)})
    fills = {fill.gap: fill for fill in interpolate(problem, "shape")}
    for before, after in itertools.pairwise(range(0, 25, 6)):
        alone = replace(problem, key_slices={Plane.AXIAL: (before, after)})
        (gap,) = alone.gaps()
        assert (fill_gap(alone, gap, "shape").voxels == fills[gap].voxels).all()
