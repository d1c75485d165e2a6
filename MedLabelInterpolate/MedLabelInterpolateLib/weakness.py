"""Where an interpolation is weak: each gap's expected error, and the slice whose drawing gains most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.planes import Plane

from .gaps import Gap
from .methods import GapFill, fill_gap
from .problem import Problem

#: A prediction of one slice says little: the doubt is scaled by this at most, and by its inverse at least.
_MOST = 3.0


@dataclass(frozen=True)
class ExpectedError:
    """How wrong a gap's fill may be.

    ``error`` is 1 − Dice over the gap's slices; ``voxels`` how many voxels may be wrong; ``slice_index`` the
    slice of the gap whose drawing gains most, and ``gain`` how many voxels of the gap it may put right.
    """

    error: float
    voxels: float
    slice_index: int
    gain: float = 0.0


def expected_errors(
    problem: Problem,
    fills: Iterable[GapFill],
    method: str | None = None,
    cancel: Callable[[], bool] | None = None,
    *,
    leave_out: bool = True,
) -> dict[Gap, ExpectedError]:
    """For each fill how wrong it may be.

    The method's own doubt says so, and with ``leave_out`` it is put right by what is known: each key slice
    is left out once and predicted from its neighbours, and the doubt of the gaps beside it is scaled by how
    many voxels were wrong of those that were doubted. Once ``cancel()`` says so, the rest is left as it is.
    """
    fills = list(fills)
    scales: dict[int, float] = {}
    if leave_out:
        for key in _inner_keys(problem):
            if cancel is not None and cancel():
                break
            scales[key] = _scale_at(problem, key, method)
    return {fill.gap: _expected(problem, fill, scales) for fill in fills}


def next_slice(errors: Mapping[Gap, ExpectedError]) -> tuple[Plane, int] | None:
    """The plane and slice whose drawing gains most, by :func:`expected_errors`; None without gaps."""
    best = max(errors, key=lambda gap: errors[gap].gain, default=None)
    return None if best is None else (best.plane, errors[best].slice_index)


def _inner_keys(problem: Problem) -> list[int]:
    return [] if problem.plane is None else list(problem.key_slices[problem.plane][1:-1])


def _scale_at(problem: Problem, key: int, method: str | None) -> float:
    """How many of the doubted voxels are wrong on key slice ``key``, if it is predicted."""
    keys = problem.key_slices[problem.plane]
    at = keys.index(key)
    fill = fill_gap(problem, Gap(problem.plane, keys[at - 1], keys[at + 1]), method)
    if fill.box.is_empty or not fill.doubt:
        return 1.0
    plane = problem.plane
    predicted = fill.voxels[plane.slice_index(key - fill.box.start[plane.axis])]
    wrong = np.count_nonzero(predicted != problem.drawn_slice(plane, key, fill.box))
    doubted = fill.doubt[key - fill.gap.start]
    # some voxels of both, so that a small slice does not say much
    return float(np.clip((wrong + 10) / (doubted + 10), 1 / _MOST, _MOST))


def _expected(problem: Problem, fill: GapFill, scales: Mapping[int, float]) -> ExpectedError:
    gap = fill.gap
    beside = [scales[key] for key in gap.keys if key in scales]
    scale = float(np.exp(np.mean(np.log(beside)))) if beside else 1.0
    doubt = np.array(fill.doubt or (0.0,) * len(gap.slices)) * scale
    total, filled = float(doubt.sum()), fill.filled
    error = min(1.0, total / (2 * filled)) if filled else float(total > 0)
    gains = _gains(doubt)
    best = int(np.argmax(gains))
    return ExpectedError(error, total, gap.slices[best], float(gains[best]))


def _gains(doubt: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each slice of a gap how many of the doubted voxels of all its slices drawing it takes away.

    The doubt of a slice is taken to go with the square of what its distances to both ends of its gap make:
    their product over their sum. Drawing makes one of them shorter for every other slice.
    """
    width = len(doubt) + 1
    at = np.arange(1, width)
    drawn = at[:, None]
    left = np.where(at < drawn, (drawn - at) * width / (drawn * (width - at)), 0.0)
    right = np.where(at > drawn, (at - drawn) * width / ((width - drawn) * at), 0.0)
    return ((1 - (left + right) ** 2) * doubt).sum(axis=1)
