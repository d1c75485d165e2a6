"""All volumes of a project as a table that is searched, sorted and counted at once.

It is a cache: it holds nothing that the annotations' files and the journal do not, follows them when it is
asked, and may be deleted.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..model.annotation import Annotation
from ..model.errors import AnnotationError, MedLabelError
from ..storage.journal.journal import Journal, has_journal
from ..storage.project import Project
from ..storage.volume import Volume
from .filters import COLUMNS, Filter
from .work import work_of

FILE_NAME = "catalogue.sqlite3"
_FORMAT = 1
_SCHEMA = """
CREATE TABLE volumes (
    label TEXT PRIMARY KEY, id TEXT NOT NULL, dataset TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL,
    modality TEXT NOT NULL, unit TEXT NOT NULL, shape TEXT NOT NULL, voxels INTEGER NOT NULL,
    spacings TEXT NOT NULL, spacing REAL NOT NULL, objects INTEGER NOT NULL, tags INTEGER NOT NULL,
    status TEXT NOT NULL, assignee TEXT NOT NULL, remark TEXT NOT NULL,
    updated TEXT NOT NULL, updated_by TEXT NOT NULL, words TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE TABLE classes (label TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL);
CREATE INDEX classes_by_name ON classes (name, label);
CREATE INDEX classes_of_volume ON classes (label);
CREATE TABLE tags (
    label TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, on_volume INTEGER NOT NULL
);
CREATE INDEX tags_by_name ON tags (name, value, label);
CREATE INDEX tags_of_volume ON tags (label);
"""


@dataclass(frozen=True)
class Row:
    """One volume. ``shape`` and ``spacing`` (mm) are of the canonical grid, i, j, k; times are UTC.

    ``classes`` counts the volume's objects by class, ``tags`` are those of the volume itself. A volume
    whose annotation cannot be read has a ``problem`` and nothing else.
    """

    label: str
    dataset: str
    name: str
    modality: str
    unit: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    objects: int
    classes: dict[str, int]
    tags: tuple[tuple[str, str], ...]
    status: str
    assignee: str
    remark: str
    updated: str
    updated_by: str
    problem: str


@dataclass(frozen=True)
class Page:
    """Some rows of those that a filter lets through, and how many these are."""

    rows: list[Row]
    total: int


@dataclass(frozen=True)
class Counts:
    """How many volumes there are of each, over the whole project; ``classes`` and ``tags`` by name."""

    volumes: int
    objects: int
    datasets: dict[str, int]
    modalities: dict[str, int]
    statuses: dict[str, int]
    assignees: dict[str, int]
    classes: dict[str, int]
    tags: dict[str, int]


class Catalogue:
    """The table of one project. Safe from any thread; several processes may keep the same file."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.RLock()
        self._connection = _open(project)

    def close(self) -> None:
        self._connection.close()

    def refresh(self) -> bool:
        """Follow the annotations' files, told by time and size; whether any had changed."""
        with self._lock:
            found = {volume.label: (volume, stamp) for volume, stamp in _stamped(self._project)}
            known = dict(self._connection.execute("SELECT label, stamp FROM volumes"))
            gone = [label for label in known if label not in found]
            stale = [(volume, stamp) for label, (volume, stamp) in found.items() if known.get(label) != stamp]
            if not gone and not stale:
                return False
            authors = _Authors(self._project)
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for label in [*gone, *(volume.label for volume, _ in stale)]:
                    for table in ("volumes", "classes", "tags"):
                        self._connection.execute(f"DELETE FROM {table} WHERE label = ?", (label,))
                for volume, stamp in stale:
                    self._take(volume, stamp, authors)
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                authors.close()
            return True

    def find(
        self,
        wanted: Filter | None = None,
        sort: str = "label",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> Page:
        """The rows that a filter lets through, sorted by a column and then by label.

        Raises AnnotationError for a column that is none.
        """
        condition, values = (wanted or Filter()).as_sql()
        order = _order(sort, descending)
        with self._lock:
            (total,) = self._connection.execute(
                f"SELECT count(*) FROM volumes WHERE {condition}", values
            ).fetchone()
            rows = self._connection.execute(
                f"SELECT * FROM volumes WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
            return Page([self._row(row) for row in rows], total)

    def labels(
        self, wanted: Filter | None = None, sort: str = "label", descending: bool = False
    ) -> list[str]:
        """The labels of all rows that a filter lets through, in order: the way from volume to volume."""
        condition, values = (wanted or Filter()).as_sql()
        with self._lock:
            return [
                label
                for (label,) in self._connection.execute(
                    f"SELECT label FROM volumes WHERE {condition} ORDER BY {_order(sort, descending)}", values
                )
            ]

    def counts(self) -> Counts:
        """What there is in the project."""

        def by(column: str) -> dict[str, int]:
            return dict(
                self._connection.execute(
                    f"SELECT {column}, count(*) FROM volumes WHERE {column} != '' "
                    f"GROUP BY {column} ORDER BY {column}"
                )
            )

        with self._lock:
            volumes, objects = self._connection.execute(
                "SELECT count(*), coalesce(sum(objects), 0) FROM volumes"
            ).fetchone()
            classes = self._connection.execute("SELECT name, sum(count) FROM classes GROUP BY name")
            tags = self._connection.execute("SELECT name, count(DISTINCT label) FROM tags GROUP BY name")
            return Counts(
                volumes, objects, by("dataset"), by("modality"), by("status"), by("assignee"),
                dict(classes.fetchall()), dict(tags.fetchall()),
            )  # fmt: skip

    # -- inside ------------------------------------------------------------------------------------------

    def _row(self, row: sqlite3.Row) -> Row:
        label = row["label"]
        classes = self._connection.execute("SELECT name, count FROM classes WHERE label = ?", (label,))
        tags = self._connection.execute(
            "SELECT name, value FROM tags WHERE label = ? AND on_volume", (label,)
        )
        return Row(
            label, row["dataset"], row["name"], row["modality"], row["unit"],
            tuple(json.loads(row["shape"])), tuple(json.loads(row["spacings"])), row["objects"],
            dict(classes.fetchall()), tuple(map(tuple, tags.fetchall())), row["status"], row["assignee"],
            row["remark"], row["updated"], row["updated_by"], row["problem"],
        )  # fmt: skip

    def _take(self, volume: Volume, stamp: str, authors: _Authors) -> None:
        updated = datetime.fromtimestamp(int(stamp.split("-")[0]) / 1e9, timezone.utc)
        row: dict[str, Any] = {
            "label": volume.label, "id": "", "dataset": volume.dataset.name, "name": volume.name,
            "stamp": stamp, "modality": "", "unit": "", "shape": "[]", "voxels": 0, "spacings": "[]",
            "spacing": 0.0, "objects": 0, "tags": 0, "status": "", "assignee": "", "remark": "",
            "updated": updated.isoformat(timespec="seconds"), "updated_by": "", "words": volume.label.lower(),
            "problem": "",
        }  # fmt: skip
        try:
            annotation = volume.read_annotation(with_masks=False)
            geometry, volume_id = volume.geometry(), volume.id()
        except MedLabelError as error:
            row["problem"] = error.reason
        else:
            row |= self._described(volume, annotation) | authors.of(volume_id)
            row |= {
                "id": volume_id,
                "modality": annotation.volume_meta.get("modality") or "",
                "unit": annotation.volume_meta.get("unit") or "",
                "shape": json.dumps(geometry.shape),
                "voxels": max(geometry.shape),
                "spacings": json.dumps([round(step, 6) for step in geometry.spacing]),
                "spacing": max(geometry.spacing),
            }
        columns = ", ".join(row)
        self._connection.execute(
            f"INSERT INTO volumes ({columns}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )

    def _described(self, volume: Volume, annotation: Annotation) -> dict[str, Any]:
        """The columns that the labels give; classes and tags go to their own tables."""
        counted: dict[str, int] = {}
        for entry in annotation.objects:
            counted[entry.class_name] = counted.get(entry.class_name, 0) + 1
        tags = [(tag, 1) for tag in annotation.tags]
        tags += [(tag, 0) for entry in annotation.objects for tag in entry.tags]
        texts = [(tag.name, "" if tag.value is None else str(tag.value), on) for tag, on in tags]
        self._connection.executemany(
            "INSERT INTO classes VALUES (?, ?, ?)", [(volume.label, *item) for item in counted.items()]
        )
        self._connection.executemany(
            "INSERT INTO tags VALUES (?, ?, ?, ?)", [(volume.label, *text) for text in texts]
        )
        work = work_of(annotation)
        words = [volume.label, *counted, work.assignee, work.remark, *(f"{n} {v}" for n, v, _ in texts)]
        return {
            "objects": len(annotation.objects),
            "tags": len(annotation.tags),
            "status": work.status,
            "assignee": work.assignee,
            "remark": work.remark,
            "words": "\n".join(words).lower(),
        }


class _Authors:
    """Who changed a volume last, as the journal has it; nothing where there is no journal to be had."""

    def __init__(self, project: Project) -> None:
        self._journal: Journal | None = None
        if has_journal(project):
            with suppress(MedLabelError):
                self._journal = Journal.open(project, "", "", read_only=True)

    def of(self, volume_id: str) -> dict[str, str]:
        if self._journal is None:
            return {}
        made = self._journal.entry(self._journal.newest(volume_id))
        if made is None:
            return {}
        return {"updated": made.when.isoformat(timespec="seconds"), "updated_by": made.author}

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()


def _order(sort: str, descending: bool) -> str:
    if sort not in COLUMNS:
        raise AnnotationError(f"volumes are sorted by {', '.join(COLUMNS)}, not by {sort!r}")
    return f"{sort} COLLATE NOCASE {'DESC' if descending else 'ASC'}, label"


def _stamped(project: Project) -> Iterator[tuple[Volume, str]]:
    """Every volume with what tells whether its annotation's file has changed."""
    for dataset in project.datasets():
        folder = dataset.path / "ann"
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(".nrrd.json") and not entry.name.startswith("."):
                    status = entry.stat()
                    stamp = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
                    yield Volume(dataset, entry.name.removesuffix(".json")), stamp


def _open(project: Project) -> sqlite3.Connection:
    """The project's own file; in memory where it cannot be kept there."""
    path = project.private / FILE_NAME
    if project.writable:
        with suppress(sqlite3.Error, OSError):
            return _connect(path)
        # torn, or another program's: it is only a cache
        with suppress(sqlite3.Error, OSError):
            path.unlink(missing_ok=True)
            return _connect(path)
    return _connect(None)


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, timeout=5.0, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        # what a crash takes is read again from the files
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _FORMAT:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                connection.execute(f'DROP TABLE "{name}"')
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection
