"""The three-way merge of records: maps, lists of tags, orders."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from .conflicts import RecordConflict

Record = dict[str, Any]
# when and by whom, as other tools note it: no label, so the later value holds
BOOKKEEPING = ("createdAt", "updatedAt", "labelerLogin")

# stands between the name of an object and that of a field in it; no name has it
SEPARATOR = "\x1f"


def merge_maps(
    base: Mapping[Hashable, Any],
    mine: Mapping[Hashable, Any],
    theirs: Mapping[Hashable, Any],
    conflict: Callable[[Hashable, Any, Any, Any], None],
    strip: Callable[[Any], Any] = lambda value: value,
) -> dict[Hashable, Any]:
    """Entry by entry: what one side changed is taken; ``conflict`` hears of what both changed differently,

    and the entry is then as in ``mine``. ``strip`` takes off what does not count in comparing.
    """
    merged: dict[Hashable, Any] = {}
    for key in merged_order(list(base), list(mine), list(theirs)):
        b, m, t = (side.get(key) for side in (base, mine, theirs))
        sb, sm, st = (None if value is None else strip(value) for value in (b, m, t))
        if sm == st:
            value = m if m is None or m == t else min(m, t, key=repr)
        elif sm == sb:
            value = t
        elif st == sb:
            value = m
        else:
            conflict(key, b, m, t)
            value = m
        if value is not None:
            merged[key] = value
    # a key that stands nowhere in the order was in neither side
    return merged


def merged_order(base: Sequence[Hashable], mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list:
    """All keys of the three, in an order that does not depend on which side is which.

    Where one side alone changed the list, it is that side's; else the base's, what was added at the end.
    """
    lead = theirs if list(mine) == list(base) else mine if list(theirs) == list(base) else base
    known = set(lead)
    rest = {key for side in (base, mine, theirs) for key in side} - known
    return [*lead, *sorted(rest, key=repr)]


def by_key(records: Iterable[Record]) -> dict[str, Record]:
    return {record["key"]: record for record in records}


def by_name(tags: Iterable[Record]) -> dict[tuple[str, int], Record]:
    """Tags by their name and how many of that name stand before them."""
    found: dict[tuple[str, int], Record] = {}
    for tag in tags:
        number = sum(1 for name, _ in found if name == tag["name"])
        found[tag["name"], number] = tag
    return found


def without_key(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "key"}


def merge_tags(
    base: list[Record], mine: list[Record], theirs: list[Record], what: str, object_key: str
) -> tuple[list[Record], list[RecordConflict]]:
    """Tags by their names; the same tag set on both sides is one."""
    conflicts: list[RecordConflict] = []

    def note(key: Hashable, b: Any, m: Any, t: Any) -> None:
        conflicts.append(RecordConflict(what, object_key, key[0], b, m, t))

    merged = merge_maps(by_name(base), by_name(mine), by_name(theirs), note, without_key)
    return list(merged.values()), conflicts


def merge_extra(
    base: Record, mine: Record, theirs: Record, object_key: str
) -> tuple[Record, list[RecordConflict]]:
    """What labels hold beside what MedLabel uses, field by field."""
    conflicts: list[RecordConflict] = []
    later: dict[Hashable, Any] = {}

    def note(key: Hashable, b: Any, m: Any, t: Any) -> None:
        if key in BOOKKEEPING and m is not None and t is not None:
            later[key] = max(m, t, key=str)
        else:
            conflicts.append(RecordConflict("extra", object_key, key, b, m, t))

    sides = (base, mine, theirs)
    names = {name for side in sides for name in side if SEPARATOR not in name}
    # by fields only what is an object wherever it is
    names = {name for name in names if all(isinstance(side.get(name, {}), dict) for side in sides)}
    merged = merge_maps(*(flat(side, names) for side in sides), note)
    return nested({**merged, **later}), conflicts


def flat(extra: Record, names: set[str]) -> dict[str, Any]:
    """With the fields of the objects of these names as entries of their own, each changed for itself."""
    found: dict[str, Any] = {}
    for name, value in extra.items():
        if name in names and value:
            found |= {f"{name}{SEPARATOR}{field}": entry for field, entry in value.items()}
        else:
            found[name] = value
    return found


def nested(entries: dict[str, Any]) -> Record:
    """The reverse of :func:`flat`."""
    found: Record = {}
    for name, value in entries.items():
        outer, separator, field = name.partition(SEPARATOR)
        if separator:
            found.setdefault(outer, {})[field] = value
        else:
            found[name] = value
    return found
