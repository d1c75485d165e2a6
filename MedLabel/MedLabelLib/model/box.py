"""A box of voxels: where a mask, an edit or a prompt lies in a volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """A box of voxel indices, ``start`` inside and ``stop`` outside, each ``(i, j, k)``."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> Box:
        return cls((0, 0, 0), tuple(int(n) for n in shape))

    @classmethod
    def around(cls, array: NDArray) -> Box | None:
        """The smallest box that holds every nonzero voxel of ``array`` ``[i, j, k]``, or None."""
        start, stop = [], []
        box = [slice(None)] * 3
        # narrowing axis after axis leaves less to look at
        for axis in (2, 1, 0):
            others = tuple(a for a in range(3) if a != axis)
            hits = np.flatnonzero(array[tuple(box)].any(axis=others))
            if hits.size == 0:
                return None
            start.insert(0, int(hits[0]))
            stop.insert(0, int(hits[-1]) + 1)
            box[axis] = slice(start[0], stop[0])
        return cls(tuple(start), tuple(stop))

    @property
    def shape(self) -> tuple[int, int, int]:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        return int(np.prod(self.shape)) if not self.is_empty else 0

    @property
    def is_empty(self) -> bool:
        return min(self.shape) <= 0

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The NumPy index that cuts this box out of a volume."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def within(self, outer: Box) -> tuple[slice, slice, slice]:
        """The NumPy index that cuts this box out of an array that holds just ``outer``."""
        return tuple(slice(a - o, b - o) for a, b, o in zip(self.start, self.stop, outer.start, strict=True))

    def holds(self, other: Box) -> bool:
        return all(a <= b for a, b in zip(self.start, other.start, strict=True)) and all(
            a >= b for a, b in zip(self.stop, other.stop, strict=True)
        )

    def union(self, other: Box) -> Box:
        return Box(
            tuple(min(a, b) for a, b in zip(self.start, other.start, strict=True)),
            tuple(max(a, b) for a, b in zip(self.stop, other.stop, strict=True)),
        )

    def intersection(self, other: Box) -> Box:
        """What both hold; it may be empty (look at :attr:`is_empty`)."""
        return Box(
            tuple(max(a, b) for a, b in zip(self.start, other.start, strict=True)),
            tuple(min(a, b) for a, b in zip(self.stop, other.stop, strict=True)),
        )
