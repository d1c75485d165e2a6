"""A project as a command opens it: with its files as new as its journal."""

from __future__ import annotations

from pathlib import Path

from MedLabelApp.command.output import Output
from MedLabelLib.model.errors import LockedError
from MedLabelLib.storage.author import author
from MedLabelLib.storage.following import bring_up_to_date
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume


def open_project(path: Path, out: Output) -> Project:
    """Open a project. What a crash left in the journal alone is written to the files first."""
    project = Project.open(path)
    for problem in bring_up_to_date(project, "command"):
        out.warn(problem)
    return project


def writable_session(path: Path, name: str) -> tuple[Volume, VolumeSession]:
    """A volume of a project, open for editing. Raises LockedError when another session edits it."""
    volume = Project.open(path).find_volume(name)
    session = VolumeSession.open(volume, author(), "command")
    if session.read_only:
        session.close()
        raise LockedError(f"{volume.label} cannot be edited: {session.read_only_reason}")
    return volume, session
