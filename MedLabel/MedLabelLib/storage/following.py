"""After a crash: files that do not show the journal's newest state are found at once and written."""

from __future__ import annotations

from ..model.errors import MedLabelError
from .journal.files import ANNOTATION
from .journal.journal import Journal, has_journal
from .project import Project
from .project_journal import follow_definitions
from .session import VolumeSession
from .volume import Volume
from .volume_writer import write_pending
from .volumes_journal import settle

_BEHIND = """
SELECT id, dataset, file_name FROM volumes AS v
WHERE (SELECT max(seq) FROM entries WHERE volume = v.id)
    > coalesce((SELECT seq FROM files WHERE volume = v.id AND name = ? ORDER BY number DESC LIMIT 1), 0)
"""


def volumes_behind(project: Project) -> list[Volume]:
    """The volumes whose files are older than the journal; a volume that is being edited may be among them."""
    if not has_journal(project):
        return []
    with (
        Journal.open(project, "", "", read_only=not project.writable) as journal,
        journal.reading() as connection,
    ):
        rows = connection.execute(_BEHIND, (ANNOTATION,)).fetchall()
    names = {dataset.name: dataset for dataset in project.datasets()} if rows else {}
    volumes = [Volume(names[dataset], file_name) for _, dataset, file_name in rows if dataset in names]
    return [volume for volume in volumes if volume.annotation_path.exists()]


def bring_up_to_date(project: Project, face: str) -> list[str]:
    """Write the files that a crash left behind the journal, and the scans of imports that were cut short;
    take in what another program changed of the classes and tags. To be called when a project is opened.

    Volumes that another session edits are left to it. Returns sentences about what could not be written.
    """
    problems = []
    if not project.writable:
        return problems
    try:
        if has_journal(project):
            settle(project, face)
            with Journal.open(project, face, "") as journal:
                follow_definitions(project, journal, face)
        behind = volumes_behind(project)
    except MedLabelError as error:
        return [str(error)]
    for volume in behind:
        try:
            VolumeSession.open(volume, "", face).close()
        except MedLabelError as error:
            problems.append(f"{volume.label}: {error}")
    problems += [f"{label}: {reason}" for label, reason in write_pending(project)]
    return problems
