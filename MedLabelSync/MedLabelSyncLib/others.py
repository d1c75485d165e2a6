"""Labels that other programs put on a DICOMweb server, as objects of the volumes they are of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from MedLabelLib.exchange.label_files.attaching import attach
from MedLabelLib.exchange.label_files.label_file import LabelFile
from MedLabelLib.exchange.label_files.reading import read_labels_of
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume

from .errors import CancelledError
from .local import LocalState
from .looking import look
from .stores.dicomweb import DicomWebStore
from .stores.store import Progress


@dataclass(frozen=True)
class Taken:
    """What became of one file of another program: the objects made of it, or why it could not be taken."""

    label: str
    uid: str
    objects: int = 0
    note: str = ""
    error: MedLabelError | None = None


def pull_others(
    project: Project,
    state: LocalState,
    store: DicomWebStore,
    volumes: Iterable[Volume],
    author: str,
    face: str,
    progress: Progress | None = None,
) -> list[Taken]:
    """Take in the segmentations and structure sets that other programs wrote of the volumes' series.

    Each file is taken once, as one journalled step; one that is of another series of the study is passed
    over, one that cannot be read does not stop the rest. Raises StoreError where the store cannot be used.
    """
    progress = progress or Progress()
    results: list[Taken] = []
    for volume in volumes:
        seen = look(project, state, [volume]).seen.get(volume.label)
        if seen is None or not seen.scan.study_instance_uid:
            continue
        known = state.taken(store.identity, seen.volume_id)
        for place in store.others(seen.scan.study_instance_uid):
            if place.instance in known:
                continue
            progress.check()
            try:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "labels.dcm"
                    found = store.fetch(seen.scan.study_instance_uid, place, path)
                    result = _take(project, volume, path, place.instance, author, face) if found else None
            except CancelledError:
                raise
            except MedLabelError as error:
                results.append(Taken(volume.label, place.instance, note=str(error), error=error))
                continue
            if result is not None:
                results.append(result)
            state.note_taken(store.identity, seen.volume_id, place.instance)
    return results


def _take(project: Project, volume: Volume, path: Path, uid: str, author: str, face: str) -> Taken | None:
    file = read_labels_of(path)
    if not _is_of(file, volume):
        return None
    report = attach(project, volume, file, author, face)
    return Taken(volume.label, uid, len(report.added), "; ".join([*report.notes, *report.skipped]))


def _is_of(file: LabelFile, volume: Volume) -> bool:
    """Whether labels refer to the volume's own images, or where they name none to its series."""
    source = volume.source()
    if file.references.images:
        return bool(file.references.images & {entry.sop_instance_uid for entry in source.slices})
    return source.series_instance_uid in file.references.series
