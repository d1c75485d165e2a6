"""Which slices of an object each step set: what tells slices that were drawn from those that followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .journal.entries import Entry
from .journal.marks import NOBODY, Mark, Provenance

Slices = tuple[frozenset[int], frozenset[int], frozenset[int]]


@dataclass(frozen=True)
class SetSlices:
    """The slices along i, j and k on which one step set voxels of an object, and how.

    ``kind`` is a provenance, as ``drawn`` or ``interpolated``; empty where a slice went back to nobody.
    """

    entry: int
    kind: str
    slices: Slices


def set_slices(
    object_key: str,
    provenance: Provenance,
    done: Sequence[int],
    marks: Mapping[int, Sequence[Mark]],
    entry_of: Callable[[int], Entry | None],
) -> list[SetSlices]:
    """What set an object's voxels, oldest first.

    ``done`` are the steps in effect and ``marks`` theirs. What was there before them, or by a step whose
    marks were pruned, is told from ``provenance``: of it only the slices are known that no later step set.
    """
    found: dict[tuple[int, str], tuple[set[int], set[int], set[int]]] = {}
    for axis, slices in enumerate(provenance.get(object_key, ({}, {}, {}))):
        for index, seq in slices.items():
            if seq not in marks:
                _note(found, seq, axis, index, object_key, entry_of)
    early = [
        SetSlices(seq, kind, tuple(frozenset(indices) for indices in axes))
        for (seq, kind), axes in sorted(found.items())
    ]
    steps: list[SetSlices] = []
    for seq in done:
        by_owner: dict[tuple[int, str], tuple[set[int], set[int], set[int]]] = {}
        for mark in marks.get(seq, ()):
            if mark.object_key == object_key:
                for index in range(mark.start, mark.stop):
                    _note(by_owner, mark.after, mark.axis, index, object_key, entry_of)
        steps += [
            SetSlices(owner, kind, tuple(frozenset(indices) for indices in axes))
            for (owner, kind), axes in by_owner.items()
        ]
    return early + steps


def _note(
    found: dict[tuple[int, str], tuple[set[int], set[int], set[int]]],
    owner: int,
    axis: int,
    index: int,
    object_key: str,
    entry_of: Callable[[int], Entry | None],
) -> None:
    entry = None if owner == NOBODY else entry_of(owner)
    kind = "" if entry is None else entry.kind_on(object_key, axis, index)
    found.setdefault((owner, kind), (set(), set(), set()))[axis].add(index)
