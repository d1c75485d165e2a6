"""A torn journal: what can be read of it is carried into a new one, and what is lost is said."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.errors import LockedError, ProjectError
from ..atomic import write_json
from . import entries, leases
from .database import FILE_NAME, open_database, transaction
from .entries import PROJECT, Entry, NewEntry
from .errors import JournalError
from .process import this_process

if TYPE_CHECKING:
    from ..project import Project
    from .journal import Journal

HEAD_NAME = "journal.head.json"
_TABLES = ("volumes", "blobs", "checkpoints", "checkpoint_blobs", "files")


def write_head(project: Project, journal: Journal) -> None:
    """Note the journal's newest entry beside it, so that the loss of its end does not go unseen."""
    seq, digest = journal.head()
    write_json(project.private / HEAD_NAME, {"entry": seq, "hash": digest})


def read_head(project: Project) -> int:
    try:
        return int(json.loads((project.private / HEAD_NAME).read_bytes())["entry"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def is_missing(project: Project) -> bool:
    """Whether there was a journal, and its file is gone."""
    return read_head(project) > 0 and not (project.private / FILE_NAME).exists()


def head_problem(project: Project, journal: Journal) -> str:
    """A sentence when the journal ends before the entry that was noted beside it."""
    noted, (there, _) = read_head(project), journal.head()
    return f"the journal has lost entries {there + 1} to {noted}" if there < noted else ""


def salvage(project: Project) -> list[str]:
    """Replace a torn journal by a new one with all that can be read of it; the torn one is kept beside.

    Returns sentences that say what is lost. Raises LockedError while another process edits by the torn
    journal, as what it acknowledges would be lost; ProjectError when nothing can be written.
    """
    path = project.private / FILE_NAME
    _check_unused(path)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
    torn = path.with_name(f"journal-damaged-{stamp}-{os.urandom(2).hex()}.sqlite3")
    try:
        for ending in ("-wal", "-shm", ""):
            part = path.with_name(path.name + ending)
            if part.exists():
                os.replace(part, torn.with_name(torn.name + ending))
    except OSError as error:
        raise ProjectError(f"the damaged journal cannot be moved aside: {error.strerror}", path) from error
    with closing(open_database(path)) as fresh:
        kept, wrong = _carry_over(torn, fresh, path)
        last = max(kept[-1] if kept else 0, read_head(project))
        present = set(kept)
        missing = _ranges([seq for seq in range(1, last + 1) if seq not in present])
        was = f"damaged; it is kept as {torn.name}" if torn.exists() else "missing"
        lost = [f"the journal was {was}"]
        lost.append(f"lost are its entries {missing}" if missing else "every entry could be read")
        if wrong:
            lost.append(f"{wrong} entries were altered and are not taken over")
        with transaction(fresh, path):
            note = NewEntry(PROJECT, "damage", "Journal mended", "", "", detail="; ".join(lost))
            entries.append(fresh, note, None, after=last)
    return lost


def _check_unused(path: Path) -> None:
    if not path.exists():
        return
    with suppress(sqlite3.Error, UnicodeDecodeError, JournalError), closing(_raw(path)) as torn:
        for (volume,) in _readable(torn, "SELECT volume FROM leases"):
            holder = leases.holder_of(torn, volume)
            if holder is not None and holder.process != this_process() and holder.lives:
                raise LockedError(
                    f"the journal is damaged and {holder} still uses it; close that first", path
                )


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    # without it SQLite refuses a file that is cut short altogether
    connection.execute("PRAGMA writable_schema=ON")
    return connection


def _carry_over(torn: Path, fresh: sqlite3.Connection, path: Path) -> tuple[list[int], int]:
    """Copy what can be read; returns the numbers of the entries that were kept, and how many were wrong."""
    kept: list[int] = []
    wrong = 0
    with suppress(sqlite3.Error, UnicodeDecodeError), closing(_raw(torn)) as old:
        for table in _TABLES:
            rows = _readable(old, f"SELECT * FROM {table}")
            if rows:
                places = ", ".join("?" * len(rows[0]))
                with transaction(fresh, path):
                    fresh.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", rows)
        with transaction(fresh, path):
            for row in _readable_entries(old):
                entry, ops = Entry(*row[:-1]), row[-1]
                if entry.is_whole and entry.seq not in kept[-1:]:
                    entries.insert(fresh, entry, ops)
                    kept.append(entry.seq)
                else:
                    wrong += 1
    return kept, wrong


def _readable(old: sqlite3.Connection, query: str) -> list[tuple]:
    rows = []
    with suppress(sqlite3.Error, UnicodeDecodeError):
        rows.extend(old.execute(query))
        return rows
    with suppress(sqlite3.Error, UnicodeDecodeError):
        for row in old.execute(query):
            rows.append(row)
    return rows


def _readable_entries(old: sqlite3.Connection) -> list[tuple]:
    """Entries in order. What follows a page that cannot be read is found from the other end."""
    query = f"SELECT {entries.COLUMNS}, ops FROM entries ORDER BY seq"
    found = {row[0]: row for row in _readable(old, query)}
    for row in _readable(old, query + " DESC"):
        found.setdefault(row[0], row)
    return [found[seq] for seq in sorted(found)]


def _ranges(numbers: list[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in parts)
