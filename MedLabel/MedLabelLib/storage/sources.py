"""Where the volumes of a project came from: ``.medlabel/sources/<volume id>.json``."""

from __future__ import annotations

import json
from pathlib import Path

from ..model.errors import FileFormatError
from ..volumes.image import SourceRecord
from .atomic import write_json


class SourceStore:
    """The records of the volumes' sources. They hold UIDs and file paths, and never leave the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._series: dict[str, str] = {}
        self._seen: set[str] = set()

    def path(self, volume_id: str) -> Path:
        return self._folder / f"{volume_id}.json"

    def read(self, volume_id: str) -> SourceRecord | None:
        """The record of a volume; None when there is none (the project came from elsewhere)."""
        path = self.path(volume_id)
        try:
            return SourceRecord.from_json(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FileFormatError(f"the record of a volume's source cannot be read: {error}", path) from error

    def write(self, volume_id: str, record: SourceRecord) -> None:
        write_json(self.path(volume_id), record.to_json())

    def remove(self, volume_id: str) -> None:
        self.path(volume_id).unlink(missing_ok=True)

    def volume_of_series(self, series_instance_uid: str) -> str | None:
        """The id of the volume that came from a DICOM series, or None."""
        for path in self._folder.glob("*.json"):
            if path.stem not in self._seen:
                self._seen.add(path.stem)
                record = self.read(path.stem)
                if record is not None and record.series_instance_uid:
                    self._series[record.series_instance_uid] = path.stem
        volume_id = self._series.get(series_instance_uid)
        return volume_id if volume_id and self.path(volume_id).exists() else None
