"""The first window: the file's own, else one that shows something."""

from __future__ import annotations

import numpy as np
import pytest

from MedLabelLib.model.windowing import PRESETS, first_window, histogram, window_presets


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


def test_a_ct_in_hounsfield_units_opens_in_soft_tissue_or_as_it_was_last_read() -> None:
    values = np.linspace(-1000, 1500, 8000).reshape(20, 20, 20)
    assert first_window(values, "CT", None, "HU") == (40.0, 400.0)
    assert first_window(values, "CT", None, "HU", kept=(-600.0, 1500.0)) == (-600.0, 1500.0)
    assert first_window(values, "CT", (1.0, 2.0), "HU", kept=(-600.0, 1500.0)) == (1.0, 2.0)


def test_a_preset_that_would_show_nothing_is_not_taken() -> None:
    values = np.linspace(2000, 3000, 8000).reshape(20, 20, 20)
    center, width = first_window(values, "MR", None, "HU", kept=(40.0, 80.0))
    assert 2400 < center < 2600
    assert width > 900


@pytest.mark.parametrize(("unit", "first"), [("HU", "Soft tissue"), ("SUV", "SUV 0–10"), ("", "Whole range")])
def test_presets_are_those_of_the_unit(unit, first) -> None:
    values = np.linspace(0, 700, 8000).reshape(20, 20, 20)
    presets = window_presets(values, unit, "MR")
    assert [preset.name for preset in presets[:2]] == ["Automatic", first]
    assert len({preset.name for preset in presets}) == len(presets)
    assert all(preset.width > 0 for preset in presets)
    assert all(preset.width > 0 for group in PRESETS.values() for preset in group)


def test_the_histogram_is_where_the_values_are() -> None:
    values = np.zeros((30, 30, 30), np.int16)
    values[:15] = 100
    heights, low, high = histogram(values, 10)
    assert (low, high) == (0, 100)
    assert heights[0] > 0.9
    assert heights[-1] > 0.9
    assert max(heights[1:-1]) == 0
    assert histogram(np.full((2, 2, 2), np.nan))[1:] == (0.0, 1.0)
    assert len(histogram(np.full((2, 2, 2), 5.0))[0]) == 96
