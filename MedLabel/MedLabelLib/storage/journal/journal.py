"""The journal of a project, opened: one connection, and all that is asked of it."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.annotation import Annotation
from ...model.edits import MaskOp, Operation
from ...model.errors import NotFoundError
from . import entries, leases
from .coding import decode_marks, encode
from .database import FILE_NAME, open_database, transaction, typed_errors
from .entries import BASE, Entry, NewEntry
from .errors import JournalError
from .marks import Mark, marks_of, set_marks
from .network import is_network_folder
from .pruning import prune_entries, thin_checkpoints, thin_hashes
from .state import (
    Checkpoint,
    Loaded,
    VolumeState,
    encode_checkpoint,
    encode_masks,
    load_state,
    write_checkpoint,
)

if TYPE_CHECKING:
    from ..project import Project
    from ..volume import Volume


class Journal:
    """The journal in a project's private folder. Safe to use from several threads of a process."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lease: leases.ProjectLease | None) -> None:
        self.path = path
        self._connection = connection
        self._project_lease = lease
        self._lock = threading.RLock()

    @classmethod
    def open(cls, project: Project, face: str, author: str, read_only: bool = False) -> Journal:
        """Open the project's journal, made when there is none.

        Raises
        ------
        JournalError
            when it cannot be opened or, to read it, is not there; JournalDamagedError when it is torn.
        LockedError
            when the project lies on a network folder and another process edits it.
        """
        folder = project.private
        if not read_only:
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise JournalError(f"the journal cannot be made: {error.strerror}", folder) from error
        lease = None
        if is_network_folder(project.path):
            # even a reader takes part in locking, so that a network folder is opened by one process only
            lease = leases.ProjectLease.acquire(folder, face, author)
        try:
            return cls(folder / FILE_NAME, open_database(folder / FILE_NAME, read_only), lease)
        except BaseException:
            if lease is not None:
                lease.release()
            raise

    def close(self) -> None:
        with self._lock:
            if self._connection is None:
                return
            with typed_errors(self.path):
                self._connection.close()
            self._connection = None
            if self._project_lease is not None:
                self._project_lease.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries; its errors become JournalError."""
        with self._lock, typed_errors(self.path):
            if self._connection is None:
                raise JournalError("the journal is closed", self.path)
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block is on the disk when it ends, or nothing is."""
        with self._lock:
            if self._connection is None:
                raise JournalError("the journal is closed", self.path)
            if self._project_lease is not None:
                self._project_lease.check()
            with transaction(self._connection, self.path):
                yield self._connection

    # -- entries -----------------------------------------------------------------------------------------

    def append(self, new: NewEntry, parent: int | None = None, token: str | None = None) -> Entry:
        """Add an entry and return once it is on the disk.

        ``parent`` is the volume's newest entry as the caller knows it, ``token`` that of its lease.
        Raises TakenOverError when either no longer holds, JournalError when it cannot be written.
        """
        with self.writing() as connection:
            if token is not None:
                leases.check_held(connection, new.volume, token)
            return entries.append(connection, new, parent)

    def entries(self, volume: str | None = None, after: int = 0, until: int | None = None) -> list[Entry]:
        with self.reading() as connection:
            return list(entries.entries_of(connection, volume, after, until))

    def newest_of_kinds(
        self, volume: str, kinds: Sequence[str], before: int | None = None, count: int | None = None
    ) -> list[Entry]:
        """The newest entries of a volume that are of some kinds (all, or ``count``), oldest first."""
        with self.reading() as connection:
            return entries.newest_of_kinds(connection, volume, kinds, before, count)

    def page(self, volume: str | None = None, after: int = 0, count: int = 2000) -> list[Entry]:
        """At most ``count`` entries that follow entry ``after``, so that memory stays bounded."""
        with self.reading() as connection:
            return list(islice(entries.entries_of(connection, volume, after), count))

    def chain(self, after: int = 0, count: int = 500) -> list[tuple[Entry, bytes | None]]:
        """At most ``count`` entries of the project that follow entry ``after``, with their operations."""
        with self.reading() as connection:
            found = list(islice(entries.entries_of(connection, None, after), count))
            ops = dict(
                connection.execute(
                    "SELECT seq, ops FROM entries WHERE seq > ? AND seq <= ?",
                    (after, found[-1].seq if found else after),
                )
            )
        return [(entry, ops[entry.seq]) for entry in found]

    def append_after(self, new: NewEntry, seq: int) -> Entry:
        """Add an entry of the project, numbered after ``seq`` though the journal ends before it."""
        with self.writing() as connection:
            return entries.append(connection, new, None, after=seq)

    def newest(self, volume: str) -> int:
        """The number of the volume's newest entry; 0 when it has none."""
        with self.reading() as connection:
            return entries.newest(connection, volume)

    def gaps(self, volume: str) -> list[tuple[int, int]]:
        """Where entries of the volume are lost: (the last one before, the entry that notes it)."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT target, seq FROM entries WHERE volume = ? AND kind = 'gap'", (volume,)
            ).fetchall()

    def is_deleted(self, volume: str) -> bool:
        """Whether the volume was deleted and not brought back since."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT kind FROM entries WHERE volume = ? AND kind IN ('delete', 'undelete') "
                "ORDER BY seq DESC LIMIT 1",
                (volume,),
            ).fetchone()
        return row is not None and row[0] == "delete"

    def entry(self, seq: int) -> Entry | None:
        with self.reading() as connection:
            return entries.read(connection, seq)

    def operations_of(self, entry: Entry) -> tuple[list[Operation], list[Mark]]:
        with self.reading() as connection:
            return entries.operations_of(connection, entry)

    def marks_of(self, seqs: Sequence[int]) -> dict[int, list[Mark]]:
        """The marks of steps by their numbers; a step whose changes were pruned is left out."""
        found: dict[int, list[Mark]] = {}
        with self.reading() as connection:
            for seq in seqs:
                row = connection.execute("SELECT ops FROM entries WHERE seq = ?", (seq,)).fetchone()
                if row is not None and row[0] is not None:
                    found[seq] = [mark.owned(seq) for mark in decode_marks(row[0])]
        return found

    def entry_of_edit(self, volume: str, edit_id: str) -> int | None:
        """The number of the entry that was made by an edit of this id, or None."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT seq FROM entries WHERE volume = ? AND edit_id = ?", (volume, edit_id)
            ).fetchone()
        return None if row is None else row[0]

    # -- states ------------------------------------------------------------------------------------------

    def load(self, volume: str, until: int | None = None) -> Loaded | None:
        """The volume's state, at its newest entry or at ``until``; None when the journal has none."""
        with self.reading() as connection:
            return load_state(connection, volume, until)

    def begin(
        self, volume: str, annotation: Annotation, name: str, author: str, face: str, tool: str
    ) -> VolumeState:
        """Make the first entry of a volume, whose labels are those of ``annotation``, kept whole."""
        state = VolumeState(annotation)
        # what takes long is made before the transaction, which keeps other processes from writing
        masks, bodies = encode_masks(annotation)
        whole: list[Operation] = []
        for item in annotation.objects:
            if item.mask is not None and (box := item.mask.box) is not None:
                whole.append(MaskOp(item.key, box, item.mask.read(box)))
        marks = marks_of(whole, {}, {item.key for item in annotation.objects})
        with self.writing() as connection:
            new = NewEntry(volume, BASE, name, author, face, tool, provenance="imported")
            entry = entries.append(connection, new, None)
            set_marks(state.provenance, [mark.owned(entry.seq) for mark in marks])
            state.changed = {item.key: entry.seq for item in annotation.objects if item.mask is not None}
            state.created = {item.key: entry.seq for item in (*annotation.objects, *annotation.figures)}
            state.updated = dict(state.created)
            state.blobs = {key: (entry.seq, row) for key, row in masks.items()}
            state.seq = state.checkpoint = entry.seq
            write_checkpoint(connection, volume, replace(encode_checkpoint(state), bodies=bodies))
        return state

    def checkpoint(self, volume: str, state: VolumeState) -> Checkpoint:
        """Keep the whole state, so that the next opening starts there. ``state`` may be a snapshot."""
        made = encode_checkpoint(state)
        with self.writing() as connection:
            write_checkpoint(connection, volume, made)
            thin_checkpoints(connection, volume)
            thin_hashes(connection, volume)
        return made

    def prune(self, volume: str, until: int, state: VolumeState) -> int:
        """Forget what entries up to ``until`` changed; ``state``, the newest, is kept whole."""
        made = encode_checkpoint(state)
        with self.writing() as connection:
            write_checkpoint(connection, volume, made)
            count = prune_entries(connection, volume, until, state.seq)
        with self.reading() as connection:
            connection.execute("VACUUM")
        return count

    # -- which volume is which ---------------------------------------------------------------------------

    def volume_id(self, volume: Volume) -> str:
        """What the journal knows a volume by: its annotation's key, which stays when it is renamed.

        A copy of a volume inside the project, and an annotation without a key, get one from their place.
        When the annotation cannot be read, the volume that was last seen in its place is meant.
        """
        place = (volume.dataset.name, volume.file_name)
        derived = hashlib.sha256("/".join(place).encode("utf-8")).hexdigest()[:32]
        with self.reading() as connection:
            here = connection.execute(
                "SELECT id FROM volumes WHERE dataset = ? AND file_name = ?", place
            ).fetchone()
            key = annotation_key(volume)
            if key is None:
                return here[0] if here else derived
            if here is not None and here[0] in (key, derived):
                return here[0]
            known = connection.execute(
                "SELECT dataset, file_name FROM volumes WHERE id = ?", (key,)
            ).fetchone()
        if known is None or known == place:
            return key
        try:
            elsewhere = volume.dataset.project.dataset(known[0]).volume(known[1].removesuffix(".nrrd"))
        except NotFoundError:
            return key
        return derived if annotation_key(elsewhere) == key else key

    def set_place(self, volume_id: str, volume: Volume) -> None:
        """Remember where a volume is."""
        place = (volume.dataset.name, volume.file_name)
        with self.reading() as connection:
            row = connection.execute(
                "SELECT dataset, file_name FROM volumes WHERE id = ?", (volume_id,)
            ).fetchone()
        if row != place:
            with self.writing() as connection:
                connection.execute("DELETE FROM volumes WHERE dataset = ? AND file_name = ?", place)
                connection.execute("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?)", (volume_id, *place))

    def known_volumes(self) -> dict[str, tuple[str, str]]:
        """Volume id → (dataset, file name) of all the volumes the journal has met."""
        with self.reading() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute("SELECT * FROM volumes")}

    # -- leases ------------------------------------------------------------------------------------------

    def take_lease(self, volume: str, holder: leases.Holder, by_force: bool = False) -> leases.Holder | None:
        """Take a volume for editing; returns the living holder when it is not to be had."""
        with self.writing() as connection:
            return leases.take(connection, volume, holder, by_force)

    def let_go(self, volume: str, token: str) -> None:
        with self.writing() as connection:
            leases.let_go(connection, volume, token)

    def check_lease(self, volume: str, token: str) -> None:
        with self.reading() as connection:
            leases.check_held(connection, volume, token)

    # -- files -------------------------------------------------------------------------------------------

    def file_hashes(self, volume: str, name: str) -> list[tuple[bytes, int]]:
        """The (hash, entry) that a file had whenever it was written, the newest first."""
        with self.reading() as connection:
            return connection.execute(
                "SELECT hash, seq FROM files WHERE volume = ? AND name = ? ORDER BY number DESC",
                (volume, name),
            ).fetchall()

    def file_names(self, volume: str) -> set[str]:
        with self.reading() as connection:
            rows = connection.execute("SELECT DISTINCT name FROM files WHERE volume = ?", (volume,))
            return {row[0] for row in rows}

    def keep_hashes(self, volume: str, hashes: Sequence[tuple[str, bytes, int]]) -> None:
        """Record (name, hash, entry) of files that are about to be written, or were taken in."""
        with self.writing() as connection:
            connection.executemany(
                "INSERT INTO files (volume, name, hash, seq) VALUES (?, ?, ?, ?)",
                [(volume, name, digest, seq) for name, digest, seq in hashes],
            )

    def head(self) -> tuple[int, str]:
        """The number and hash of the newest entry of the project."""
        with self.reading() as connection:
            row = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, "") if row is None else (row[0], row[1].hex())


def encode_entry(
    operations: Sequence[Operation], state: VolumeState, source: VolumeState | None = None
) -> tuple[bytes, list[Mark]]:
    """The bytes of operations that ``state``'s annotation has got already, and their marks."""
    remaining = {entry.key for entry in state.annotation.objects}
    marks = marks_of(operations, state.provenance, remaining, None if source is None else source.provenance)
    return encode(operations, marks), marks


def has_journal(project: Project) -> bool:
    return os.path.exists(project.private / FILE_NAME)


def annotation_key(volume: Volume) -> str | None:
    """The key in a volume's annotation file; None when it has none or cannot be read."""
    try:
        data = json.loads(volume.annotation_path.read_bytes())
    except (OSError, ValueError):
        return None
    key = data.get("key") if isinstance(data, dict) else None
    return key if isinstance(key, str) and key else None
