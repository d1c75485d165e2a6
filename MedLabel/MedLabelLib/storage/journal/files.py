"""The files of a volume as the journal sees them: which follow it, which are stale, changed or damaged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.annotation import Annotation, LabelObject
from ...model.box import Box
from ...model.errors import MedLabelError, ProjectError
from ...model.geometry import VolumeGeometry
from ...model.mask import Mask
from ..annotation_json import annotation_from_json, annotation_to_json
from ..atomic import json_bytes, write_bytes
from ..mask_file import encode_mask, read_mask
from .journal import Journal
from .state import VolumeState

if TYPE_CHECKING:
    from ..project import Project
    from ..volume import Volume

ANNOTATION = "annotation"

# what a file may be found to be
CURRENT = "current"  # as the journal last wrote it
STALE = "stale"  # as the journal wrote it earlier: to be written anew
NEWER = "newer"  # of an entry that the journal has lost: taken in
OUTSIDE = "outside"  # valid, and nothing the journal wrote: taken in
MISSING = "missing"
DAMAGED = "damaged"
EXTRA = "extra"  # a mask that nothing names any more


@dataclass(frozen=True)
class FileStatus:
    """What a file of a volume was found to be. ``name`` is ``annotation`` or the mask's key."""

    name: str
    path: Path
    status: str
    reason: str = ""


def path_of(volume: Volume, name: str) -> Path:
    return volume.annotation_path if name == ANNOTATION else volume.mask_path(name)


def file_hash(path: Path) -> bytes | None:
    """SHA-256 of a file; None when it is missing or cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


def annotation_bytes(annotation: Annotation, with_mask: Callable[[LabelObject], bool]) -> bytes:
    """The annotation's file. ``with_mask`` tells which objects' masks are not empty."""
    # a mask of one voxel stands for each, as only their being there matters and boxes cost time
    some = Mask.from_box((1, 1, 1), Box.whole((1, 1, 1)), Mask((1, 1, 1)).full() == 0)
    light = Annotation(
        annotation.shape,
        annotation.volume_meta,
        annotation.key,
        annotation.tags,
        [
            LabelObject(e.class_name, e.key, e.tags, e.mask_key, some if with_mask(e) else None, e.extra)
            for e in annotation.objects
        ],
        annotation.figures,
        annotation.extra,
    )
    return json_bytes(annotation_to_json(light))


def examine(journal: Journal, volume_id: str, volume: Volume, state: VolumeState) -> list[FileStatus]:
    """What each file of the volume is, compared with the journal's state of it."""
    found = [_examine_file(journal, volume_id, volume, ANNOTATION, state, _annotation_problem, state.seq)]
    named = set()
    for entry in state.annotation.objects:
        if entry.mask_key is not None and entry.mask is not None and entry.mask.box is not None:
            named.add(entry.mask_key)
            found.append(
                _examine_file(
                    journal,
                    volume_id,
                    volume,
                    entry.mask_key,
                    state,
                    _mask_problem,
                    state.changed.get(entry.key, 0),
                )
            )
    for name in journal.file_names(volume_id) - named - {ANNOTATION}:
        path = path_of(volume, name)
        if path.exists():
            found.append(FileStatus(name, path, EXTRA))
    return found


def _examine_file(
    journal: Journal,
    volume_id: str,
    volume: Volume,
    name: str,
    state: VolumeState,
    problem: Callable[[Path, Volume, VolumeState], str],
    changed: int,
) -> FileStatus:
    path = path_of(volume, name)
    known = journal.file_hashes(volume_id, name)
    digest = file_hash(path)
    if digest is None:
        # not written yet is not missing
        status = MISSING if known else STALE
        return FileStatus(name, path, status, "the file is missing" if known else "")
    for place, (hash_, seq) in enumerate(known):
        if hash_ == digest:
            if seq > state.seq or any(first < seq < last for first, last in journal.gaps(volume_id)):
                return FileStatus(name, path, NEWER)
            return FileStatus(name, path, CURRENT if place == 0 and seq >= changed else STALE)
    reason = problem(path, volume, state)
    return FileStatus(name, path, DAMAGED if reason else OUTSIDE, reason)


