"""Volumes that come and go, journalled: imports, deletions, returns.

The files of a deleted volume wait in the private folder, from where it can be brought back.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model.errors import DuplicateError, LockedError, NotFoundError, ProjectError
from .atomic import sync_folder, write_json
from .journal.entries import NewEntry
from .journal.journal import Journal
from .project import Dataset, Project
from .session import VolumeSession
from .volume import Volume

FOLDER = "deleted"
_PLACE = "place.json"
# stands in it once all files have arrived: what is in their old place since is another volume's
_MOVED = "moved"


def record_import(volume: Volume, source: str, author: str, face: str) -> None:
    """Take a volume that was just imported into the journal, so that its labels can be mended from the start.

    ``source`` is what the user imported; it must name no patient. Raises LockedError or JournalError when
    the journal is not to be had: the volume then gets into it when it is first opened.
    """
    with VolumeSession.open(volume, author, face, first_entry=f"Import {source}") as session:
        if session.read_only:
            raise LockedError(session.read_only_reason)


def delete_volume(volume: Volume, author: str, face: str) -> str:
    """Delete a volume: its files move to ``.medlabel/deleted/<id>`` and can be brought back. Returns the id.

    Raises LockedError while another session edits it. Once the journal has it, a crash or a failing disk
    may interrupt the moving of files: the next opening of the project goes on with it.
    """
    project = volume.dataset.project
    session = VolumeSession.open(volume, author, face)
    try:
        if session.read_only:
            raise LockedError(session.read_only_reason)
        session.flush()
        place = {"dataset": volume.dataset.name, "file_name": volume.file_name}
        write_json(project.private / FOLDER / session.volume_id / _PLACE, place)
        volume_id = session.record("delete", f"Delete {volume.label}")
    finally:
        session.close()
    settle(project, face)
    return volume_id


def deleted_volumes(project: Project) -> dict[str, str]:
    """Id → ``dataset/name`` of the volumes that can be brought back."""
    found = {}
    for folder in _folders(project):
        volume = _place_of(project, folder)
        if any((folder / name).exists() for name, _ in _parts(volume)):
            found[folder.name] = volume.label
    return found


def restore_volume(project: Project, volume_id: str, author: str, face: str) -> Volume:
    """Bring a deleted volume back to its place. Raises NotFoundError, or DuplicateError when it is taken."""
    if volume_id not in deleted_volumes(project):
        raise NotFoundError(f"there is no deleted volume {volume_id}")
    volume = _place_of(project, project.private / FOLDER / volume_id)
    if volume.annotation_path.exists() or volume.path.exists():
        raise DuplicateError(f"there is a volume {volume.label} now")
    with Journal.open(project, face, author) as journal:
        parent = journal.newest(volume_id)
        name = f"Bring back {volume.label}"
        journal.append(NewEntry(volume_id, "undelete", name, author, face), parent)
    settle(project, face)
    return Volume(project.dataset(volume.dataset.name), volume.file_name)


def settle(project: Project, face: str) -> None:
    """Move the files of deleted volumes to where the journal says that they are, deleted or brought back.

    Does nothing where they are there already. Raises ProjectError when a file cannot be moved.
    """
    if not _folders(project):
        return
    with Journal.open(project, face, "") as journal:
        for folder, volume, is_deleted in _interrupted(project, journal):
            # without its annotation a volume is not listed: that goes first, and comes back last
            if is_deleted:
                for name, path in _parts(volume):
                    _move(path, folder / name)
                place = {"dataset": volume.dataset.name, "file_name": volume.file_name}
                write_json(folder / _PLACE, {**place, _MOVED: True})
            else:
                for name, path in reversed(_parts(volume)):
                    _move(folder / name, path)
                (folder / _PLACE).unlink(missing_ok=True)
                with suppress(OSError):
                    folder.rmdir()


def unsettled(project: Project, journal: Journal) -> list[Volume]:
    """The volumes whose deletion or return was interrupted."""
    return [volume for _, volume, _ in _interrupted(project, journal)]


def _interrupted(project: Project, journal: Journal) -> list[tuple[Path, Volume, bool]]:
    """Folder, volume, and whether it is to be deleted (or else to come back)."""
    found = []
    for folder in _folders(project):
        is_deleted = journal.is_deleted(folder.name)
        if not (is_deleted and _read_place(folder).get(_MOVED)):
            found.append((folder, _place_of(project, folder), is_deleted))
    return found


def _folders(project: Project) -> list[Path]:
    return [path.parent for path in sorted((project.private / FOLDER).glob(f"*/{_PLACE}"))]


def _read_place(folder: Path) -> dict[str, Any]:
    try:
        place = json.loads((folder / _PLACE).read_bytes())
    except (OSError, ValueError) as error:
        raise ProjectError("where a deleted volume was cannot be read", folder / _PLACE) from error
    if not isinstance(place, dict) or not {"dataset", "file_name"} <= set(place):
        raise ProjectError("it does not say where a deleted volume was", folder / _PLACE)
    return place


def _place_of(project: Project, folder: Path) -> Volume:
    place = _read_place(folder)
    name = place["dataset"]
    return Volume(Dataset(project, name, project.path / name.replace("/", "/datasets/")), place["file_name"])


def _move(source: Path, target: Path) -> None:
    try:
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
            sync_folder(target.parent)
            sync_folder(source.parent)
    except FileNotFoundError:
        # another process is at the same work
        return
    except OSError as error:
        raise ProjectError(f"it cannot be moved: {error.strerror}", source) from error


def _parts(volume: Volume) -> list[tuple[str, Path]]:
    return [
        ("annotation.json", volume.annotation_path),
        ("volume.nrrd", volume.path),
        ("mask", volume.mask_folder),
    ]
