"""Where an interpolation is weak: each gap's expected error, and the slice whose drawing gains most."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.planes import Plane

from .gaps import Gap
from .methods import GapFill, fill_gap
from .problem import Problem


@dataclass(frozen=True)
class ExpectedError:
    """How wrong a gap's fill may be.

    ``error`` is 1 − Dice over the gap's slices; ``voxels`` about how many voxels are wrong; ``slice_index``
    the slice of the gap whose drawing would mend most of it.
    """

    error: float
    voxels: float
    slice_index: int


def expected_errors(
    problem: Problem,
    fills: Iterable[GapFill],
    method: str | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[Gap, ExpectedError]:
    """For each fill how wrong it may be: each key slice is left out once and predicted from its neighbours.

    The error of such a prediction grows with the square of the distance between the slices it is made
    from, and it is scaled back to the width of the gap by that. Stops early, with what it has, once
    ``cancel()`` says so.
    """
    fills = list(fills)
    wrong = {}
    for key in _inner_keys(problem):
        if cancel is not None and cancel():
            break
        wrong[key] = _missed_at(problem, key, method)
    return {fill.gap: _expected(problem, fill, wrong) for fill in fills}


def next_slice(errors: Iterable[tuple[Gap, ExpectedError]] | dict) -> tuple[Plane, int] | None:
    """The plane and slice whose drawing gains most, by :func:`expected_errors`; None without gaps."""
    pairs = errors.items() if isinstance(errors, dict) else errors
    best = max(pairs, key=lambda pair: pair[1].voxels, default=None)
    return None if best is None else (best[0].plane, best[1].slice_index)


def _inner_keys(problem: Problem) -> list[int]:
    return [] if problem.plane is None else list(problem.key_slices[problem.plane][1:-1])


def _missed_at(problem: Problem, key: int, method: str | None) -> float:
    """How many voxels per slice are wrong if key slice ``key`` is predicted, for gaps of one mm squared."""
    plane = problem.plane
    keys = problem.key_slices[plane]
    at = keys.index(key)
    gap = Gap(plane, keys[at - 1], keys[at + 1])
    fill = fill_gap(problem, gap, method)
    heights = problem.positions(plane)
    scale = (heights[key] - heights[gap.before]) * (heights[gap.after] - heights[key])
    box = fill.box
    if box.is_empty:
        return 0.0
    return float(np.count_nonzero(_slice_of(fill, key) != problem.drawn_slice(plane, key, box))) / scale


def _slice_of(fill: GapFill, index: int) -> NDArray[np.bool_]:
    box: Box = fill.box
    return fill.voxels[fill.gap.plane.slice_index(index - box.start[fill.gap.plane.axis])]


def _expected(problem: Problem, fill: GapFill, wrong: dict[int, float]) -> ExpectedError:
    gap = fill.gap
    heights = problem.positions(gap.plane)
    beside = [wrong[key] for key in gap.keys if key in wrong]
    rate = max(beside) if beside else (float(np.mean(list(wrong.values()))) if wrong else 1.0)
    ends = (heights[gap.keys[0]], heights[gap.keys[-1]])
    at = heights[list(gap.slices)]
    missed = rate * np.abs(at - ends[0]) * (np.abs(ends[1] - at) if not gap.is_cap else np.abs(at - ends[0]))
    total = float(missed.sum())
    filled = fill.filled
    error = min(1.0, total / (2 * filled)) if filled else float(total > 0)
    return ExpectedError(error, total, gap.slices[int(np.argmax(missed))])
