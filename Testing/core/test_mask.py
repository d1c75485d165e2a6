"""Mask against the plain model of it: a full array."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.mask import Mask
from support.grids import seeds


def random_box(random: np.random.Generator, shape: tuple[int, int, int]) -> Box:
    start = [int(random.integers(0, n)) for n in shape]
    return Box(
        tuple(start), tuple(int(random.integers(a + 1, n + 1)) for a, n in zip(start, shape, strict=True))
    )


def plain_box(array: np.ndarray) -> Box | None:
    where = np.argwhere(array)
    if len(where) == 0:
        return None
    return Box(tuple(map(int, where.min(axis=0))), tuple(int(n) + 1 for n in where.max(axis=0)))


@given(seeds)
def test_any_sequence_of_edits_is_that_of_a_full_array(seed):
    random = np.random.default_rng(seed)
    # larger than the margin that a mask keeps around itself, so that it grows and is cut at the border
    shape = tuple(int(n) for n in random.integers(1, 60, 3))
    mask, plain = Mask(shape), np.zeros(shape, dtype=bool)
    kept = []
    for _ in range(8):
        box = random_box(random, shape)
        voxels = random.random(box.shape) < random.choice([0.0, 0.3, 1.0])
        mask.write(box, voxels)
        plain[box.slices] = voxels
        assert np.array_equal(mask.full(), plain)
        assert mask.count == np.count_nonzero(plain)
        assert mask.box == plain_box(plain)
        look = random_box(random, shape)
        assert np.array_equal(mask.read(look), plain[look.slices])
        if random.random() < 0.5:
            kept.append((random.choice([Mask.copy, Mask.snapshot])(mask), plain.copy()))
    for copy, state in kept:
        assert np.array_equal(copy.full(), state)
        assert copy.count == np.count_nonzero(state)


def test_a_snapshot_costs_nothing_until_the_mask_changes():
    mask = Mask.from_array(np.ones((50, 50, 50), bool))
    first, second = mask.snapshot(), mask.snapshot()
    assert first._voxels is second._voxels is mask._voxels
    one = Box((0, 0, 0), (1, 1, 1))
    mask.write(one, np.zeros((1, 1, 1), bool))
    assert (first.count, second.count, mask.count) == (125_000, 125_000, 124_999)
    del first, second
    voxels = mask._voxels
    mask.snapshot()
    mask.write(one, np.ones((1, 1, 1), bool))
    assert mask._voxels is voxels
    assert pickle.loads(pickle.dumps(mask)) == mask


@given(seeds)
def test_masks_are_equal_where_their_voxels_are(seed):
    random = np.random.default_rng(seed)
    array = random.random(tuple(random.integers(1, 9, 3))) < random.choice([0.0, 0.2])
    mask, other = Mask.from_array(array), Mask(array.shape)
    other.write(Box.whole(array.shape), array)
    assert mask == other
    flipped = tuple(int(random.integers(n)) for n in array.shape)
    other.write(Box(flipped, tuple(n + 1 for n in flipped)), ~array[flipped].reshape(1, 1, 1))
    assert mask != other


def test_what_leaves_the_volume_is_refused():
    mask = Mask((4, 4, 4))
    with pytest.raises(GeometryError):
        mask.write(Box((2, 0, 0), (5, 1, 1)), np.ones((3, 1, 1)))
    with pytest.raises(GeometryError):
        mask.write(Box((0, 0, 0), (2, 2, 2)), np.ones((1, 2, 2)))
    with pytest.raises(GeometryError):
        Mask.from_box((4, 4, 4), Box((3, 3, 3), (5, 4, 4)), np.ones((2, 1, 1)))
