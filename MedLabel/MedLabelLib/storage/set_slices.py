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
    early = _Collected(object_key, entry_of)
    for axis, slices in enumerate(provenance.get(object_key, ({}, {}, {}))):
        for index, seq in slices.items():
            if seq not in marks:
                early.add(seq, axis, range(index, index + 1))
    result = sorted(early.result(), key=lambda item: item.entry)
    for seq in done:
        step = _Collected(object_key, entry_of)
        for mark in marks.get(seq, ()):
            if mark.object_key == object_key:
                step.add(mark.after, mark.axis, range(mark.start, mark.stop))
        result += step.result()
    return result


class _Collected:
    """Slices by the entry whose hand they are of, and by how it set them."""

    def __init__(self, object_key: str, entry_of: Callable[[int], Entry | None]) -> None:
        self._object_key = object_key
        self._entry_of = entry_of
        self._found: dict[tuple[int, str], tuple[set[int], set[int], set[int]]] = {}

    def add(self, owner: int, axis: int, slices: range) -> None:
        entry = None if owner == NOBODY else self._entry_of(owner)
        if entry is None or not entry.has_drawn_slices:
            self._set(owner, "" if entry is None else entry.provenance)[axis].update(slices)
            return
        for index in slices:
            self._set(owner, entry.kind_on(self._object_key, axis, index))[axis].add(index)

    def result(self) -> list[SetSlices]:
        return [
            SetSlices(owner, kind, tuple(frozenset(slices) for slices in axes))
            for (owner, kind), axes in self._found.items()
        ]

    def _set(self, owner: int, kind: str) -> tuple[set[int], set[int], set[int]]:
        return self._found.setdefault((owner, kind), (set(), set(), set()))