def _annotation_problem(path: Path, volume: Volume, state: VolumeState) -> str:
    try:
        annotation = annotation_from_json(json.loads(path.read_bytes()), state.annotation.shape)
        annotation.check(volume.dataset.project.definitions)
    except MedLabelError as error:
        return error.reason
    except (OSError, ValueError) as error:
        return f"it is not JSON: {error}"
    return ""


def _mask_problem(path: Path, volume: Volume, state: VolumeState) -> str:
    try:
        read_mask(path, state.annotation.shape)
    except MedLabelError as error:
        return error.reason
    return ""


def set_aside(project: Project, path: Path) -> None:
    """Keep a damaged file in the private folder before another takes its place."""
    if not path.exists():
        return
    folder = project.private / "damaged"
    try:
        folder.mkdir(exist_ok=True)
        shutil.copy2(path, folder / f"{os.urandom(4).hex()}-{path.name}")
    except OSError as error:
        raise ProjectError(f"a damaged file could not be kept: {error.strerror}", path) from error


def outside_annotation(volume: Volume, state: VolumeState, found: list[FileStatus]) -> Annotation:
    """The labels that the files hold where they were changed from outside, else those of the journal.

    Nothing in ``state`` is changed. Raises FileFormatError when a newly named mask cannot be read.
    """
    status = {item.name: item.status for item in found}
    taken = (OUTSIDE, NEWER)
    now = state.annotation
    masks = {entry.mask_key: entry.mask for entry in now.objects if entry.mask_key is not None}
    if status[ANNOTATION] in taken:
        data = json.loads(volume.annotation_path.read_bytes())
        result = annotation_from_json(data, now.shape)
        result.key = now.key
        _keep_unwritten(result, now)
    else:
        result = Annotation(
            now.shape, now.volume_meta, now.key, now.tags,
            [LabelObject(e.class_name, e.key, e.tags, e.mask_key, e.mask, e.extra) for e in now.objects],
            now.figures, now.extra,
        )  # fmt: skip
    for entry in result.objects:
        if entry.mask_key is None:
            continue
        if entry.mask_key in masks and status.get(entry.mask_key) not in taken:
            entry.mask = masks[entry.mask_key]
        elif volume.mask_path(entry.mask_key).exists() or entry.mask_key not in masks:
            entry.mask = read_mask(volume.mask_path(entry.mask_key), now.shape)
    return result


def _keep_unwritten(result: Annotation, now: Annotation) -> None:
    """What the file's form cannot say stays as it is: the order of figures, the key of an empty mask."""
    places = {figure.key: at for at, figure in enumerate(now.figures)}
    result.figures.sort(key=lambda figure: places.get(figure.key, len(places)))
    known = {entry.key: entry for entry in now.objects}
    for entry in result.objects:
        old = known.get(entry.key)
        if entry.mask_key is None and old is not None and old.mask_key is not None:
            # the object's mask is gone from the file; its key stays for when it is drawn again
            entry.mask_key, entry.mask = old.mask_key, Mask(now.shape)


@dataclass(frozen=True)
class Pending:
    """Files to be written: names with what makes their content, and the entry they show."""

    seq: int
    annotation: bytes
    masks: dict[str, Mask]
    gone: set[str]


def write_files(
    journal: Journal, volume_id: str, volume: Volume, geometry: VolumeGeometry, pending: Pending
) -> None:
    """Write the files, masks first; each hash is recorded before its file, so that a crash is told apart.

    Raises ProjectError or JournalError; the journal still holds every edit then.
    """
    contents = [(name, encode_mask(mask, geometry)) for name, mask in pending.masks.items()]
    contents.append((ANNOTATION, pending.annotation))
    hashes = [(name, hashlib.sha256(content).digest(), pending.seq) for name, content in contents]
    journal.keep_hashes(volume_id, hashes)
    for name, content in contents:
        write_bytes(path_of(volume, name), content)
    for name in pending.gone:
        path_of(volume, name).unlink(missing_ok=True)


def write_annotation_alone(journal: Journal, volume_id: str, volume: Volume, state: VolumeState) -> None:
    """Write the annotation's file where it is missing or damaged: without it the volume has no grid."""
    content = annotation_bytes(
        state.annotation, lambda e: e.mask_key is not None and e.mask is not None and e.mask.box is not None
    )
    journal.keep_hashes(volume_id, [(ANNOTATION, hashlib.sha256(content).digest(), state.seq)])
    write_bytes(volume.annotation_path, content)
