"""What the projects page shows of a project: ``page/project.js`` says its shape."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from MedLabelApp.listing import volume_entry
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from MedLabelLib.storage.volumes_journal import deleted_volumes

Stamp = tuple[int, int, int]


class Description:
    """Describes one project again and again, reading only what has changed since. Safe from any thread."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._volumes: dict[Path, tuple[Stamp, dict[str, Any]]] = {}

    def __call__(self) -> dict[str, Any]:
        """The project's JSON. A volume that cannot be read stands in ``problems``, and hides no other."""
        with self._lock:
            problems: list[str] = []
            datasets = []
            for dataset in self._project.datasets():
                volumes = [self._volume(volume, problems) for volume in dataset.volumes()]
                datasets.append({"name": dataset.name, "volumes": [entry for entry in volumes if entry]})
            return {
                "name": self._project.name,
                "path_label": _short(self._project.path),
                "datasets": datasets,
                "deleted": self._deleted(problems),
                "arriving": [],
                "problems": problems,
            }

    def _deleted(self, problems: list[str]) -> list[dict[str, str]]:
        """The volumes that can be brought back."""
        try:
            deleted = deleted_volumes(self._project)
        except MedLabelError as error:
            problems.append(str(error))
            return []
        return [{"id": identity, "volume": label} for identity, label in deleted.items()]

    def _volume(self, volume: Volume, problems: list[str]) -> dict[str, Any] | None:
        try:
            entry = self._entry(volume)
            definitions = self._project.definitions
            objects = [
                {**_shown(entry_object), "color": definitions.label_class(entry_object["class"]).color}
                for entry_object in entry["objects"]
            ]
        except (MedLabelError, OSError) as error:
            problems.append(f"{volume.label} cannot be shown: {error}")
            return None
        return {**entry, "dataset": volume.dataset.name, "objects": objects}

    def _entry(self, volume: Volume) -> dict[str, Any]:
        # every save writes the annotation last, so its file tells that something of the volume changed
        stamp = _stamp(volume.annotation_path)
        known = self._volumes.get(volume.annotation_path)
        if known is None or known[0] != stamp:
            known = stamp, volume_entry(volume, _uncounted)
            self._volumes[volume.annotation_path] = known
        return known[1]


def _uncounted(_path: Path, _shape: tuple[int, int, int]) -> int:
    """The page shows no voxel counts, and counting would read every mask before it shows anything."""
    return 0


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("key", "class", "number", "tags")}


def _short(path: Path) -> str:
    """A folder as a person says it: ``~/…`` where it lies in the user's own."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if home in path.parents else str(path)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
