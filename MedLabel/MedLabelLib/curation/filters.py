"""What of a project's volumes is wanted: a filter, as the page and the command line give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any

from ..model.errors import AnnotationError

# what the catalogue sorts by
COLUMNS = (
    "label", "name", "dataset", "modality", "voxels", "spacing", "objects", "tags", "status", "assignee",
    "updated", "updated_by",
)  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """All of what is given must hold; of the values of one field any may.

    ``text`` is looked for in name, dataset, tags, classes, assignee and remark, each of its words. ``tags``
    are ``NAME`` or ``NAME=VALUE``, on the volume or one of its objects; of ``classes`` and ``tags`` each must
    be there. ``changed_since`` is a time in ISO 8601. ``min_voxels`` and ``max_voxels`` bound the longest
    axis, ``min_spacing`` and ``max_spacing`` the largest spacing in mm.
    """

    text: str = ""
    datasets: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    changed_since: str = ""
    min_voxels: int | None = None
    max_voxels: int | None = None
    min_spacing: float | None = None
    max_spacing: float | None = None

    @classmethod
    def from_json(cls, data: Any) -> Filter:
        """Raises AnnotationError for what is no filter."""
        known = {field.name: field.type for field in fields(cls)}
        if not isinstance(data, Mapping) or set(data) - set(known):
            raise AnnotationError(f"this is no filter; its fields are {', '.join(known)}")
        values = {}
        for name, value in data.items():
            if known[name].startswith("tuple"):
                right = isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)
                value = tuple(value) if right else value
            elif known[name] == "str":
                right = isinstance(value, str)
            else:
                right = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            if not right:
                raise AnnotationError(f"the filter's {name} cannot be {value!r}")
            values[name] = value
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Only what is asked for; :meth:`from_json` makes an equal filter of it."""
        empty = Filter()
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != getattr(empty, name)
        }

    def as_sql(self) -> tuple[str, list[Any]]:
        """The condition on the catalogue's table ``volumes``, and its parameters."""
        parts: list[str] = []
        values: list[Any] = []
        for column, wanted in (
            ("dataset", self.datasets),
            ("modality", self.modalities),
            ("status", self.statuses),
            ("assignee", self.assignees),
        ):
            if wanted:
                parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        for word in self.text.lower().split():
            parts.append("instr(words, ?) > 0")
            values.append(word)
        for name in self.classes:
            parts.append("label IN (SELECT label FROM classes WHERE name = ?)")
            values.append(name)
        for tag in self.tags:
            name, given, value = tag.partition("=")
            parts.append(
                f"label IN (SELECT label FROM tags WHERE name = ?{' AND value = ?' if given else ''})"
            )
            values += [name, value] if given else [name]
        if self.changed_since:
            parts.append("updated >= ?")
            values.append(utc_text(self.changed_since))
        for column, sign, bound in (
            ("voxels", ">=", self.min_voxels),
            ("voxels", "<=", self.max_voxels),
            ("spacing", ">=", self.min_spacing),
            ("spacing", "<=", self.max_spacing),
        ):
            if bound is not None:
                parts.append(f"{column} {sign} ?")
                values.append(bound)
        return " AND ".join(parts) or "1", values


def utc_text(text: str) -> str:
    """A time in ISO 8601 (without a zone: local) in UTC, as the catalogue keeps times."""
    try:
        return datetime.fromisoformat(text).astimezone(timezone.utc).isoformat(timespec="seconds")
    except ValueError as error:
        raise AnnotationError(
            f"{text!r} is no time; one is written 2026-03-31 or 2026-03-31T14:02"
        ) from error
