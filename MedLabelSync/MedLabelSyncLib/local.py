"""What this project remembers of stores: ``.medlabel/sync.sqlite3``. Nothing in it cannot be had again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from MedLabelLib.model.errors import ProjectError
from MedLabelLib.storage.project import Project

from .revision import Scan

FILE_NAME = "sync.sqlite3"
_FAILED = "what was pushed and pulled cannot be remembered"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    label TEXT PRIMARY KEY, stamp TEXT, volume TEXT, scan TEXT, digest TEXT, empty INTEGER
);
CREATE TABLE IF NOT EXISTS taken (store TEXT, volume TEXT, uid TEXT, PRIMARY KEY (store, volume, uid));
CREATE TABLE IF NOT EXISTS scans (volume TEXT PRIMARY KEY, scan TEXT);
CREATE TABLE IF NOT EXISTS bases (store TEXT, volume TEXT, parents TEXT, digest TEXT,
    PRIMARY KEY (store, volume));
"""


@dataclass(frozen=True)
class Seen:
    """A volume as it was when it was last looked at: ``stamp`` tells whether it may still be so.

    ``digest`` is that of its labels; ``empty`` that there are none.
    """

    stamp: str
    volume_id: str
    scan: Scan
    digest: str
    empty: bool


@dataclass(frozen=True)
class Base:
    """What a volume's labels are based on in one store: revisions there, and the digest of labels that

    were the same there (empty where they are a merge that was not pushed yet)."""

    parents: tuple[str, ...] = ()
    digest: str = ""


class LocalState:
    """Remembers per volume what it looked like, and per store what it is based on."""

    def __init__(self, project: Project) -> None:
        self.path = project.private / FILE_NAME
        try:
            project.private.mkdir(mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ProjectError(
                f"what was pushed and pulled cannot be remembered: {error}", self.path
            ) from error

    def __enter__(self) -> LocalState:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def seen(self) -> dict[str, Seen]:
        """Label → how each volume was when it was last looked at."""
        with self._errors():
            rows = self._connection.execute("SELECT * FROM seen").fetchall()
        return {
            label: Seen(stamp, volume, Scan(**json.loads(scan)), digest, bool(empty))
            for label, stamp, volume, scan, digest, empty in rows
        }

    def note(self, seen: dict[str, Seen]) -> None:
        rows = [
            (label, s.stamp, s.volume_id, json.dumps(s.scan.to_json()), s.digest, s.empty)
            for label, s in seen.items()
        ]
        with self._errors(), self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", rows)

    def scan_of(self, volume_id: str) -> Scan | None:
        """The scan that a volume was pulled as; None where the volume itself tells."""
        with self._errors():
            row = self._connection.execute("SELECT scan FROM scans WHERE volume = ?", (volume_id,)).fetchone()
        return None if row is None else Scan(**json.loads(row[0]))

    def keep_scan(self, volume_id: str, scan: Scan) -> None:
        with self._errors():
            self._connection.execute(
                "INSERT OR REPLACE INTO scans VALUES (?, ?)", (volume_id, json.dumps(scan.to_json()))
            )

    def bases(self, store: str) -> dict[str, Base]:
        """Volume id → what its labels are based on in a store."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT volume, parents, digest FROM bases WHERE store = ?", (store,)
            ).fetchall()
        return {volume: Base(tuple(json.loads(parents)), digest) for volume, parents, digest in rows}

    def set_base(self, store: str, volume_id: str, base: Base) -> None:
        with self._errors():
            self._connection.execute(
                "INSERT OR REPLACE INTO bases VALUES (?, ?, ?, ?)",
                (store, volume_id, json.dumps(base.parents), base.digest),
            )

    def taken(self, store: str, volume_id: str) -> set[str]:
        """The UIDs of what other programs wrote that was looked at for this volume."""
        with self._errors():
            rows = self._connection.execute(
                "SELECT uid FROM taken WHERE store = ? AND volume = ?", (store, volume_id)
            )
            return {uid for (uid,) in rows}

    def note_taken(self, store: str, volume_id: str, uid: str) -> None:
        with self._errors():
            self._connection.execute("INSERT OR IGNORE INTO taken VALUES (?, ?, ?)", (store, volume_id, uid))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise ProjectError(
                f"what was pushed and pulled cannot be remembered: {error}", self.path
            ) from error
