"""Which pixels lie inside outlines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def fill_even_odd(outlines: Iterable[NDArray], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centre lies inside an odd number of closed outlines, an array ``[x, y]``.

    Outlines have shape ``(n, 2)``, points as (x, y) with pixel centres at whole numbers; the last point
    is joined to the first. A centre on an outline is inside where the inside begins, in growing x and y,
    and outside where it ends, so that outlines which share an edge share no pixel.
    """
    closed = [np.asarray(outline, dtype=float) for outline in outlines]
    first = np.concatenate([np.empty((0, 2)), *closed])
    second = np.concatenate([np.empty((0, 2)), *(np.roll(outline, -1, axis=0) for outline in closed)])
    return fill_edges(first, second, shape)


def fill_edges(first: NDArray, second: NDArray, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """As :func:`fill_even_odd`, for the edges of outlines in any order: from ``first`` to ``second``."""
    width, height = shape
    crossings = np.zeros((width + 1, height), dtype=bool)
    # from low to high, so that an edge crosses a row at the same place whichever way it is drawn
    upward = (first[:, 1] <= second[:, 1])[:, None]
    low, high = np.where(upward, first, second), np.where(upward, second, first)
    begin = np.clip(np.ceil(low[:, 1]), 0, height).astype(int)
    end = np.clip(np.ceil(high[:, 1]), 0, height).astype(int)
    counts = np.maximum(end - begin, 0)
    edge = np.repeat(np.arange(len(counts)), counts)
    row = begin[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (row - low[edge, 1]) / (high[edge, 1] - low[edge, 1])
    x = low[edge, 0] + share * (high[edge, 0] - low[edge, 0])
    # rounding must not move a crossing over the centre that it meets
    column = np.clip(np.ceil(np.round(x, 9)), 0, width).astype(int)
    np.logical_xor.at(crossings, (column, row), True)
    return np.logical_xor.accumulate(crossings, axis=0)[:width]
