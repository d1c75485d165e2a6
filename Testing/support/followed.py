"""A volume's labels as its files have them, once these have followed the journal."""

from __future__ import annotations

import time

from MedLabelLib.model.annotation import Annotation
from MedLabelLib.storage.journal.files import ANNOTATION, file_hash, path_of
from MedLabelLib.storage.journal.journal import Journal
from MedLabelLib.storage.volume import Volume


def read_followed(volume: Volume, seconds: float = 30) -> Annotation:
    """Read the files when they show the journal's newest entry; a session may be writing them meanwhile."""
    deadline = time.monotonic() + seconds
    with Journal.open(volume.dataset.project, "", "", read_only=True) as journal:
        volume_id = journal.volume_id(volume)
        while not _shows(journal, volume_id, volume):
            assert time.monotonic() < deadline, "the files do not follow the journal"
            time.sleep(0.02)
    return volume.read_annotation()


def _shows(journal: Journal, volume_id: str, volume: Volume) -> bool:
    hashes = {name: journal.file_hashes(volume_id, name)[0] for name in journal.file_names(volume_id)}
    if hashes[ANNOTATION][1] != journal.newest(volume_id):
        return False
    # a hash is noted before its file is written; the mask of an object that is gone has no file
    text = volume.annotation_path.read_text()
    named = [name for name in hashes if name == ANNOTATION or name in text]
    return all(hashes[name][0] == file_hash(path_of(volume, name)) for name in named)
