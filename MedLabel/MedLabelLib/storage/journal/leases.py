"""Who edits a volume, and on a network folder who edits the project."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ...model.errors import LockedError
from .errors import JournalError, TakenOverError
from .process import ProcessIdentity, this_process

# a holder on another host cannot be asked; it beats this often, and counts as gone after that long
BEAT_SECONDS = 10.0
GONE_SECONDS = 60.0
LEASE_NAME = "journal.lease"


@dataclass(frozen=True)
class Holder:
    """Who has something open for editing."""

    token: str
    process: ProcessIdentity
    face: str
    author: str
    since: str
    beat: float

    @property
    def lives(self) -> bool:
        alive = self.process.alive()
        return time.time() - self.beat < GONE_SECONDS if alive is None else alive

    def __str__(self) -> str:
        when = datetime.fromisoformat(self.since).astimezone().strftime("%H:%M")
        process = self.process
        return (
            f"{self.author or 'somebody'} ({self.face}, process {process.pid} on {process.host}) since {when}"
        )


def new_holder(token: str, face: str, author: str) -> Holder:
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Holder(token, this_process(), face, author, since, time.time())


def take(
    connection: sqlite3.Connection, volume: str, holder: Holder, by_force: bool = False
) -> Holder | None:
    """Take the volume's lease, inside a transaction; returns the living holder when it is not to be had."""
    known = holder_of(connection, volume)
    if known is not None and known.token != holder.token and known.lives and not by_force:
        return known
    process = holder.process
    connection.execute(
        "INSERT OR REPLACE INTO leases (volume, token, host, pid, started, face, author, since, beat) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            volume, holder.token, process.host, process.pid, process.started,
            holder.face, holder.author, holder.since, holder.beat,
        ),
    )  # fmt: skip
    return None


def holder_of(connection: sqlite3.Connection, volume: str) -> Holder | None:
    row = connection.execute(
        "SELECT token, host, pid, started, face, author, since, beat FROM leases WHERE volume = ?", (volume,)
    ).fetchone()
    if row is None:
        return None
    token, host, pid, started, face, author, since, beat = row
    return Holder(token, ProcessIdentity(host, pid, started), face, author, since, beat)


def check_held(connection: sqlite3.Connection, volume: str, token: str) -> None:
    """Raises TakenOverError when another has the volume's lease now."""
    known = holder_of(connection, volume)
    if known is None or known.token != token:
        by = "another session" if known is None else str(known)
        raise TakenOverError(f"the volume was taken over by {by}")


def let_go(connection: sqlite3.Connection, volume: str, token: str) -> None:
    connection.execute("DELETE FROM leases WHERE volume = ? AND token = ?", (volume, token))


class ProjectLease:
    """The one exclusive lease of a project on a network folder: a file, counted within this process."""

    _held: dict[Path, ProjectLease] = {}  # noqa: RUF012 - shared by the process on purpose
    _guard = threading.Lock()

    def __init__(self, path: Path, face: str, author: str) -> None:
        self.path = path
        self._uses = 0
        self._holder = new_holder(os.urandom(8).hex(), face, author)
        self._stop = threading.Event()

    @classmethod
    def acquire(cls, folder: Path, face: str, author: str) -> ProjectLease:
        """Take the lease of the project's private folder. Raises LockedError naming who has it."""
        path = (folder / LEASE_NAME).resolve()
        with cls._guard:
            lease = cls._held.get(path)
            if lease is None:
                lease = cls(path, face, author)
                lease._create()
                cls._held[path] = lease
                threading.Thread(target=lease._beat, name="project-lease", daemon=True).start()
            lease._uses += 1
            return lease

    def release(self) -> None:
        with self._guard:
            self._uses -= 1
            if self._uses == 0:
                self._stop.set()
                del self._held[self.path]
                if self._is_mine():
                    self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raises TakenOverError when another process has the project now."""
        if not self._is_mine():
            raise TakenOverError("another process has taken the project over")

    def _create(self) -> None:
        for _ in range(3):
            try:
                handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except FileExistsError:
                self._clear_dead()
                continue
            except OSError as error:
                raise JournalError(f"it cannot be written: {error.strerror}", self.path) from error
            process = self._holder.process
            record = {**vars(self._holder), "process": vars(process)}
            with os.fdopen(handle, "w") as stream:
                json.dump(record, stream)
                stream.flush()
                os.fsync(stream.fileno())
            return
        raise LockedError("another process is taking the project just now", self.path.parent.parent)

    def _clear_dead(self) -> None:
        known = self._read()
        if known is None:
            # being written, or torn by a crash: a lease that stays unreadable is nobody's
            time.sleep(0.2)
            known = self._read()
        if known is not None and known.lives:
            raise LockedError(
                f"on a network folder one process edits at a time, and {known} does", self.path.parent.parent
            )
        # moved away under a name of our own first, so that of two who clear it only one succeeds
        aside = self.path.with_name(f"{LEASE_NAME}.{self._holder.token}")
        with suppress(OSError):
            os.rename(self.path, aside)
            moved = _read_lease(aside)
            if moved is not None and moved.lives and (known is None or moved.token != known.token):
                with suppress(FileExistsError):
                    os.link(aside, self.path)
            aside.unlink()

    def _read(self) -> Holder | None:
        return _read_lease(self.path)

    def _is_mine(self) -> bool:
        known = self._read()
        return known is not None and known.token == self._holder.token

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self.path)


def _read_lease(path: Path) -> Holder | None:
    try:
        data = json.loads(path.read_text())
        beat = path.stat().st_mtime
        return Holder(
            data["token"],
            ProcessIdentity(**data["process"]),
            data["face"],
            data["author"],
            data["since"],
            beat,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
