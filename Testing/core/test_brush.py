"""The brush's voxels, compared with its definition on grids of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from MedLabelLib.model.box import Box
from MedLabelLib.model.brush import brush_stroke
from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.planes import Plane
from support.plain_brush import plain_stroke

# mm
RIM = 1e-5


@st.composite
def grids(draw) -> VolumeGeometry:
    shape = draw(st.tuples(*[st.integers(1, 14)] * 3))
    spacing = [draw(st.floats(0.3, 4.0)) for _ in range(3)]
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * spacing
    matrix[0, :3] += draw(st.floats(-0.2, 0.2)) * matrix[1, :3]
    matrix[:3, 3] = random.normal(size=3) * 100
    return VolumeGeometry(shape, matrix)


@given(
    grid=grids(),
    plane=st.sampled_from(list(Plane)),
    path=st.lists(st.tuples(*[st.floats(-4, 18)] * 3), min_size=1, max_size=5),
    radius=st.floats(0, 9),
    where=st.floats(0, 1),
)
def test_the_brush_covers_what_its_definition_says(grid, plane, path, radius, where) -> None:
    index = min(int(where * grid.shape[plane.axis]), grid.shape[plane.axis] - 1)
    covered = np.zeros(grid.shape, dtype=bool)
    drawn = brush_stroke(grid, plane, index, path, radius)
    if drawn is not None:
        box, voxels = drawn
        assert Box.whole(grid.shape).holds(box)
        covered[box.slices] = voxels
    # a centre on the very rim may fall either way by rounding: a hair's breadth is allowed on both sides
    stroke = {"plane": plane.value, "index": index, "path": path}
    assert not (covered & ~plain_stroke(grid, {**stroke, "radius": radius + RIM})).any()
    if radius > RIM:
        assert not (plain_stroke(grid, {**stroke, "radius": radius - RIM}) & ~covered).any()
    for point in np.floor(np.array(path) + 0.5).astype(int):
        point[plane.axis] = index
        if (point >= 0).all() and (point < grid.shape).all():
            assert covered[tuple(point)]


def test_a_brush_without_width_paints_the_pixel_it_is_in() -> None:
    grid = VolumeGeometry((5, 6, 7), np.eye(4))
    box, voxels = brush_stroke(grid, Plane.AXIAL, 3, [[2.4, 3.6, 0.0]], 0.0)
    painted = np.zeros(grid.shape, dtype=bool)
    painted[box.slices] = voxels
    assert np.argwhere(painted).tolist() == [[2, 4, 3]]


@pytest.mark.parametrize(
    ("index", "path", "radius"),
    [
        (7, [[0, 0, 0]], 1.0),
        (-1, [[0, 0, 0]], 1.0),
        (0, [], 1.0),
        (0, [[0, np.nan, 0]], 1.0),
        (0, [[0, 0, 0]], -1.0),
    ],
)
def test_strokes_that_cannot_be_are_refused(index, path, radius) -> None:
    grid = VolumeGeometry((5, 6, 7), np.eye(4))
    with pytest.raises(GeometryError):
        brush_stroke(grid, Plane.AXIAL, index, np.reshape(path, (-1, 3)), radius)


def test_a_stroke_outside_the_volume_is_none() -> None:
    grid = VolumeGeometry((5, 6, 7), np.eye(4))
    assert brush_stroke(grid, Plane.CORONAL, 0, [[50, 0, 50]], 3.0) is None
