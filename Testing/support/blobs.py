"""Random objects with a scan that shows them, for tests of interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelInterpolateLib.problem import Problem
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane


def blob(random: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """A smooth random object of some parts, perhaps with holes; it may touch the border."""
    noise = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(2, 4))
    return np.asfortranarray(noise > np.quantile(noise, random.uniform(0.6, 0.9)))


def scan_of(random: np.random.Generator, mask: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Bright where the object is, a little blurred, with noise."""
    bright = ndimage.gaussian_filter(mask.astype(np.float32), 0.7) * 200
    return np.asfortranarray((bright + random.normal(0, 25, mask.shape)).astype(np.int16))


def random_problem(
    random: np.random.Generator, shape: tuple[int, int, int] | None = None, planes: int = 1
) -> tuple[Problem, NDArray[np.bool_]]:
    """A problem and its truth: key slices of one or more planes on an oblique, anisotropic grid."""
    shape = shape or tuple(int(n) for n in random.integers(14, 34, 3))
    truth = blob(random, shape)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = turn * random.uniform(0.5, 3, 3)
    keys = {}
    for axis in random.permutation(3)[:planes]:
        count = int(random.integers(2, 6))
        found = random.choice(shape[axis], min(count, shape[axis]), replace=False)
        keys[Plane.of_axis(int(axis))] = tuple(int(n) for n in found)
    problem = Problem(VolumeGeometry(shape, matrix), keys, Mask.from_array(truth), scan_of(random, truth))
    return problem, truth
