"""``meta.json`` as the journal sees it: what it was whenever it was written, and what it is now."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ...model.definitions import Definitions
from ...model.errors import MedLabelError
from ..definitions_json import parse_definitions
from .entries import PROJECT
from .files import CURRENT, DAMAGED, MISSING, OUTSIDE, STALE

NAME = "meta.json"
# older ones are told from their entries; these are to mend the file by, byte for byte
CONTENTS_KEPT = 20


@dataclass(frozen=True)
class MetaStatus:
    """What the file was found to be (words of ``journal.files``), its bytes, and the definitions in them.

    ``status`` is empty where the journal has not met the file yet.
    """

    status: str
    content: bytes | None
    definitions: Definitions | None
    reason: str = ""


def examine(connection: sqlite3.Connection, path: Path) -> MetaStatus:
    """Compare the file with what the journal knows of it."""
    known = _hashes(connection)
    try:
        content = path.read_bytes()
    except OSError as error:
        return MetaStatus(MISSING, None, None, f"it cannot be read: {error.strerror or error}")
    try:
        definitions = parse_definitions(content, path)
    except MedLabelError as error:
        return MetaStatus(DAMAGED, content, None, error.reason)
    digest = hashlib.sha256(content).digest()
    if not known:
        return MetaStatus("", content, definitions)
    if digest == known[0]:
        return MetaStatus(CURRENT, content, definitions)
    return MetaStatus(STALE if digest in known else OUTSIDE, content, definitions)


def keep(connection: sqlite3.Connection, content: bytes, seq: int) -> None:
    """Note, inside a transaction, that the file holds ``content`` since entry ``seq``, and keep it."""
    digest = hashlib.sha256(content).digest()
    connection.execute(
        "INSERT INTO files (volume, name, hash, seq) VALUES (?, ?, ?, ?)", (PROJECT, NAME, digest, seq)
    )
    connection.execute("INSERT OR REPLACE INTO blobs (hash, content) VALUES (?, ?)", (digest, content))
    hashes = _hashes(connection)
    kept = set(hashes[:CONTENTS_KEPT])
    connection.executemany(
        "DELETE FROM blobs WHERE hash = ?", [(old,) for old in hashes[CONTENTS_KEPT:] if old not in kept]
    )


def newest_content(connection: sqlite3.Connection) -> bytes | None:
    """The newest content that the journal still holds whole; None when there is none."""
    for digest in _hashes(connection)[:CONTENTS_KEPT]:
        row = connection.execute("SELECT content FROM blobs WHERE hash = ?", (digest,)).fetchone()
        if row is not None and hashlib.sha256(row[0]).digest() == digest:
            return row[0]
    return None


def _hashes(connection: sqlite3.Connection) -> list[bytes]:
    """Of all that the file ever held, the newest first."""
    rows = connection.execute(
        "SELECT hash FROM files WHERE volume = ? AND name = ? ORDER BY number DESC", (PROJECT, NAME)
    )
    return [row[0] for row in rows]
