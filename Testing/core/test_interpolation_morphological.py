"""The morphological method gives voxel by voxel what the itk wheel gives, in a process that may die."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

from MedLabelApp.bench.interpolation_cases import cases, structures
from MedLabelInterpolateLib.contour_filter import ContourFilter, ContourFilterError
from MedLabelInterpolateLib.methods import METHODS, filled_mask, interpolate
from MedLabelInterpolateLib.problem import Problem
from support.blobs import random_problem
from support.proofs import scope


@pytest.fixture(scope="module")
def wheel():
    """The filter of the itk wheel, as it comes."""
    contours = ContourFilter("itk")
    contours.start()
    yield contours
    contours.close()


@pytest.fixture
def contours():
    contours = ContourFilter("slicer")
    yield contours
    contours.close()


def _drawn(problem: Problem) -> np.ndarray:
    """The whole volume with nothing but what is drawn."""
    whole = problem.mask.full() > 0
    return np.asfortranarray(whole & problem.known(problem.mask.box.whole(whole.shape)), dtype=np.uint8)


def _check(problem: Problem, wheel: ContourFilter) -> None:
    """The filter's output around the object, and what is filled, are the wheel's on the full volume.

    Filled are undrawn slices alone: the filter may also add to drawn ones, which the method never does.
    """
    expected = wheel.run(_drawn(problem)) > 0
    box, voxels = METHODS["morphological"]._filtered(problem)
    around = np.zeros_like(expected)
    around[box.slices] = voxels
    assert (around == expected).all()
    result = filled_mask(problem, interpolate(problem, "morphological")).full() > 0
    for gap in problem.gaps():
        for index in gap.slices:
            here = gap.plane.slice_index(index)
            assert (result[here] == expected[here]).all()


@pytest.mark.prove
def test_it_is_the_filter_of_the_itk_wheel(proof, wheel):
    filled = 0
    for random in proof.cases(sample=15, full=200):
        problem, _ = random_problem(random, planes=1)
        _check(problem, wheel)
        filled += sum(fill.filled for fill in interpolate(problem, "morphological"))
    assert filled > 0


@pytest.mark.prove
@pytest.mark.demo
def test_it_is_the_filter_of_the_itk_wheel_on_the_demo_scans(demo_cache, wheel):
    demo_cache.source("chest")
    demo_cache.source("radiomics")
    every = 1 if scope() == "full" else 25
    checked = 0
    for dataset in ("chest CT", "lesions"):
        for structure in structures(dataset, every):
            for case in cases(structure, ("every 6th",)):
                _check(case.problem, wheel)
                checked += 1
    assert checked >= 3


def test_a_process_that_was_killed_is_started_anew(contours):
    labels = np.zeros((9, 9, 9), np.uint8, order="F")
    labels[2:7, 2:7, [1, 7]] = 1
    first = contours.run(labels)
    assert first[4, 4, 4] == 1
    psutil.Process(contours._process.pid).kill()
    with pytest.raises(ContourFilterError):
        contours.run(labels)
    assert (contours.run(labels) == first).all()


def test_one_that_hangs_is_ended():
    contours = ContourFilter("slicer", limit=0.2)
    contours.start()
    process = psutil.Process(contours._process.pid)
    process.suspend()
    with pytest.raises(ContourFilterError, match="did not answer"):
        contours.run(np.zeros((9, 9, 9), np.uint8, order="F"))
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_cancelling_ends_it_at_once(contours):
    contours.start()
    process = psutil.Process(contours._process.pid)
    process.suspend()
    begin = time.monotonic()
    assert contours.run(np.zeros((9, 9, 9), np.uint8, order="F"), cancel=lambda: True) is None
    assert time.monotonic() - begin < 5
    assert contours.run(np.zeros((9, 9, 9), np.uint8, order="F")) is not None


def test_a_filter_that_is_not_there_is_named():
    with pytest.raises(ContourFilterError, match="neither"):
        ContourFilter("nowhere").run(np.zeros((3, 3, 3), np.uint8, order="F"))
