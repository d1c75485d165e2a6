"""Which parts of an object on one slice go on as which parts on another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Diagonal neighbours belong together.
_NEIGHBOURS = np.ones((3, 3), dtype=bool)

#: Parts of two slices that do not overlap are one where their centres are nearer than this many radii.
_NEAR = 3.0

#: … and neither is more than this many times as large as the other.
_ALIKE = 6.0


@dataclass(frozen=True)
class Joined:
    """Parts that belong together: what of both slices, boolean 2D arrays; one may be empty."""

    before: NDArray[np.bool_]
    after: NDArray[np.bool_]


def join_parts(
    before: NDArray[np.bool_], after: NDArray[np.bool_], spacing: tuple[float, float]
) -> list[Joined]:
    """The connected parts of two slices in groups that go on as each other.

    Parts that overlap belong together, so that parts split and merge. A part that overlaps none goes on
    as the nearest of those on the other slice that overlap none either, if it is near and alike enough;
    else it vanishes (or appears) alone.
    """
    a, count_a = ndimage.label(before, structure=_NEIGHBOURS)
    b, count_b = ndimage.label(after, structure=_NEIGHBOURS)
    if count_a <= 1 and count_b <= 1 and (before & after).any():
        return [Joined(before, after)]
    common = before & after
    # counted, which is some hundred times as fast as sorting the pairs
    pairs = np.flatnonzero(np.bincount(a[common] * (count_b + 1) + b[common]))
    links = {(int(pair) // (count_b + 1), int(pair) % (count_b + 1)) for pair in pairs}
    alone_a = sorted(set(range(1, count_a + 1)) - {x for x, _ in links})
    alone_b = sorted(set(range(1, count_b + 1)) - {y for _, y in links})
    links |= _near_pairs(a, alone_a, b, alone_b, spacing)
    return [
        Joined(np.isin(a, list(some_a)), np.isin(b, list(some_b)))
        for some_a, some_b in _groups(links, count_a, count_b)
    ]


def _near_pairs(
    a: NDArray, alone_a: list[int], b: NDArray, alone_b: list[int], spacing: tuple[float, float]
) -> set[tuple[int, int]]:
    """Pairs of parts that go on as each other without overlap, the nearest first, each part once."""
    if not alone_a or not alone_b:
        return set()
    size_a, size_b = np.bincount(a.ravel()), np.bincount(b.ravel())
    centres_a = np.atleast_2d(ndimage.center_of_mass(a > 0, a, alone_a)) * spacing
    centres_b = np.atleast_2d(ndimage.center_of_mass(b > 0, b, alone_b)) * spacing
    area = spacing[0] * spacing[1]
    candidates = []
    for x, centre_a in zip(alone_a, centres_a, strict=True):
        for y, centre_b in zip(alone_b, centres_b, strict=True):
            ratio = max(size_a[x], size_b[y]) / min(size_a[x], size_b[y])
            radius = np.sqrt(area / np.pi) * (np.sqrt(size_a[x]) + np.sqrt(size_b[y])) / 2
            distance = float(np.linalg.norm(centre_a - centre_b)) / radius
            if ratio <= _ALIKE and distance <= _NEAR:
                candidates.append((distance * np.sqrt(ratio), x, y))
    pairs: set[tuple[int, int]] = set()
    for _, x, y in sorted(candidates):
        if all(x != p and y != q for p, q in pairs):
            pairs.add((x, y))
    return pairs


def _groups(links: set[tuple[int, int]], count_a: int, count_b: int) -> list[tuple[set[int], set[int]]]:
    """The connected components of the parts of both slices, linked."""
    groups: list[tuple[set[int], set[int]]] = [({x}, set()) for x in range(1, count_a + 1)]
    groups += [(set(), {y}) for y in range(1, count_b + 1)]
    for x, y in sorted(links):
        touched = [group for group in groups if x in group[0] or y in group[1]]
        groups = [group for group in groups if group not in touched]
        groups.append((set().union(*(g[0] for g in touched)), set().union(*(g[1] for g in touched))))
    return groups
