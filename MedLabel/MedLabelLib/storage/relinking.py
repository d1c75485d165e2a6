"""Finding the DICOM files of volumes again after they were moved: by SOP Instance UID."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..model.errors import FileFormatError
from ..volumes.dicom_header import read_header
from ..volumes.opening_files import is_there
from ..volumes.scan_folder import list_files
from .project import Project
from .volume import Volume


@dataclass(frozen=True)
class Relinked:
    """How many of a volume's files were found in new places, and how many are still missing."""

    volume: Volume
    found: int
    missing: int


def relink(
    project: Project, folders: Sequence[str | Path], on_file: Callable[[Path], None] | None = None
) -> list[Relinked]:
    """Look through folders, files and zips for the DICOM files that are not where the volumes say.

    Only volumes that miss files are in the result. Raises ProjectError when a record cannot be written.
    """
    lost = {}
    for volume in project.volumes():
        record = project.sources.read(volume.id())
        if record is not None and record.slices:
            there = {path: is_there(path) for path in record.files}
            if not all(there.values()):
                lost[volume.id()] = (volume, record, there)
    places = _places(folders, on_file) if lost else {}
    result = []
    for volume_id, (volume, record, there) in lost.items():
        slices = [
            entry
            if there.get(entry.file) or entry.sop_instance_uid not in places
            else replace(entry, file=places[entry.sop_instance_uid])
            for entry in record.slices
        ]
        missing = {entry.file for entry in slices if not there.get(entry.file, True)}
        moved = {new.file for new, old in zip(slices, record.slices, strict=True) if new != old}
        if moved:
            files = list(dict.fromkeys(entry.file for entry in slices))
            project.sources.write(volume_id, replace(record, slices=slices, files=files))
        result.append(Relinked(volume, len(moved), len(missing)))
    return result


def _places(folders: Sequence[str | Path], on_file: Callable[[Path], None] | None) -> dict[str, Path]:
    """SOP Instance UID → file of every DICOM file there."""
    places: dict[str, Path] = {}
    for path in list_files(folders):
        if on_file is not None:
            on_file(path)
        try:
            places.setdefault(read_header(path).sop_instance_uid, path.absolute())
        except (FileFormatError, OSError):
            # whatever else lies there
            continue
    return places
