"""The first window: the file's own, else one that shows something."""

from __future__ import annotations

import numpy as np
import pytest

from MedLabelLib.model.windowing import first_window


def test_the_files_own_window_wins() -> None:
    assert first_window(np.zeros((2, 2, 2)), "CT", (40.0, 400.0)) == (40.0, 400.0)


@pytest.mark.parametrize("own", [(0.0, 0.0), (np.nan, 5.0), None])
def test_a_window_that_shows_nothing_is_not_taken(own) -> None:
    values = np.linspace(0, 1000, 1000).reshape(10, 10, 10)
    center, width = first_window(values, "MR", own)
    assert 400 < center < 600
    assert 900 < width <= 1000


@pytest.mark.parametrize("value", [0, -1024, 7])
def test_an_even_scan_has_a_window_too(value) -> None:
    center, width = first_window(np.full((3, 3, 3), value, dtype=np.int16), "CT")
    assert np.isfinite(center)
    assert width >= 1


def test_metal_and_padding_do_not_darken_a_ct() -> None:
    values = np.full(100_000, 40.0)
    values[:20_000], values[-50:] = -3024.0, 30_000.0
    values[20_000:60_000] = np.linspace(-900, 300, 40_000)
    center, width = first_window(values.reshape(100, 100, 10), "CT")
    assert center - width / 2 >= -1000
    assert center + width / 2 <= 1000


def test_voxels_that_are_no_numbers_are_passed_over() -> None:
    values = np.linspace(0, 100, 1000).reshape(10, 10, 10)
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    center, width = first_window(values, "MR")
    assert np.isfinite([center, width]).all()
