"""The first window of a scan: so chosen from the data that no view opens black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLES = 500_000
# beyond these a CT number is air or metal, which would only flatten what lies between
CT_LOWEST, CT_HIGHEST = -1000.0, 1000.0


def first_window(
    array: NDArray, modality: str = "", own: tuple[float, float] | None = None
) -> tuple[float, float]:
    """(center, width) to show a scan ``[i, j, k]`` with: the file's own, else from the values.

    From the values: the 0.5 and 99.5 percentiles of what is not padding (the lowest value, where more
    than a twentieth of the scan has it). The width is at least one step of the values.
    """
    if own is not None and own[1] > 0 and np.isfinite(own).all():
        return float(own[0]), float(own[1])
    step = max(1, array.size // SAMPLES)
    values = array.ravel(order="K")[::step].astype(np.float64)
    values = values[np.isfinite(values)]
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
