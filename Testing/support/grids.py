"""Random grids, and scans on them, as files would hold them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from MedLabelLib.model.geometry import VolumeGeometry


def random_matrix(random: np.random.Generator, sheared: bool = False) -> NDArray:
    """Voxels to RAS: any rotation, handedness and spacing, a shear of up to 20° on request."""
    axes = Rotation.random(random_state=random).as_matrix()
    if sheared:
        tilt = np.eye(3)
        tilt[random.integers(2), 2] = np.tan(np.radians(random.uniform(2, 20)))
        axes = axes @ tilt
    matrix = np.eye(4)
    matrix[:3, :3] = axes * random.uniform(0.3, 6.0, 3) * random.choice([-1.0, 1.0], 3)
    matrix[:3, 3] = random.uniform(-300, 300, 3)
    return matrix


def random_geometry(random: np.random.Generator, kind: str = "even") -> VolumeGeometry:
    """A small grid; ``kind`` is even, sheared, uneven or single (one slice)."""
    shape = random.integers(2, 8, 3)
    if kind == "single":
        shape[random.integers(3)] = 1
    matrix = random_matrix(random, sheared=kind == "sheared")
    if kind != "uneven":
        return VolumeGeometry(tuple(shape), matrix)
    axis = int(random.integers(3))
    places = np.cumsum(random.uniform(0.5, 2.5, shape[axis]))
    places *= (shape[axis] - 1) / (places[-1] - places[0])
    origins = matrix[:3, 3] + (places - places[0])[:, None] * matrix[:3, axis]
    return VolumeGeometry(tuple(shape), matrix, axis, origins)


def every_voxel(shape: tuple[int, int, int]) -> NDArray:
    """The indices of all voxels, shape ``(n, 3)``."""
    return np.stack(np.indices(shape), axis=-1).reshape(-1, 3)


seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["even", "sheared", "uneven", "single"])
