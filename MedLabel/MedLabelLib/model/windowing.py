"""Windows: the presets of each modality, and the first window, so chosen that no view opens black."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLES = 500_000
# beyond these a CT number is air or metal, which would only flatten what lies between
CT_LOWEST, CT_HIGHEST = -1000.0, 1000.0


# a preset that shows less than this share of a scan's values between black and white would hide it
LEAST_SHOWN = 0.02


@dataclass(frozen=True)
class WindowPreset:
    """A named window, in the units of its modality (HU, SUV)."""

    name: str
    center: float
    width: float

    def to_json(self) -> dict:
        return {"name": self.name, "center": self.center, "width": self.width}


# the windows that textbooks and vendors agree on, within a few units; the first is the modality's own
PRESETS: dict[str, tuple[WindowPreset, ...]] = {
    "HU": (
        WindowPreset("Soft tissue", 40.0, 400.0),
        WindowPreset("Lung", -600.0, 1500.0),
        WindowPreset("Bone", 400.0, 1800.0),
        WindowPreset("Brain", 40.0, 80.0),
        WindowPreset("Stroke", 35.0, 40.0),
        WindowPreset("Subdural", 75.0, 215.0),
        WindowPreset("Liver", 60.0, 160.0),
        WindowPreset("Mediastinum", 50.0, 350.0),
        WindowPreset("Vessels", 300.0, 600.0),
        WindowPreset("Temporal bone", 600.0, 2800.0),
    ),
    "SUV": (
        WindowPreset("SUV 0–10", 5.0, 10.0),
        WindowPreset("SUV 0–5", 2.5, 5.0),
        WindowPreset("SUV 0–15", 7.5, 15.0),
        WindowPreset("SUV 0–20", 10.0, 20.0),
    ),
}
# of scans whose numbers have no unit (MR): shares of the values that lie below black and below white
_SHARES = {"Whole range": (0.0, 100.0), "Bright": (0.5, 90.0), "Soft": (0.5, 99.9), "Hard": (30.0, 99.0)}


def window_presets(array: NDArray, unit: str, modality: str = "") -> list[WindowPreset]:
    """The presets for a scan ``[i, j, k]``; where values have no unit they are taken from its own values."""
    automatic = WindowPreset("Automatic", *percentile_window(array, modality))
    if unit in PRESETS:
        return [automatic, *PRESETS[unit]]
    values = _values(array)
    if values.size == 0:
        return [automatic]
    found = []
    for name, shares in _SHARES.items():
        low, high = np.percentile(values, shares)
        if high > low:
            found.append(WindowPreset(name, float(low + high) / 2, float(high - low)))
    return [automatic, *found]


def first_window(
    array: NDArray,
    modality: str = "",
    own: tuple[float, float] | None = None,
    unit: str = "",
    kept: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """(center, width) to show a scan ``[i, j, k]`` with.

    The file's own; else ``kept``, what the user last chose for such scans, or the first preset of the
    values' ``unit``, if either shows anything of this scan; else from its values.
    """
    if own is not None and own[1] > 0 and np.isfinite(own).all():
        return float(own[0]), float(own[1])
    if unit in PRESETS:
        preset = PRESETS[unit][0]
        values = _values(array)
        for center, width in (
            (kept, (preset.center, preset.width)) if kept else ((preset.center, preset.width),)
        ):
            shown = np.abs(values - center) < width / 2
            if values.size and shown.mean() >= LEAST_SHOWN:
                return float(center), float(width)
    return percentile_window(array, modality)


def percentile_window(array: NDArray, modality: str = "") -> tuple[float, float]:
    """(center, width) from the values of a scan ``[i, j, k]``.

    The 0.5 and 99.5 percentiles of what is not padding (the lowest value, where more than a twentieth of
    the scan has it). The width is at least one step of the values.
    """
    values = _values(array)
    if values.size == 0:
        return 0.0, 1.0
    if modality == "CT":
        values = np.clip(values, CT_LOWEST, CT_HIGHEST)
    inside = values[values > values.min()]
    if inside.size and inside.size < 0.95 * values.size:
        values = inside
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        low, high = values.min(), values.max()
    return float((low + high) / 2), float(max(high - low, 1.0 if array.dtype.kind in "iu" else 1e-6))


def histogram(array: NDArray, bins: int = 96) -> tuple[list[float], float, float]:
    """(heights from 0 to 1 in logarithmic measure, lowest value, highest value) of a scan ``[i, j, k]``.

    Values beyond the 0.05 and 99.95 percentiles are counted in the outermost bins.
    """
    values = _values(array)
    if values.size == 0:
        return [0.0] * bins, 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, (0.05, 99.95)))
    if high <= low:
        high = low + 1.0
    counts, _ = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    heights = np.log1p(counts)
    return (heights / max(heights.max(), 1e-9)).round(4).tolist(), low, high


def _values(array: NDArray) -> NDArray:
    """A sample of the finite values, as float64."""
    values = array.ravel(order="K")[:: max(1, array.size // SAMPLES)].astype(np.float64)
    return values[np.isfinite(values)]
