"""The project's volumes beside the one that is open, asked for on a thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from MedLabelLib.curation.catalogue import Catalogue
from MedLabelLib.curation.filters import Filter
from MedLabelLib.storage.project import Project

SHOWN = 200


@dataclass(frozen=True)
class Listed:
    """What the filter lets through: the first rows, how many in all, and the open volume's place.

    ``before`` and ``after`` are the labels of its neighbours, empty at the ends; ``at`` counts from 1 and is
    0 where the filter leaves the open volume out.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    at: int = 0
    before: str = ""
    after: str = ""


class VolumeList:
    """Asks the catalogue again and again; :meth:`collect` gives each new answer once."""

    def __init__(self, project: Project, label: str) -> None:
        self._catalogue = Catalogue(project)
        self._label = label
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="volumes")
        self._running: Future[Listed] | None = None
        self._last: Listed | None = None

    def ask(self, wanted: Filter, follow: bool) -> None:
        """Ask for what ``wanted`` lets through; with ``follow`` as the disk has it now."""
        self._running = self._pool.submit(self._find, wanted, follow)

    def collect(self) -> Listed | None:
        """The newest answer where it differs from the last one. Raises what the asking raised."""
        if self._running is None or not self._running.done():
            return None
        listed, self._running = self._running.result(), None
        if listed == self._last:
            return None
        self._last = listed
        return listed

    @property
    def is_asking(self) -> bool:
        return self._running is not None

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._catalogue.close()

    def _find(self, wanted: Filter, follow: bool) -> Listed:
        if follow or self._last is None:
            self._catalogue.refresh()
        page = self._catalogue.find(wanted, limit=SHOWN)
        labels = self._catalogue.labels(wanted)
        at = labels.index(self._label) if self._label in labels else -1
        rows = [
            {
                "label": row.label,
                "name": row.name,
                "dataset": row.dataset,
                "modality": row.modality,
                "size": "×".join(map(str, row.shape)),
                "objects": row.objects,
                "status": row.status,
                "assignee": row.assignee,
                "tags": [name if value == "" else f"{name} {value}" for name, value in row.tags],
                "problem": row.problem,
                "open": row.label == self._label,
            }
            for row in page.rows
        ]
        before = labels[at - 1] if at > 0 else ""
        after = labels[at + 1] if 0 <= at < len(labels) - 1 else (labels[0] if at < 0 and labels else "")
        return Listed(rows, page.total, at + 1, before, after)
