"""Is everything of a project whole? Each file against its hash, the journal against its chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..model.errors import MedLabelError, NotFoundError
from .definitions_json import read_definitions
from .journal import files
from .journal.database import FILE_NAME
from .journal.entries import PROJECT, NewEntry
from .journal.errors import JournalDamagedError, JournalError
from .journal.journal import Journal, has_journal
from .journal.salvage import head_problem, is_missing, read_head, salvage
from .project import META, Dataset, Project
from .project_journal import definitions_status, follow_definitions
from .session import VolumeSession
from .volume import Volume
from .volumes_journal import settle, unsettled

Progress = Callable[[str, int, int], None]
FACE = "check"
JOURNAL = "journal"
DEFINITIONS = "classes and tags"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or that another program changed.

    ``kind`` is ``damage`` or ``outside`` (a valid change of another program, which the journal has yet
    to take in). ``what`` names the volume, or the project's part. ``mended`` is None until a repair was
    tried; ``reason`` then says why it was not mended, or what is lost for good.
    """

    kind: str
    what: str
    path: Path | None
    problem: str
    mended: bool | None = None
    reason: str = ""


def check_project(project: Project, progress: Progress | None = None) -> list[Finding]:
    """Look at every hash, mask and annotation; nothing is changed. An empty list means all is well."""
    return list(_findings(project, progress))


def repair(project: Project, progress: Progress | None = None) -> list[Finding]:
    """Mend from the journal what can be mended; damaged files are kept in ``.medlabel/damaged``.

    Returns what was found, each with whether it is mended now, or why not.
    """
    before = check_project(project, progress)
    reasons: dict[str, str] = {}
    if any(item.what == JOURNAL for item in before):
        reasons[JOURNAL] = "; ".join(_repair_journal(project))
    if any(item.what == DEFINITIONS for item in before):
        reasons[DEFINITIONS] = _repair_definitions(project)
        if any(item.what == DEFINITIONS and item.kind == "damage" for item in before):
            # only now can the volumes be looked at
            before += [item for item in check_project(project, progress) if item not in before]
    try:
        settle(project, FACE)
        for volume in list(project.volumes()):
            if any(item.what == volume.label for item in before):
                reasons[volume.label] = "; ".join(_repair_volume(volume))
        _rewrite_missing(project)
    except MedLabelError as error:
        reasons[JOURNAL] = "; ".join(filter(None, (reasons.get(JOURNAL, ""), str(error))))
    after = {(item.what, item.path, item.problem) for item in check_project(project)}
    return [_judged(item, (item.what, item.path, item.problem) not in after, reasons) for item in before]


def _judged(item: Finding, mended: bool, reasons: dict[str, str]) -> Finding:
    # what was done to a journal is told in any case, as what it lost is lost for good
    told = item.what == JOURNAL or not mended
    return replace(item, mended=mended, reason=reasons.get(item.what, "") if told else "")


def _findings(project: Project, progress: Progress | None) -> Iterator[Finding]:
    meta = project.path / META
    damage = ""
    try:
        read_definitions(meta)
    except MedLabelError as error:
        damage = error.reason
        yield Finding("damage", DEFINITIONS, meta, damage)
    journal = None
    if is_missing(project):
        yield Finding("damage", JOURNAL, project.private / FILE_NAME, "the journal is missing")
    if has_journal(project):
        try:
            journal = Journal.open(project, FACE, "", read_only=not project.writable)
            yield from _journal_findings(project, journal)
            if not damage and definitions_status(project, journal).status == files.OUTSIDE:
                yield Finding("outside", DEFINITIONS, meta, "another program changed it")
        except JournalDamagedError as error:
            yield Finding("damage", JOURNAL, error.path, error.reason)
            if journal is not None:
                journal.close()
            journal = None
    try:
        if damage:
            # without classes no annotation can be judged
            return
        if journal is not None:
            for volume in unsettled(project, journal):
                yield Finding("damage", volume.label, volume.path, "its deletion or return was interrupted")
        volumes = list(project.volumes())
        seen = set()
        for number, volume in enumerate(volumes):
            if progress is not None:
                progress(volume.label, number, len(volumes))
            try:
                yield from _volume_findings(volume, journal, seen)
            except JournalDamagedError as error:
                yield Finding("damage", JOURNAL, error.path, error.reason)
                return
        if progress is not None:
            progress("checked", len(volumes), len(volumes))
        if journal is not None:
            yield from _missing_volumes(project, journal, seen)
    finally:
        if journal is not None:
            journal.close()


def _journal_findings(project: Project, journal: Journal) -> Iterator[Finding]:
    """SQLite's own check, the chain of hashes, and the journal's end."""
    damage = [Finding("damage", JOURNAL, journal.path, problem) for problem in _chain_problems(journal)]
    yield from damage
    tail = head_problem(project, journal)
    if tail:
        yield Finding("damage", JOURNAL, journal.path, tail)


