"""Outlines of a set of pixels, along the borders between them."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

# right, down, left, up as (column, row) steps, each a quarter turn on from the last
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def outlines(pixels: NDArray[np.bool_]) -> list[NDArray]:
    """The closed outlines of the pixels set in ``pixels`` ``[column, row]``.

    Each is an array ``(n, 2)`` of corners (column, row) at half pixels, without a point between two that
    go on straight, the last joined to the first. Set pixels lie to the right of the way, with rows growing
    downward, so that outer outlines go one way round and holes the other. Pixels that touch at a corner
    only are apart.
    """
    turns = _links(pixels)
    found = []
    while turns:
        start = next(iter(turns))
        (corner, heading), points = start, []
        while True:
            points.append(corner)
            state = (corner, heading)
            corner, heading = turns.pop(state)
            if (corner, heading) == start:
                break
        found.append(np.array(points, dtype=float) - 0.5)
    return found


def keyholed(loops: list[NDArray]) -> list[NDArray]:
    """Outlines in which each hole is joined to the outline around it by a channel of no width.

    ``loops`` are those of :func:`outlines`. Whatever way a reader fills, even-odd, by winding or each
    outline alone, such outlines enclose the same pixels.
    """
    outer = [loop for loop in loops if _area(loop) > 0]
    holes = [loop for loop in loops if _area(loop) < 0]
    joined = [list(map(tuple, loop)) for loop in outer]
    # the hole whose rightmost corner lies furthest right comes first: its channel meets no other hole
    for hole in sorted(holes, key=lambda loop: -loop[:, 0].max()):
        at = int(np.argmax(hole[:, 0]))
        bridge = tuple(hole[at])
        target, edge, x = _right_of(joined, bridge)
        loop = joined[target]
        foot = (x, bridge[1])
        ring = [*map(tuple, hole[at:]), *map(tuple, hole[:at])]
        joined[target] = [*loop[: edge + 1], foot, *ring, bridge, foot, *loop[edge + 1 :]]
    return [np.array(loop) for loop in joined]


def _right_of(loops: list[list[tuple[float, float]]], point: tuple[float, float]) -> tuple[int, int, float]:
    """The nearest vertical edge to the right of a point: its loop, its number, and its column."""
    best = (-1, -1, np.inf)
    for number, loop in enumerate(loops):
        first = np.array(loop)
        second = np.roll(first, -1, axis=0)
        low, high = np.minimum(first[:, 1], second[:, 1]), np.maximum(first[:, 1], second[:, 1])
        meets = (first[:, 0] == second[:, 0]) & (low <= point[1]) & (point[1] <= high) & (low < high)
        meets &= first[:, 0] > point[0]
        if meets.any():
            at = int(np.argmin(np.where(meets, first[:, 0], np.inf)))
            if first[at, 0] < best[2]:
                best = (number, at, float(first[at, 0]))
    return best


def _area(loop: NDArray) -> float:
    """Twice the area within, positive for outer outlines."""
    x, y = loop.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _links(pixels: NDArray[np.bool_]) -> dict:
    """From each corner and the heading that leaves it to the next corner and the heading there."""
    padded = np.pad(pixels, 1)
    # the border above pixel (c, r) leads right along set pixels below it, and left along those above it
    horizontal = padded[1:-1, 1:].astype(np.int8) - padded[1:-1, :-1]
    vertical = padded[1:, 1:-1].astype(np.int8) - padded[:-1, 1:-1]
    leaves: dict[tuple[int, int], list[int]] = {}
    ends: dict[tuple[tuple[int, int], int], tuple[int, int]] = {}
    corners = _corners(padded)
    for lines, heading_axis in ((horizontal.T, 0), (vertical, 1)):
        for line_number, line in enumerate(lines):
            for start, stop, sign in _runs(line, corners, line_number, heading_axis):
                if heading_axis == 0:
                    begin, end = (start, line_number), (stop, line_number)
                    heading = 0 if sign > 0 else 2
                else:
                    begin, end = (line_number, start), (line_number, stop)
                    heading = 3 if sign > 0 else 1
                if heading in (2, 3):
                    begin, end = end, begin
                ends[begin, heading] = end
                leaves.setdefault(begin, []).append(heading)
    links = {}
    for (begin, heading), end in ends.items():
        # at a corner where two pixels touch, the way keeps to its own pixel by turning right
        right = (heading + 1) % 4
        onward = leaves[end]
        links[begin, heading] = (end, right if right in onward else onward[0])
    return links


def _corners(padded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The grid points, ``[column, row]``, where an outline turns."""
    a, b = padded[:-1, :-1], padded[1:, :-1]
    c, d = padded[:-1, 1:], padded[1:, 1:]
    straight = ((a == b) & (c == d)) | ((a == c) & (b == d))
    return ~straight


def _runs(line: NDArray[np.int8], corners: NDArray[np.bool_], number: int, axis: int):
    """Stretches of one sign along a grid line, from corner to corner: start, stop and sign."""
    filled = np.flatnonzero(line)
    if not filled.size:
        return
    turning = np.flatnonzero(corners[:, number] if axis == 0 else corners[number])
    # a run begins and ends at a corner, and passes none
    for start, stop in itertools.pairwise(turning):
        if line[start]:
            yield int(start), int(stop), int(line[start])
