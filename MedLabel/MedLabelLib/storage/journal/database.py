"""The journal's SQLite file: how it is opened, its tables, and its errors made typed ones."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import JournalDamagedError, JournalError
from .network import is_network_folder

FILE_NAME = "journal.sqlite3"
FORMAT = 1
BUSY_SECONDS = 5.0
_HEADER_SIZE = 100

_SCHEMA = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    volume TEXT NOT NULL,
    parent INTEGER,
    kind TEXT NOT NULL,
    target INTEGER,
    at TEXT NOT NULL,
    author TEXT NOT NULL,
    face TEXT NOT NULL,
    tool TEXT NOT NULL,
    name TEXT NOT NULL,
    provenance TEXT NOT NULL,
    model TEXT,
    edit_id TEXT,
    detail TEXT,
    previous BLOB NOT NULL,
    ops_hash BLOB,
    hash BLOB NOT NULL,
    ops BLOB
);
CREATE INDEX entries_of_volume ON entries (volume, seq);
CREATE UNIQUE INDEX entries_by_edit ON entries (volume, edit_id) WHERE edit_id IS NOT NULL;
CREATE TABLE volumes (id TEXT PRIMARY KEY, dataset TEXT NOT NULL, file_name TEXT NOT NULL);
CREATE TABLE checkpoints (
    volume TEXT NOT NULL, seq INTEGER NOT NULL, state BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (volume, seq)
);
CREATE TABLE blobs (hash BLOB PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE checkpoint_blobs (
    volume TEXT NOT NULL, seq INTEGER NOT NULL, blob BLOB NOT NULL,
    PRIMARY KEY (volume, seq, blob)
) WITHOUT ROWID;
CREATE TABLE files (
    number INTEGER PRIMARY KEY,
    volume TEXT NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL, seq INTEGER NOT NULL
);
CREATE INDEX files_of_volume ON files (volume, name, number);
CREATE TABLE leases (
    volume TEXT PRIMARY KEY, token TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    started TEXT NOT NULL, face TEXT NOT NULL, author TEXT NOT NULL, since TEXT NOT NULL, beat REAL NOT NULL
);
"""


def open_database(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Open the journal, made when it is not there. WAL on a disk, rollback mode on a network folder.

    Raises JournalDamagedError when the file is torn, JournalError when it cannot be opened.
    """
    if read_only and not path.exists():
        raise JournalError("there is no journal", path)
    if is_cut_short(path):
        raise JournalDamagedError("the journal is cut short", path)
    with typed_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
        )
        try:
            if not read_only:
                _prepare(connection, path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except BaseException:
            connection.close()
            raise
    if version != FORMAT:
        connection.close()
        raise JournalError(f"the journal has form {version}, and this MedLabel knows form {FORMAT}", path)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    mode = "TRUNCATE" if is_network_folder(path.parent) else "WAL"
    _set_mode(connection, mode)
    connection.execute("PRAGMA synchronous=FULL")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.execute("BEGIN IMMEDIATE")
        # another process may have made the tables while this one waited
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.execute("COMMIT")


def _set_mode(connection: sqlite3.Connection, mode: str) -> None:
    """Set the journal mode; while two processes do so at once, SQLite refuses one without waiting."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={mode}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def is_cut_short(path: Path) -> bool:
    """Whether the file ends before the pages that its header counts, with no WAL that could hold them."""
    wal = path.with_name(path.name + "-wal")
    try:
        size = path.stat().st_size
        if size == 0 or (wal.exists() and wal.stat().st_size > 0):
            return False
        with path.open("rb") as stream:
            header = stream.read(_HEADER_SIZE)
    except OSError:
        return False
    if not header.startswith(b"SQLite format 3\0") or len(header) < _HEADER_SIZE:
        return True
    page = int.from_bytes(header[16:18], "big")
    return size < (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as JournalError or JournalDamagedError, with a sentence for the user."""
    try:
        yield
    except UnicodeDecodeError as error:
        # of a text in a torn page, or of SQLite's message that quotes it
        raise JournalDamagedError("the journal is damaged: a text in it is none", path) from error
    except sqlite3.Error as error:
        text = str(error)
        if any(sign in text for sign in ("malformed", "not a database", "decode to UTF-8", "corrupt")):
            raise JournalDamagedError(f"the journal is damaged: {text}", path) from error
        if "locked" in text or "busy" in text:
            text = "another process is holding it"
        elif "full" in text:
            text = "the disk is full"
        elif "readonly" in text or "unable to open" in text:
            text = "it may not be written here"
        raise JournalError(f"the journal cannot be used: {text}", path) from error


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All of the block or nothing; when it ends without an error it is on the disk."""
    with typed_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise
