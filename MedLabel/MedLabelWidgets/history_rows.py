"""What the desktop lists of a volume's history, without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo

from MedLabelLib.storage.session import VolumeSession

PAGE_STEPS = 200


@dataclass(frozen=True)
class HistoryRow:
    """A step as a line of the list; ``state`` is ``now here``, ``undone`` or empty."""

    entry: int
    when: str
    name: str
    by: str
    state: str


def history_rows(
    session: VolumeSession, count: int = PAGE_STEPS, zone: tzinfo | None = None, today: date | None = None
) -> tuple[list[HistoryRow], bool]:
    """The newest ``count`` steps, newest first, and whether there are older ones.

    Times are local (or of ``zone``), with the day where that is not ``today``.
    """
    # one more than is shown tells that there are older ones
    entries = session.history(count=count + 1)
    today = today or date.today()
    rows = []
    for entry in reversed(entries[-count:]):
        when = entry.when.astimezone(zone)
        day = "" if when.date() == today else f"{when:%Y-%m-%d} "
        by = " · ".join(part for part in (entry.tool, entry.author, entry.face) if part)
        state = "now here" if entry.current else "undone" if entry.undone else ""
        rows.append(HistoryRow(entry.id, f"{day}{when:%H:%M}", entry.name, by, state))
    return rows, len(entries) > count
