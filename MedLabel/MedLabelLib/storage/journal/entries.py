"""The entries of the journal: how they are appended, chained by hash, and read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ...model.edits import Operation, invert
from .coding import decode
from .errors import JournalDamagedError, TakenOverError
from .marks import Mark

# the kinds that are steps a user can undo
STEP_KINDS = ("edit", "restore", "outside", "recovered")
MOVE_KINDS = ("undo", "redo")
# the first entry of a volume: its labels as they were when the journal met them
BASE = "base"
PROJECT = ""
OUTSIDE_AUTHOR = "outside"
FIRST_HASH = bytes(32)
# how the detail of an entry begins that names slices which were drawn in a step that made others by itself
DRAWN_DETAIL = '{"drawn":'

COLUMNS = (
    "seq, volume, parent, kind, target, at, author, face, tool, name, provenance, model, edit_id, detail, "
    "previous, ops_hash, hash"
)


@dataclass(frozen=True)
class Entry:
    """One entry without its operations.

    ``volume`` is empty for what concerns the project. ``parent`` is the volume's entry before this one,
    ``target`` the entry that is undone, redone or restored. ``at`` is UTC in ISO 8601. ``detail`` holds
    further JSON text. ``previous`` and ``hash`` are the chain over all entries of the project.
    """

    seq: int
    volume: str
    parent: int | None
    kind: str
    target: int | None
    at: str
    author: str
    face: str
    tool: str
    name: str
    provenance: str
    model: str | None
    edit_id: str | None
    detail: str | None
    previous: bytes
    ops_hash: bytes | None
    hash: bytes

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def has_drawn_slices(self) -> bool:
        """Whether ``detail`` names slices that were drawn in a step that made others by itself."""
        return self.detail is not None and self.detail.startswith(DRAWN_DETAIL)

    def kind_on(self, object_key: str, axis: int, index: int) -> str:
        """How the entry set an object's voxels on a slice; drawn where ``detail`` says so."""
        if self.has_drawn_slices:
            drawn = json.loads(self.detail)["drawn"].get(object_key, {})
            if index in drawn.get(str(axis), ()):
                return "drawn"
        return self.provenance

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the entry was altered since it was written."""
        try:
            return self.computed_hash() == self.hash
        except (TypeError, ValueError, AttributeError):
            return False

    def computed_hash(self) -> bytes:
        """What :attr:`hash` must be: SHA-256 of the previous hash and the entry's canonical JSON."""
        content = [
            self.seq, self.volume, self.parent, self.kind, self.target, self.at, self.author, self.face,
            self.tool, self.name, self.provenance, self.model, self.edit_id, self.detail,
            None if self.ops_hash is None else self.ops_hash.hex(),
        ]  # fmt: skip
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(self.previous + text.encode("utf-8")).digest()


@dataclass(frozen=True)
class NewEntry:
    """What is asked to be appended."""

    volume: str
    kind: str
    name: str
    author: str
    face: str
    tool: str = ""
    target: int | None = None
    provenance: str = ""
    model: str | None = None
    edit_id: str | None = None
    detail: str | None = None
    ops: bytes | None = None


def append(connection: sqlite3.Connection, new: NewEntry, parent: int | None, after: int = 0) -> Entry:
    """Add an entry, inside a transaction. Its number is greater than ``after`` and than all there are.

    Raises TakenOverError when the volume has got entries that the caller does not know of.
    """
    last = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    if parent is not None and newest(connection, new.volume) != parent:
        raise TakenOverError("another session has edited the volume in the meantime")
    draft = Entry(
        max(after, last[0] if last else 0) + 1,
        new.volume,
        parent,
        new.kind,
        new.target,
        datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        new.author,
        new.face,
        new.tool,
        new.name,
        new.provenance,
        new.model,
        new.edit_id,
        new.detail,
        last[1] if last else FIRST_HASH,
        None if new.ops is None else hashlib.sha256(new.ops).digest(),
        b"",
    )
    values = vars(draft) | {"hash": draft.computed_hash()}
    insert(connection, Entry(**values), new.ops)
    return Entry(**values)


def insert(connection: sqlite3.Connection, entry: Entry, ops: bytes | None) -> None:
    """Add an entry as it stands."""
    marks = ", ".join("?" * 18)
    connection.execute(f"INSERT INTO entries ({COLUMNS}, ops) VALUES ({marks})", (*vars(entry).values(), ops))


def newest(connection: sqlite3.Connection, volume: str) -> int:
    """The number of the volume's newest entry; 0 when it has none."""
    row = connection.execute("SELECT max(seq) FROM entries WHERE volume = ?", (volume,)).fetchone()
    return row[0] or 0


def read(connection: sqlite3.Connection, seq: int) -> Entry | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM entries WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else Entry(*row)


def entries_of(
    connection: sqlite3.Connection, volume: str | None = None, after: int = 0, until: int | None = None
) -> Iterator[Entry]:
    """The entries of a volume (or of all), oldest first, those numbered ``after`` < seq ≤ ``until``."""
    where, values = "seq > ?", [after]
    if volume is not None:
        where, values = where + " AND volume = ?", [*values, volume]
    if until is not None:
        where, values = where + " AND seq <= ?", [*values, until]
    rows = connection.execute(f"SELECT {COLUMNS} FROM entries WHERE {where} ORDER BY seq", values)
    return (Entry(*row) for row in rows)


def newest_of_kinds(
    connection: sqlite3.Connection,
    volume: str,
    kinds: Sequence[str],
    before: int | None = None,
    count: int | None = None,
) -> list[Entry]:
    """The newest entries of a volume that are of some kinds, numbered under ``before``, oldest first."""
    marks = ", ".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM entries WHERE volume = ? AND seq < ? AND kind IN ({marks}) "
        "ORDER BY seq DESC LIMIT ?",
        (volume, (1 << 62) if before is None else before, *kinds, -1 if count is None else count),
    ).fetchall()
    return [Entry(*row) for row in reversed(rows)]


def operations_of(connection: sqlite3.Connection, entry: Entry) -> tuple[list[Operation], list[Mark]]:
    """What an entry does to its volume; of an undo or redo, what its target did, turned round or not.

    Raises JournalDamagedError when the operations are altered or missing (pruned).
    """
    if entry.kind in MOVE_KINDS:
        target = read(connection, entry.target)
        if target is None:
            raise JournalDamagedError(f"entry {entry.target} is missing from the journal")
        operations, marks = operations_of(connection, target)
        if entry.kind == "redo":
            return operations, marks
        return invert(operations), [mark.inverted() for mark in marks]
    if entry.ops_hash is None:
        return [], []
    row = connection.execute("SELECT ops FROM entries WHERE seq = ?", (entry.seq,)).fetchone()
    if row is None or row[0] is None:
        raise JournalDamagedError(f"what entry {entry.seq} changed was pruned from the journal")
    if hashlib.sha256(row[0]).digest() != entry.ops_hash:
        raise JournalDamagedError(f"entry {entry.seq} of the journal was altered")
    operations, marks = decode(row[0])
    return operations, [mark.owned(entry.seq) for mark in marks]
