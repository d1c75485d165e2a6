"""What concerns the project as a whole, journalled: classes and tags, imports, deleted volumes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..model.definitions import Definitions
from ..model.edits import apply_to_definitions, definitions_difference, invert
from ..model.errors import DuplicateError, LockedError, NotFoundError, ProjectError
from .journal.coding import encode
from .journal.entries import PROJECT, NewEntry
from .journal.journal import Journal
from .project import Project
from .session import VolumeSession
from .volume import Volume

DELETED = "deleted"


def change_definitions(
    project: Project, definitions: Definitions, name: str, author: str, face: str
) -> int | None:
    """Replace the project's classes and tags as a journalled step; the entry's number, None for no change.

    The entry is on the disk before the file is written.
    """
    operations = definitions_difference(project.definitions, definitions)
    if not operations:
        return None
    with Journal.open(project, face, author) as journal:
        entry = journal.append(NewEntry(PROJECT, "definitions", name, author, face, ops=encode(operations)))
    project.set_definitions(definitions)
    return entry.seq


def definitions_at(project: Project, entry: int) -> Definitions:
    """The classes and tags as they were after an entry of the journal."""
    with Journal.open(project, "", "", read_only=True) as journal:
        later = [item for item in journal.entries(PROJECT, after=entry) if item.kind == "definitions"]
        definitions = project.definitions
        for item in reversed(later):
            definitions = apply_to_definitions(definitions, invert(journal.operations_of(item)[0]))
    return definitions


def record_import(volume: Volume, source: str, author: str, face: str) -> None:
    """Take a volume that was just imported into the journal, so that its labels can be mended from the start.

    ``source`` is what the user imported; it must name no patient.
    """
    with VolumeSession.open(volume, author, face, first_entry=f"Import {source}"):
        pass


def delete_volume(volume: Volume, author: str, face: str) -> str:
    """Delete a volume: its files move to ``.medlabel/deleted/<id>`` and can be brought back. Returns the id.

    Raises LockedError while another session edits it.
    """
    project = volume.dataset.project
    session = VolumeSession.open(volume, author, face)
    try:
        if session.read_only:
            raise LockedError(session.read_only_reason)
        session.flush()
        volume_id = session.record("delete", f"Delete {volume.label}")
    finally:
        session.close()
    folder = project.private / DELETED / volume_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = {"dataset": volume.dataset.name, "file_name": volume.file_name}
        (folder / "place.json").write_text(json.dumps(place))
        # the annotation goes first: without it the volume is not listed
        for name, path in _parts(volume):
            if path.exists():
                shutil.move(path, folder / name)
    except OSError as error:
        raise ProjectError(f"the volume cannot be deleted: {error.strerror}", volume.path) from error
    return volume_id


def deleted_volumes(project: Project) -> dict[str, str]:
    """Id → ``dataset/name`` of the volumes that can be brought back."""
    found = {}
    for path in sorted((project.private / DELETED).glob("*/place.json")):
        place = json.loads(path.read_bytes())
        found[path.parent.name] = f"{place['dataset']}/{place['file_name'].removesuffix('.nrrd')}"
    return found


def restore_volume(project: Project, volume_id: str, author: str, face: str) -> Volume:
    """Bring a deleted volume back to its place. Raises NotFoundError, or DuplicateError when it is taken."""
    folder: Path = project.private / DELETED / volume_id
    if volume_id not in deleted_volumes(project):
        raise NotFoundError(f"there is no deleted volume {volume_id}")
    place = json.loads((folder / "place.json").read_bytes())
    volume = Volume(project.dataset(place["dataset"], create=True), place["file_name"])
    if volume.annotation_path.exists():
        raise DuplicateError(f"there is a volume {volume.label} now")
    try:
        for name, path in reversed(_parts(volume)):
            if (folder / name).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(folder / name, path)
        shutil.rmtree(folder)
    except OSError as error:
        raise ProjectError(f"the volume cannot be brought back: {error.strerror}", folder) from error
    with VolumeSession.open(volume, author, face) as session:
        session.record("undelete", f"Bring back {volume.label}")
    return volume


def _parts(volume: Volume) -> list[tuple[str, Path]]:
    return [
        ("annotation.json", volume.annotation_path),
        ("volume.nrrd", volume.path),
        ("mask", volume.mask_folder),
    ]
