"""Who made which part of an object, when and by what means: the journal's provenance for exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..model.errors import LockedError
from ..model.planes import Plane
from .journal.entries import Entry
from .journal.errors import JournalError
from .journal.journal import Journal, has_journal
from .journal.state import VolumeState
from .volume import Volume

# DICOM's words for how a segment came about
AUTOMATIC, SEMIAUTOMATIC, MANUAL = "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"
_WORDS = {
    "drawn": "drawn",
    "interpolated": "interpolated",
    "model": "by a model",
    "imported": "imported",
    "outside": "changed by another program",
}


@dataclass(frozen=True)
class OriginRange:
    """Slices ``first`` to ``last`` (both included) of a plane, set by the same author in the same way.

    ``kind`` is ``drawn``, ``interpolated``, ``model``, ``imported`` or ``outside``; ``model`` its name;
    ``when`` (UTC) the last time that one of the slices was set.
    """

    first: int
    last: int
    kind: str
    model: str | None
    author: str
    when: datetime

    def text(self, first_slice: int = 0) -> str:
        """``first_slice`` is the number that the first slice goes by: 1 on the screen, 0 in files."""
        first, last = self.first + first_slice, self.last + first_slice
        slices = f"{first}" if first == last else f"{first}–{last}"
        how = f"by the model {self.model}" if self.model else _WORDS.get(self.kind, self.kind or "set")
        who = f", {self.author}" if self.author else ""
        return f"{slices} {how}{who}, {self.when:%Y-%m-%d}"


@dataclass(frozen=True)
class ObjectProvenance:
    """What the journal says of one object. Times are UTC, and None where it does not know.

    ``ranges`` are the slices of ``plane`` in rising order; an object without a mask has none.
    """

    object_key: str
    plane: Plane
    ranges: tuple[OriginRange, ...]
    created_by: str = ""
    created_at: datetime | None = None
    created_kind: str = ""
    updated_by: str = ""
    updated_at: datetime | None = None
    updated_kind: str = ""

    @property
    def authors(self) -> tuple[str, ...]:
        """Everyone whose work is in the object, in the order of the slices."""
        return _distinct(item.author for item in self.ranges)

    @property
    def models(self) -> tuple[str, ...]:
        return _distinct(item.model for item in self.ranges)

    @property
    def kinds(self) -> tuple[str, ...]:
        return _distinct(item.kind for item in self.ranges)

    @property
    def algorithm_type(self) -> str:
        """DICOM's SegmentAlgorithmType: a model's work alone is automatic, the aid of one, or of
        interpolation, semiautomatic, all else manual."""
        kinds = set(self.kinds)
        if kinds == {"model"}:
            return AUTOMATIC
        return SEMIAUTOMATIC if kinds & {"model", "interpolated"} else MANUAL

    @property
    def slice_counts(self) -> dict[str, int]:
        """Kind → on how many slices the object was set so, drawn first; empty kinds are left out."""
        counts: dict[str, int] = {}
        for item in self.ranges:
            counts[item.kind] = counts.get(item.kind, 0) + item.last - item.first + 1
        order = list(_WORDS)
        return dict(sorted(counts.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else 99))

    def summary(self) -> str:
        """In short, as ``axial 12 drawn · 40 interpolated``; empty where nothing is known."""
        parts = [f"{count} {_WORDS.get(kind, kind or 'set')}" for kind, count in self.slice_counts.items()]
        return f"{self.plane.value} {' · '.join(parts)}" if parts else ""

    def text(self, first_slice: int = 0) -> str:
        """One line for a description, as ``axial 12–40 drawn, Ada, 2026-03-01; 41–48 interpolated, …``."""
        if not self.ranges:
            return ""
        return f"{self.plane.value} " + "; ".join(item.text(first_slice) for item in self.ranges)

    def to_json(self) -> dict[str, Any]:
        """The same as data for JSON; times in ISO 8601."""
        return {
            "plane": self.plane.value,
            "created": _moment(self.created_by, self.created_at),
            "updated": _moment(self.updated_by, self.updated_at),
            "slices": [{**vars(item), "when": item.when.isoformat()} for item in self.ranges],
        }


@dataclass(frozen=True)
class FigureProvenance:
    """Who made a figure on a slice, by which means, and who changed it last."""

    figure_key: str
    created_by: str
    created_at: datetime
    created_kind: str
    model: str | None
    updated_by: str
    updated_at: datetime
    updated_kind: str


@dataclass(frozen=True)
class VolumeProvenance:
    """Of all objects and figures of a volume that the journal knows, by their keys."""

    objects: dict[str, ObjectProvenance]
    figures: dict[str, FigureProvenance]

    def of(self, object_key: str, plane: Plane = Plane.AXIAL) -> ObjectProvenance:
        """The object's; with nothing known, one that says nothing."""
        return self.objects.get(object_key, ObjectProvenance(object_key, plane, ()))


