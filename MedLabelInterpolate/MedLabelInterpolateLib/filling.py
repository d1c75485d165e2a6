"""What a method answers for one gap, before what must hold is seen to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box

from .gaps import Gap
from .problem import Problem


@dataclass(frozen=True)
class Filling:
    """``voxels`` is boolean ``[i, j, k]`` of ``box``; ``doubt`` as of a GapFill, one for each slice."""

    box: Box
    voxels: NDArray[np.bool_]
    doubt: tuple[float, ...]


def doubt_between(problem: Problem, gap: Gap) -> tuple[float, ...]:
    """How many voxels of each slice of a gap may be wrong, by nothing but the slices drawn beside it.

    Where they differ something has moved between them; half-way a quarter of that is taken to be wrong,
    and nothing right beside a drawn slice. Beyond the last drawn slice it may all be wrong.
    """
    box = problem.box_of(gap, 0)
    if box is None:
        return (0.0,) * len(gap.slices)
    drawn = [problem.drawn_slice(gap.plane, key, box) for key in gap.keys]
    if gap.is_cap:
        whole = float(np.count_nonzero(drawn[0]))
        away = [abs(index - gap.keys[0]) for index in gap.slices]
        return tuple(0.5 * whole * step / (gap.reach + 1) for step in away)
    moved = float(np.count_nonzero(drawn[0] != drawn[1]))
    heights = problem.positions(gap.plane)
    at = (heights[list(gap.slices)] - heights[gap.before]) / (heights[gap.after] - heights[gap.before])
    return tuple(float(share) for share in moved * at * (1 - at))
