"""Who changed what, when and by what means: the journal as rows, as CSV and as JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from .journal.journal import Journal, has_journal
from .project import Project
from .volume import Volume

FIELDS = (
    "entry", "when", "author", "face", "volume", "kind", "target", "name", "tool", "provenance", "model",
    "detail", "hash",
)  # fmt: skip


def log_rows(project: Project, volume: Volume | None = None) -> Iterator[dict[str, Any]]:
    """The entries of the project, or of one volume, oldest first, undos and redos included.

    ``when`` is UTC in ISO 8601; ``target`` the entry that was undone, redone or restored; ``volume`` is
    where the volume was last seen, empty for what concerns the project; ``hash`` is the chain's.
    """
    if not has_journal(project):
        return
    with Journal.open(project, "command", "", read_only=True) as journal:
        places = {
            key: f"{dataset}/{name.removesuffix('.nrrd')}"
            for key, (dataset, name) in journal.known_volumes().items()
        }
        wanted = None if volume is None else journal.volume_id(volume)
        after = 0
        while entries := journal.page(wanted, after):
            for entry in entries:
                yield {
                    "entry": entry.seq,
                    "when": entry.at,
                    "author": entry.author,
                    "face": entry.face,
                    "volume": places.get(entry.volume, entry.volume),
                    "kind": entry.kind,
                    "target": entry.target,
                    "name": entry.name,
                    "tool": entry.tool,
                    "provenance": entry.provenance,
                    "model": entry.model,
                    "detail": entry.detail,
                    "hash": entry.hash.hex(),
                }
            after = entries[-1].seq


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _tame(value) for name, value in row.items()})
    return buffer.getvalue()


def as_json_lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _tame(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
