"""Provenance: which entry last set each slice of each object, along all three axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...model.edits import MaskOp, Operation

# stands in a mark for the entry that the mark belongs to, whose number is not known before it is written
THIS_ENTRY = -1
NOBODY = 0

# object key → for each axis, slice index → number of the entry that last set voxels there
Provenance = dict[str, tuple[dict[int, int], dict[int, int], dict[int, int]]]


@dataclass(frozen=True)
class Mark:
    """Slices ``start`` to ``stop`` of an object along an axis pass from one entry's hand to another's."""

    object_key: str
    axis: int
    start: int
    stop: int
    before: int
    after: int

    def inverted(self) -> Mark:
        return replace(self, before=self.after, after=self.before)

    def owned(self, seq: int) -> Mark:
        """With the number of the entry it belongs to filled in."""
        return replace(
            self,
            before=seq if self.before == THIS_ENTRY else self.before,
            after=seq if self.after == THIS_ENTRY else self.after,
        )

    def to_json(self) -> list:
        return [self.object_key, self.axis, self.start, self.stop, self.before, self.after]

    @classmethod
    def from_json(cls, row: Sequence) -> Mark:
        return cls(*row)


def marks_of(
    operations: Iterable[Operation],
    provenance: Provenance,
    remaining: set[str],
    source: Provenance | None = None,
) -> list[Mark]:
    """The marks of an entry with these operations.

    ``remaining`` are the keys of the objects there are afterwards; slices of others lose their mark.
    ``source`` is the provenance of the state that a restore brings back, which then holds again.
    """
    touched: dict[tuple[str, int], set[int]] = {}
    for operation in operations:
        if isinstance(operation, MaskOp):
            for axis in range(3):
                others = tuple(other for other in range(3) if other != axis)
                hits = np.flatnonzero(operation.xor.any(axis=others)) + operation.box.start[axis]
                touched.setdefault((operation.object_key, axis), set()).update(hits.tolist())
    marks = []
    for (key, axis), slices in touched.items():
        known = provenance.get(key, ({}, {}, {}))[axis]
        wanted = None if source is None else source.get(key, ({}, {}, {}))[axis]
        run: Mark | None = None
        for index in sorted(slices):
            before = known.get(index, NOBODY)
            if key not in remaining:
                after = NOBODY
            else:
                after = THIS_ENTRY if wanted is None else wanted.get(index, NOBODY)
            if run and run.stop == index and (run.before, run.after) == (before, after):
                run = replace(run, stop=index + 1)
                marks[-1] = run
            else:
                run = Mark(key, axis, index, index + 1, before, after)
                marks.append(run)
    return marks


def set_marks(provenance: Provenance, marks: Iterable[Mark]) -> None:
    """Carry marks out, in place; their entry's number is filled in already."""
    for mark in marks:
        slices = provenance.setdefault(mark.object_key, ({}, {}, {}))[mark.axis]
        for index in range(mark.start, mark.stop):
            if mark.after == NOBODY:
                slices.pop(index, None)
            else:
                slices[index] = mark.after
        if not any(provenance[mark.object_key]):
            del provenance[mark.object_key]


def provenance_to_json(provenance: Provenance) -> dict:
    """As runs ``[start, stop, entry]`` of each axis."""
    return {key: [_runs(slices) for slices in axes] for key, axes in provenance.items()}


def provenance_from_json(data: dict) -> Provenance:
    return {
        key: tuple({i: seq for start, stop, seq in runs for i in range(start, stop)} for runs in axes)
        for key, axes in data.items()
    }


def _runs(slices: dict[int, int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for index in sorted(slices):
        if runs and runs[-1][1] == index and runs[-1][2] == slices[index]:
            runs[-1][1] = index + 1
        else:
            runs.append([index, index + 1, slices[index]])
    return runs