def volume_provenance(volume: Volume, plane: Plane = Plane.AXIAL) -> VolumeProvenance:
    """Who made the objects of a volume, when and by what means, slice by slice along ``plane``.

    Reads the journal and nothing else. Empty where there is none, where it has not met the volume, or
    where it cannot be read (damaged, or another process holds it on a network folder): an export does
    not fail for it.
    """
    nothing = VolumeProvenance({}, {})
    project = volume.dataset.project
    if not has_journal(project):
        return nothing
    try:
        # a reader that is the last to close would leave SQLite's side files behind
        with Journal.open(project, "", "", read_only=not project.writable) as journal:
            loaded = journal.load(journal.volume_id(volume))
            return nothing if loaded is None else _told(journal, loaded.state, plane)
    except (JournalError, LockedError):
        return nothing


def _told(journal: Journal, state: VolumeState, plane: Plane) -> VolumeProvenance:
    known: dict[int, Entry | None] = {}

    def entry(seq: int | None) -> Entry | None:
        if seq is not None and seq not in known:
            known[seq] = journal.entry(seq)
        return known.get(seq)

    objects = {
        item.key: object_provenance(state, item.key, plane, entry) for item in state.annotation.objects
    }
    figures = {}
    for figure in state.annotation.figures:
        born, touched = entry(state.created.get(figure.key)), entry(state.updated.get(figure.key))
        if born is not None and touched is not None:
            figures[figure.key] = FigureProvenance(
                figure.key, born.author, born.when, born.provenance, born.model or touched.model,
                touched.author, touched.when, touched.provenance,
            )  # fmt: skip
    return VolumeProvenance(objects, figures)


def object_provenance(
    state: VolumeState, object_key: str, plane: Plane, entry_of: Callable[[int], Entry | None]
) -> ObjectProvenance:
    """What ``state`` says of one object; ``entry_of`` gives the journal's entries by their numbers."""
    slices = state.provenance.get(object_key, ({}, {}, {}))[plane.axis]
    origins = [(index, entry_of(slices[index])) for index in sorted(slices)]
    born, touched = (
        entry_of(seqs[object_key]) if object_key in seqs else None for seqs in (state.created, state.updated)
    )
    return ObjectProvenance(
        object_key,
        plane,
        tuple(
            _ranges(
                (index, origin, origin.kind_on(object_key, plane.axis, index))
                for index, origin in origins
                if origin is not None
            )
        ),
        born.author if born else "",
        born.when if born else None,
        born.provenance if born else "",
        touched.author if touched else "",
        touched.when if touched else None,
        touched.provenance if touched else "",
    )


def _ranges(origins: Iterable[tuple[int, Entry, str]]) -> list[OriginRange]:
    found: list[OriginRange] = []
    for index, entry, kind in origins:
        last = found[-1] if found else None
        how = (kind, entry.model, entry.author)
        if last is not None and last.last == index - 1 and (last.kind, last.model, last.author) == how:
            found[-1] = OriginRange(last.first, index, *how, max(last.when, entry.when))
        else:
            found.append(OriginRange(index, index, *how, entry.when))
    return found


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _moment(author: str, when: datetime | None) -> dict[str, str] | None:
    return None if when is None else {"author": author, "when": when.isoformat()}
