"""How many drawn slices an object needs: by following "next slice to draw", and evenly spaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from MedLabelApp.bench.interpolation_cases import Structure
from MedLabelApp.bench.rows import Row
from MedLabelInterpolateLib.methods import GapFill, filled_mask, interpolate
from MedLabelInterpolateLib.problem import Problem
from MedLabelInterpolateLib.weakness import expected_errors, next_slice
from MedLabelLib.model.planes import Plane

_WANTED = 0.95
_FIRST = 3


def next_slice_rows(chosen: Iterable[Structure]) -> Iterator[Row]:
    """Following beside two even spacings, and beside following the true error, which nobody knows."""
    counts = [
        (
            slices_followed(structure),
            slices_followed(structure, true_errors=True),
            slices_even(structure),
            slices_every_nth(structure),
        )
        for structure in chosen
    ]
    if not counts:
        return
    followed, true, even, nth = np.array(counts, dtype=float).T
    wanted = f"drawn slices to Dice {_WANTED}"
    yield Row(f"{wanted}, every n-th from the first, mean", float(nth.mean()), "")
    yield Row(f"{wanted}, evenly from end to end, mean", float(even.mean()), "")
    yield Row(f"{wanted}, following the next slice, mean", float(followed.mean()), "")
    yield Row(f"{wanted}, following the true error, mean", float(true.mean()), "")
    for name, spacing in (("every n-th", nth), ("evenly from end to end", even)):
        yield Row(f"drawn slices, following, of {name}, mean", float((followed / spacing).mean()), "×", 0.75)
        together = float(followed.sum() / spacing.sum())
        yield Row(f"drawn slices, following, of {name}, all together", together, "×")
        yield Row(f"drawn slices, by the true error, of {name}, mean", float((true / spacing).mean()), "×")


def slices_even(structure: Structure) -> int:
    """The least number of evenly spaced slices, the first and the last among them, that reaches the Dice."""
    first, last = _ends(structure)
    for count in range(_FIRST, last - first + 2):
        keys = np.unique(np.round(np.linspace(first, last, count)).astype(int))
        problem = _problem(structure, keys)
        if _dice(structure, problem, interpolate(problem)) >= _WANTED:
            return len(keys)
    return last - first + 1


def slices_every_nth(structure: Structure) -> int:
    """The same by drawing every n-th slice from the first, with the largest n that reaches it."""
    first, last = _ends(structure)
    for step in range((last - first) // (_FIRST - 1), 1, -1):
        keys = range(first, last + 1, step)
        problem = _problem(structure, keys)
        if _dice(structure, problem, interpolate(problem)) >= _WANTED:
            return len(keys)
    return last - first + 1


def slices_followed(structure: Structure, true_errors: bool = False) -> int:
    """How many slices are drawn until the wanted Dice, each where it is said to gain most.

    It begins with the first and the last slice of the object and one half-way. With ``true_errors`` each
    fill's doubt is how many voxels of each slice are wrong indeed.
    """
    first, last = _ends(structure)
    keys = {int(key) for key in np.round(np.linspace(first, last, _FIRST))}
    known = {}
    while True:
        problem = _problem(structure, keys)
        gaps = problem.gaps()
        for fill in interpolate(problem, gaps=[gap for gap in gaps if gap not in known]):
            known[fill.gap] = replace(fill, doubt=_wrong(structure, fill)) if true_errors else fill
        fills = [known[gap] for gap in gaps]
        if not fills or _dice(structure, problem, fills) >= _WANTED:
            return len(keys)
        keys.add(next_slice(expected_errors(problem, fills, leave_out=False))[1])


def _wrong(structure: Structure, fill: GapFill) -> tuple[float, ...]:
    """How many voxels of each slice of a fill are wrong."""
    box = structure.mask.box if fill.box.is_empty else structure.mask.box.union(fill.box)
    wrong = structure.mask.read(box).copy()
    if not fill.box.is_empty:
        wrong[fill.box.within(box)] ^= fill.voxels
    return tuple(float(np.count_nonzero(wrong[:, :, index - box.start[2]])) for index in fill.gap.slices)


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
