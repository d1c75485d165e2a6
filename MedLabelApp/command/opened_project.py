"""A project as a command opens it: with its files as new as its journal."""

from __future__ import annotations

from pathlib import Path

from MedLabelApp.command.output import Output
from MedLabelLib.storage.following import bring_up_to_date
from MedLabelLib.storage.project import Project


def open_project(path: Path, out: Output) -> Project:
    """Open a project. What a crash left in the journal alone is written to the files first."""
    project = Project.open(path)
    for problem in bring_up_to_date(project, "command"):
        out.warn(problem)
    return project
