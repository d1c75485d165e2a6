"""A revision: the labels of one scan at one moment, and what they were based on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .content import Content
from .errors import StoreDataError
from .identity import named

FORMAT = 1
# so that a revision's parents fit into one file name
MOST_PARENTS = 4
_ID = re.compile(r"[0-9a-f]{32}")


def is_id(text: object) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Scan:
    """What a store knows of a scan. ``id`` is the same wherever the same scan is; it names no patient."""

    id: str
    label: str = ""
    modality: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""

    def to_json(self) -> dict[str, str]:
        return dict(vars(self))


@dataclass(frozen=True)
class Reference:
    """A revision's name and those of its parents: all that is needed to compare without reading."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revision:
    """Labels as they were pushed. Only ``scan.id``, ``parents`` and ``content`` make its :attr:`id`,

    so that the same labels on the same base are the same revision, whoever pushes them and whenever.
    ``notes`` holds what is good to know and no part of the labels, as provenance.
    """

    scan: Scan
    parents: tuple[str, ...]
    content: Content
    author: str = ""
    at: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return named("revision", self.scan.id, *sorted(self.parents), self.content.digest)

    @property
    def reference(self) -> Reference:
        return Reference(self.id, tuple(sorted(self.parents)))

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "id": self.id,
            "scan": self.scan.to_json(),
            "parents": sorted(self.parents),
            "author": self.author,
            "at": self.at,
            "notes": self.notes,
            "content": self.content.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any) -> Revision:
        """Raises StoreDataError where ``data`` is no revision, or not the one it says it is."""
        try:
            if data["format"] != FORMAT:
                raise StoreDataError(f"a revision of form {data['format']!r}; a newer MedLabel wrote it")
            scan = Scan(**{name: str(data["scan"][name]) for name in Scan.__dataclass_fields__})
            revision = cls(
                scan,
                tuple(str(parent) for parent in data["parents"]),
                Content.from_json(data["content"]),
                str(data["author"]),
                str(data["at"]),
                dict(data["notes"]),
            )
            claimed = data["id"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDataError(f"a revision in the store is damaged: {error}") from error
        if not all(map(is_id, (scan.id, *revision.parents))) or revision.id != claimed:
            raise StoreDataError("a revision in the store was altered: its content is not what its name says")
        return revision


Graph = Mapping[str, Reference]


def graph_of(references: Collection[Reference]) -> dict[str, Reference]:
    return {reference.id: reference for reference in references}


def heads(graph: Graph) -> list[str]:
    """The revisions that no other names as its parent, in a fixed order."""
    named_by_others = {parent for reference in graph.values() for parent in reference.parents}
    return sorted(set(graph) - named_by_others)


def ancestors(graph: Graph, start: Collection[str]) -> set[str]:
    """``start`` and all that lies behind."""
    found: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(graph[name].parents if name in graph else ())
    return found


def common_ancestor(graph: Graph, one: Collection[str], other: Collection[str]) -> str | None:
    """The newest revision that both come from. Of several the one that has most behind it; None for none."""
    common = ancestors(graph, one) & ancestors(graph, other)
    behind = {parent for name in common if name in graph for parent in graph[name].parents}
    newest = (common - behind) & set(graph)
    return max(newest, key=lambda name: (len(ancestors(graph, [name])), name), default=None)
