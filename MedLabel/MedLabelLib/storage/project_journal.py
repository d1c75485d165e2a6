"""The project's classes and tags, journalled: changed here, and by other programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from ..model.definitions import Definitions
from ..model.edits import apply_to_definitions, definitions_difference, invert
from ..model.errors import FileFormatError
from .atomic import write_bytes
from .definitions_json import definitions_bytes, parse_definitions
from .journal import entries, meta_file
from .journal.coding import encode
from .journal.entries import OUTSIDE_AUTHOR, PROJECT, NewEntry
from .journal.files import CURRENT, OUTSIDE, set_aside
from .journal.journal import Journal
from .project import META, Project

DEFINITION_KINDS = ("definitions", "outside")
OUTSIDE_NAME = "Classes and tags changed by another program"


def change_definitions(
    project: Project,
    change: Definitions | Callable[[Definitions], Definitions],
    name: str,
    author: str,
    face: str,
) -> int | None:
    """Change the project's classes and tags as a journalled step; the entry's number, None for no change.

    ``change`` makes the new definitions of those there are: it is called while no other process can
    change them, so that of two who add a class at the same time neither's is lost. Where it is the new
    definitions themselves, what they change of the project's as last read is done to those there are.

    Raises
    ------
    FileFormatError
        when ``meta.json`` is damaged.
    ProjectError, JournalError
        when the file or the entry cannot be written; neither is there then.
    """
    known = project.definitions
    path = project.path / META
    before = content = None
    try:
        with Journal.open(project, face, author) as journal, journal.writing() as connection:
            _follow(project, connection, face)
            now = parse_definitions(before := path.read_bytes(), path)
            if callable(change):
                wanted = change(now)
            else:
                wanted = apply_to_definitions(now, definitions_difference(known, change))
            operations = definitions_difference(now, wanted)
            if not operations:
                return None
            new = NewEntry(PROJECT, "definitions", name, author, face, ops=encode(operations))
            entry = entries.append(connection, new, None)
            content = definitions_bytes(wanted)
            meta_file.keep(connection, content, entry.seq)
            # written before the entry is committed, which keeps other processes out until both are there
            write_bytes(path, content)
    except BaseException:
        if content is not None and path.read_bytes() == content:
            write_bytes(path, before)
        raise
    return entry.seq


def add_classes(project: Project, colors: Mapping[str, str | None], author: str, face: str) -> int | None:
    """Add the classes of these names that the project lacks, each in its colour or else the next free one.

    Returns the entry's number, None where all are there. Raises as :func:`change_definitions`.
    """
    missing = [name for name in colors if not project.definitions.has_class(name)]
    if not missing:
        return None

    def with_them(definitions: Definitions) -> Definitions:
        for name in missing:
            if not definitions.has_class(name):
                definitions = definitions.with_class(name, color=colors[name])
        return definitions

    kind = "class" if len(missing) == 1 else "classes"
    return change_definitions(project, with_them, f"New {kind} {', '.join(missing)}", author, face)


def definitions_at(project: Project, entry: int) -> Definitions:
    """The classes and tags as they were after an entry of the journal."""
    with Journal.open(project, "", "", read_only=True) as journal:
        later = [item for item in journal.entries(PROJECT, after=entry) if item.kind in DEFINITION_KINDS]
        definitions = project.definitions
        for item in reversed(later):
            definitions = apply_to_definitions(definitions, invert(journal.operations_of(item)[0]))
    return definitions


def follow_definitions(project: Project, journal: Journal, face: str) -> list[str]:
    """Take in what another program changed in ``meta.json``, and write it anew where it is damaged.

    Returns sentences about what was done. Raises FileFormatError when a damaged one cannot be mended.
    """
    path = project.path / META
    with journal.reading() as connection:
        if meta_file.examine(connection, path).status == CURRENT:
            return []
    with journal.writing() as connection:
        return _follow(project, connection, face)


def _follow(project: Project, connection: sqlite3.Connection, face: str) -> list[str]:
    path = project.path / META
    found = meta_file.examine(connection, path)
    if found.status == CURRENT:
        return []
    if found.status == "":
        seq = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0]
        meta_file.keep(connection, found.content, seq)
        return []
    content = meta_file.newest_content(connection)
    if found.status == OUTSIDE:
        old = found.definitions if content is None else parse_definitions(content, path)
        operations = definitions_difference(old, found.definitions)
        seq = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0]
        if operations:
            new = NewEntry(
                PROJECT, "outside", OUTSIDE_NAME, OUTSIDE_AUTHOR, face,
                provenance="outside", ops=encode(operations),
            )  # fmt: skip
            seq = entries.append(connection, new, None).seq
        meta_file.keep(connection, found.content, seq)
        return [OUTSIDE_NAME] if operations else []
    if content is None:
        raise FileFormatError(found.reason or "it is older than the journal, which has lost it", path)
    set_aside(project, path)
    write_bytes(path, content)
    return [f"{META}: {found.reason}; it is written anew from the journal"] if found.reason else []


def definitions_status(project: Project, journal: Journal) -> meta_file.MetaStatus:
    """Whether ``meta.json`` is as the journal knows it; nothing is changed."""
    with journal.reading() as connection:
        return meta_file.examine(connection, project.path / META)
