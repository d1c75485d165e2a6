"""Gaps: the runs of undrawn slices between key slices, which are filled one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from MedLabelLib.model.planes import Plane


@dataclass(frozen=True)
class Gap:
    """The undrawn slices of ``plane`` between two neighbouring key slices ``before`` and ``after``.

    A *cap* lies beyond the first or the last key slice: one of the two is then None, and ``reach`` is how
    many slices the object may go on there. Between two key slices ``reach`` is 0.
    """

    plane: Plane
    before: int | None
    after: int | None
    reach: int = 0

    @property
    def is_cap(self) -> bool:
        return self.before is None or self.after is None

    @property
    def start(self) -> int:
        """The first undrawn slice."""
        return self.after - self.reach if self.before is None else self.before + 1

    @property
    def stop(self) -> int:
        """The slice after the last undrawn one."""
        return self.before + 1 + self.reach if self.after is None else self.after

    @property
    def slices(self) -> range:
        return range(self.start, self.stop)

    @property
    def keys(self) -> tuple[int, ...]:
        """The key slices at its ends: two, or one of a cap."""
        return tuple(key for key in (self.before, self.after) if key is not None)


def gaps_of(plane: Plane, key_slices: Iterable[int]) -> list[Gap]:
    """The gaps between neighbouring key slices, in order; neighbours with nothing between make none."""
    keys = sorted(set(key_slices))
    return [Gap(plane, a, b) for a, b in itertools.pairwise(keys) if b - a > 1]


def caps_of(plane: Plane, key_slices: Iterable[int], count: int) -> list[Gap]:
    """The caps beyond the first and the last key slice of a volume of ``count`` slices.

    The object's true end lies somewhere before the slice that would have been drawn next, so a cap
    reaches as far as the nearest gap is wide. A single key slice says nothing of that: it has no caps.
    """
    keys = sorted(set(key_slices))
    if len(keys) < 2:
        return []
    first = min(keys[0], keys[1] - keys[0] - 1)
    last = min(count - 1 - keys[-1], keys[-1] - keys[-2] - 1)
    caps = [Gap(plane, None, keys[0], first), Gap(plane, keys[-1], None, last)]
    return [cap for cap in caps if cap.reach > 0]


def gaps_beside(gaps: Iterable[Gap], plane: Plane, index: int) -> list[Gap]:
    """Those of ``gaps`` that an edit on slice ``index`` of ``plane`` changes.

    In the gaps' own plane these are the gaps which the slice ends or lies in; a slice of another plane
    runs through all of them.
    """
    return [
        gap for gap in gaps if gap.plane is not plane or index in gap.keys or gap.start <= index < gap.stop
    ]
