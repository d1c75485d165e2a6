"""What the volumes of a project are now: each one's scan, and the digest of its labels.

What was found is remembered with a stamp of the volume's files and journal, so that only what has changed
since is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from MedLabelLib.model.annotation import Annotation
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.following import volumes_behind
from MedLabelLib.storage.journal.journal import Journal, has_journal
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.image import SourceRecord

from .content import Content, content_of
from .identity import named
from .local import LocalState, Seen
from .revision import Scan


@dataclass
class Looked:
    """Label → what a volume is now; label → why it cannot be read."""

    seen: dict[str, Seen] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def look(project: Project, state: LocalState, volumes: Iterable[Volume]) -> Looked:
    """Look at volumes. One that cannot be read does not stop the rest."""
    known = state.seen()
    ids, newest = _journalled(project)
    behind: set[str] | None = None
    meta = _stamp_of(project.path / "meta.json")
    found = Looked()
    fresh: dict[str, Seen] = {}
    for volume in volumes:
        place = (volume.dataset.name, volume.file_name)
        stamp = "|".join((_stamp(volume), str(newest.get(ids.get(place, ""), 0)), meta))
        old = known.get(volume.label)
        if old is not None and old.stamp == stamp:
            found.seen[volume.label] = old
            continue
        if behind is None:
            behind = {other.label for other in volumes_behind(project)}
        try:
            annotation = _labels(volume, volume.label in behind)
            content, _ = content_of(annotation, project.definitions)
            volume_id = ids.get(place) or annotation.key
            scan = state.scan_of(volume_id) or scan_of(volume)
        except MedLabelError as error:
            found.problems[volume.label] = str(error)
            continue
        fresh[volume.label] = Seen(stamp, volume_id, scan, content.digest, is_empty(content))
    state.note(fresh)
    found.seen |= fresh
    return found


def is_empty(content: Content) -> bool:
    """Whether there is nothing in it that someone has made."""
    return not (content.objects or content.figures or content.tags or content.extra)


def scan_of(volume: Volume) -> Scan:
    """The scan of a volume, by what is the same in every project that has it.

    A DICOM series goes by its UIDs, any other scan by its voxels. Raises FileFormatError when the volume's
    file cannot be read.
    """
    record = volume.dataset.project.sources.read(volume.id())
    modality = volume.modality
    if record is not None and (name := dicom_scan_id(record)):
        return Scan(name, volume.label, modality, record.series_instance_uid, record.study_instance_uid)
    array = volume.read_image().array
    sha = hashlib.sha256(repr((array.shape, array.dtype.str)).encode("ascii"))
    sha.update(np.ascontiguousarray(array.T))
    return Scan(named("scan", "voxels", sha.hexdigest()), volume.label, modality)


def dicom_scan_id(record: SourceRecord) -> str:
    """The id of a scan that came from a DICOM series; empty for any other."""
    if not record.series_instance_uid:
        return ""
    first = min((entry.sop_instance_uid for entry in record.slices), default="")
    return named("scan", "dicom", record.series_instance_uid, first, repr(tuple(record.geometry.shape)))


def _labels(volume: Volume, is_behind: bool) -> Annotation:
    if not is_behind:
        # the files say all that the journal does, and what another program changed
        return volume.read_annotation()
    with VolumeSession.open(volume, "", "", read_only=True) as session:
        return session.annotation


def _journalled(project: Project) -> tuple[dict[tuple[str, str], str], dict[str, int]]:
    """(dataset, file name) → the journal's id of a volume; id → its newest entry."""
    if not has_journal(project):
        return {}, {}
    with Journal.open(project, "", "", read_only=not project.writable) as journal:
        ids = {place: volume_id for volume_id, place in journal.known_volumes().items()}
        with journal.reading() as connection:
            rows = connection.execute("SELECT volume, max(seq) FROM entries GROUP BY volume").fetchall()
    return ids, dict(rows)


def _stamp(volume: Volume) -> str:
    """Changes whenever a file of the volume does, in all that a file system tells without reading."""
    parts = [_stamp_of(volume.annotation_path), _stamp_of(volume.path)]
    try:
        with os.scandir(volume.mask_folder) as entries:
            masks = sorted((entry.name, *_numbers(entry.stat())) for entry in entries)
    except OSError:
        masks = []
    parts.append(hashlib.sha256(repr(masks).encode("utf-8")).hexdigest()[:16] if masks else "")
    return "|".join(parts)


def _stamp_of(path: Path) -> str:
    try:
        return "-".join(map(str, _numbers(path.stat())))
    except OSError:
        return ""


def _numbers(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino
