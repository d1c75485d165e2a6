"""What was asked of a store and could not be done yet: on the disk, tried again after growing pauses."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from MedLabelLib.model.errors import MedLabelError, ProjectError
from MedLabelLib.storage.project import Project

from .errors import CancelledError, StoreError
from .local import FILE_NAME

PUSH, PULL = "push", "pull"
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0
# a server may ask for patience, not for ever
LONGEST_RETRY_AFTER = 24 * 3600.0
_COLUMNS = "id, verb, store, volume, asked, attempts, due, error"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT, store TEXT, volume TEXT, asked REAL,
    attempts INTEGER DEFAULT 0, due REAL, error TEXT DEFAULT '', UNIQUE (verb, store, volume)
);
"""


@dataclass(frozen=True)
class Asked:
    """One thing to do: ``verb`` with a volume (by its label) and a store (by its name).

    ``due`` is when it is tried next, in seconds since 1970; None when only the user can help it on, and
    ``error`` says why.
    """

    id: int
    verb: str
    store: str
    volume: str
    asked: float
    attempts: int
    due: float | None
    error: str


class Queue:
    """The queue of a project. Where two processes work it off at once, a thing done twice is done once."""

    def __init__(self, project: Project, clock: Callable[[], float] = time.time) -> None:
        self._path = project.private / FILE_NAME
        self._clock = clock
        with self._errors():
            project.private.mkdir(mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, verb: str, store: str, volume: str) -> None:
        """Put something at the end; asked again, it is due at once and keeps its place."""
        now = self._clock()
        with self._errors():
            self._connection.execute(
                "INSERT INTO queue (verb, store, volume, asked, due) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (verb, store, volume) "
                "DO UPDATE SET due = excluded.due, attempts = 0, error = ''",
                (verb, store, volume, now, now),
            )

    def waiting(self) -> list[Asked]:
        """All there is, in the order in which it was asked."""
        with self._errors():
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM queue ORDER BY id").fetchall()
        return [Asked(*row) for row in rows]

    def cancel(self, item: Asked) -> None:
        with self._errors():
            self._connection.execute("DELETE FROM queue WHERE id = ?", (item.id,))

    def pause(self) -> float | None:
        """Seconds until something is due; None when nothing will be."""
        due = [item.due for item in self.waiting() if item.due is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    def work(self, do: Callable[[Asked], None]) -> list[Asked]:
        """Try all that is due, once; returns what is left.

        What ``do`` fails at for a time is due again after a pause that doubles, or after what the store asks
        for; any other failure waits for the user. CancelledError ends the work and keeps what is left.
        """
        for item in self.waiting():
            if item.due is None or item.due > self._clock():
                continue
            try:
                do(item)
            except CancelledError:
                raise
            except StoreError as error:
                self._put_off(item, error.reason, error.temporary, error.retry_after)
            except MedLabelError as error:
                self._put_off(item, error.reason, False, None)
            else:
                self.cancel(item)
        return self.waiting()

    def _put_off(self, item: Asked, reason: str, temporary: bool, retry_after: float | None) -> None:
        wait = min(FIRST_PAUSE * 2**item.attempts, LONGEST_PAUSE)
        if retry_after is not None:
            wait = min(max(wait, retry_after), LONGEST_RETRY_AFTER)
        due = self._clock() + wait if temporary else None
        with self._errors():
            self._connection.execute(
                "UPDATE queue SET attempts = attempts + 1, due = ?, error = ? WHERE id = ?",
                (due, reason, item.id),
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = f"what is to be pushed and pulled cannot be kept: {error}"
            raise ProjectError(reason, self._path) from error
