"""How many drawn slices an object needs: by following "next slice to draw", and evenly spaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from MedLabelApp.bench.interpolation_cases import Structure
from MedLabelApp.bench.rows import Row
from MedLabelInterpolateLib.methods import filled_mask, interpolate
from MedLabelInterpolateLib.problem import Problem
from MedLabelInterpolateLib.weakness import expected_errors, next_slice
from MedLabelLib.model.planes import Plane

_WANTED = 0.95
_FIRST = 3


def next_slice_rows(chosen: Iterable[Structure]) -> Iterator[Row]:
    """Both begin with the first and the last slice of the object and one half-way."""
    counts = [(slices_followed(structure), slices_even(structure)) for structure in chosen]
    if not counts:
        return
    followed, even = np.array(counts, dtype=float).T
    yield Row(f"drawn slices to Dice {_WANTED}, evenly spaced, mean", float(even.mean()), "")
    yield Row(f"drawn slices to Dice {_WANTED}, following the next slice, mean", float(followed.mean()), "")
    yield Row("drawn slices, following, of evenly spaced, mean", float((followed / even).mean()), "×", 0.75)
    yield Row(
        "drawn slices, following, of evenly spaced, all together", float(followed.sum() / even.sum()), "×"
    )


def slices_even(structure: Structure) -> int:
    """The least number of evenly spaced slices that reaches the wanted Dice."""
    first, last = _ends(structure)
    for count in range(_FIRST, last - first + 2):
        keys = np.unique(np.round(np.linspace(first, last, count)).astype(int))
        problem = _problem(structure, keys)
        if _dice(structure, problem, interpolate(problem)) >= _WANTED:
            return len(keys)
    return last - first + 1


def slices_followed(structure: Structure) -> int:
    """How many slices are drawn until the wanted Dice, each where it is said to gain most."""
    first, last = _ends(structure)
    keys = {int(key) for key in np.round(np.linspace(first, last, _FIRST))}
    known = {}
    while True:
        problem = _problem(structure, keys)
        gaps = problem.gaps()
        for fill in interpolate(problem, gaps=[gap for gap in gaps if gap not in known]):
            known[fill.gap] = fill
        fills = [known[gap] for gap in gaps]
        if not fills or _dice(structure, problem, fills) >= _WANTED:
            return len(keys)
        keys.add(next_slice(expected_errors(problem, fills, leave_out=False))[1])


def _ends(structure: Structure) -> tuple[int, int]:
    return structure.mask.box.start[2], structure.mask.box.stop[2] - 1


def _problem(structure: Structure, keys: Iterable[int]) -> Problem:
    drawn = tuple(int(key) for key in keys)
    return Problem(structure.image.geometry, {Plane.AXIAL: drawn}, structure.mask, structure.image.array)


def _dice(structure: Structure, problem: Problem, fills: list) -> float:
    mask = filled_mask(problem, fills)
    box = structure.mask.box.union(mask.box)
    found, truth = mask.read(box), structure.mask.read(box)
    return float(2 * np.count_nonzero(found & truth) / (found.sum() + truth.sum()))