def _chain_problems(journal: Journal) -> Iterator[str]:
    with journal.reading() as connection:
        for (problem,) in connection.execute("PRAGMA integrity_check(5)").fetchall():
            if problem != "ok":
                yield problem
    # what a repair found wrong before is on record, and not reported again
    mended = [entry.seq for entry in journal.entries(PROJECT) if entry.kind == "damage"]
    known = max(mended, default=0)
    previous = None
    after = 0
    while rows := journal.chain(after):
        for entry, ops in rows:
            if entry.seq > known:
                if not entry.is_whole:
                    yield f"entry {entry.seq} was altered"
                elif ops is not None and hashlib.sha256(ops).digest() != entry.ops_hash:
                    yield f"what entry {entry.seq} changed was altered"
                elif previous is not None and previous.seq >= known and entry.previous != previous.hash:
                    yield f"entries between {previous.seq} and {entry.seq} were removed or altered"
            previous = entry
        after = rows[-1][0].seq


def _volume_findings(volume: Volume, journal: Journal | None, seen: set[str]) -> Iterator[Finding]:
    loaded = None
    if journal is not None:
        volume_id = journal.volume_id(volume)
        seen.add(volume_id)
        loaded = journal.load(volume_id)
    if loaded is None:
        try:
            volume.read_annotation()
        except MedLabelError as error:
            yield Finding("damage", volume.label, error.path or volume.annotation_path, error.reason)
        return
    for lost in loaded.lost:
        yield Finding("damage", volume.label, None, lost)
    found = files.examine(journal, volume_id, volume, loaded.state)
    for item in found:
        if item.status in (files.MISSING, files.DAMAGED):
            yield Finding("damage", volume.label, item.path, item.reason)
        elif item.status in (files.OUTSIDE, files.NEWER):
            yield Finding("outside", volume.label, item.path, "another program changed it")
    if found[0].status not in (files.MISSING, files.DAMAGED):
        try:
            volume.geometry()
        except MedLabelError as error:
            yield Finding("damage", volume.label, error.path or volume.path, error.reason)


def _missing_volumes(project: Project, journal: Journal, seen: set[str]) -> Iterator[Finding]:
    """Volumes that the journal knows, whose annotation is gone though nobody deleted them here."""
    for volume_id, volume in _known_but_unlisted(project, journal, seen):
        path = volume.annotation_path
        if journal.is_deleted(volume_id):
            continue
        if volume.path.exists():
            yield Finding("damage", volume.label, path, "the volume's annotation is missing")
        else:
            yield Finding("damage", volume.label, volume.path, "the volume is missing; its labels are kept")


def _known_but_unlisted(project: Project, journal: Journal, seen: set[str]) -> Iterator[tuple[str, Volume]]:
    for volume_id, (dataset, file_name) in journal.known_volumes().items():
        if volume_id in seen:
            continue
        try:
            holder = project.dataset(dataset)
        except NotFoundError:
            holder = Dataset(project, dataset, project.path / dataset.replace("/", "/datasets/"))
        yield volume_id, Volume(holder, file_name)


def _repair_journal(project: Project) -> list[str]:
    try:
        if is_missing(project):
            return salvage(project)
        with Journal.open(project, FACE, "") as journal:
            problems = list(_chain_problems(journal))
            tail = head_problem(project, journal)
            if not problems and tail:
                note = NewEntry(PROJECT, "damage", "Journal mended", "", FACE, detail=tail)
                journal.append_after(note, read_head(project))
                return [tail]
    except JournalError as error:
        if not isinstance(error, JournalDamagedError):
            return [error.reason]
    except MedLabelError as error:
        return [str(error)]
    try:
        return salvage(project)
    except MedLabelError as error:
        return [str(error)]


def _repair_volume(volume: Volume) -> list[str]:
    """Opening a volume for editing mends its files; they are written when it is closed."""
    try:
        with VolumeSession.open(volume, "", FACE) as session:
            return [*session.notes, session.read_only_reason] if session.read_only else session.notes
    except MedLabelError as error:
        return [str(error)]


def _rewrite_missing(project: Project) -> None:
    """Write the annotations that are missing altogether, so that their volumes are listed again."""
    if not has_journal(project):
        return
    with Journal.open(project, FACE, "") as journal:
        seen = {journal.volume_id(volume) for volume in project.volumes()}
        unlisted = _known_but_unlisted(project, journal, seen)
        for volume in [volume for key, volume in unlisted if not journal.is_deleted(key)]:
            if volume.path.exists() and not volume.annotation_path.exists():
                _repair_volume(volume)


def _repair_definitions(project: Project) -> str:
    """Take in what another program changed, or write a damaged file anew; why not, where it can't be."""
    try:
        if has_journal(project):
            with Journal.open(project, FACE, "") as journal:
                follow_definitions(project, journal, FACE)
            return ""
    except MedLabelError as error:
        return error.reason
    return "there is no journal that holds it"
