"""Opening a volume for editing or looking: its journal, its lease, and what its files have become."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from ..model.edits import apply, difference
from ..model.errors import LockedError, MedLabelError
from .journal import entries, files
from .journal.entries import OUTSIDE_AUTHOR, NewEntry
from .journal.errors import JournalDamagedError, JournalError
from .journal.journal import Journal, encode_entry
from .journal.leases import new_holder
from .journal.salvage import head_problem, is_missing, salvage
from .journal.state import VolumeState, encode_checkpoint, write_checkpoint
from .project_journal import follow_definitions
from .volume import Volume

FIRST_ENTRY = "First opened"


@dataclass
class Opened:
    """A volume that is open. Without a journal ``state`` comes from the files alone.

    ``dirty`` are the names of files to be written, ``notes`` sentences about what was found, taken in
    or lost. ``read_only_reason`` is empty when the volume may be edited; ``is_held`` says that it may not
    only because another session has it.
    """

    volume_id: str
    state: VolumeState
    journal: Journal | None
    token: str
    read_only_reason: str = ""
    is_held: bool = False
    dirty: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def open_volume(
    volume: Volume,
    author: str,
    face: str,
    read_only: bool,
    take_over: bool = False,
    first_entry: str = FIRST_ENTRY,
) -> Opened:
    """Open a volume. Where it cannot be opened for editing it is opened read-only, and says why.

    Raises FileFormatError when neither the journal nor the files give the volume's labels.
    """
    notes: list[str] = []
    looking = "it was opened to be looked at only" if read_only else ""
    try:
        return _open_once(volume, author, face, looking, take_over, first_entry, notes)
    except JournalDamagedError as error:
        why = error.reason
    if not read_only:
        try:
            notes += salvage(volume.dataset.project)
            return _open_once(volume, author, face, looking, take_over, first_entry, notes)
        except (JournalError, LockedError) as error:
            why = error.reason
    return Opened("", VolumeState(volume.read_annotation()), None, "", looking or why, notes=[*notes, why])


def _open_once(
    volume: Volume,
    author: str,
    face: str,
    reason: str,
    take_over: bool,
    first_entry: str,
    notes: list[str],
) -> Opened:
    journal, why = _open_journal(volume, author, face, bool(reason), notes)
    reason = reason or why
    token = os.urandom(16).hex()
    if journal is None:
        return Opened("", VolumeState(volume.read_annotation()), None, token, reason, notes=notes)
    volume_id, holder = "", None
    try:
        volume_id = journal.volume_id(volume)
        if not reason:
            holder = journal.take_lease(volume_id, new_holder(token, face, author), take_over)
            if holder is not None:
                reason = f"{holder} has it open for editing"
            notes += follow_definitions(volume.dataset.project, journal, face)
        opened = _open_state(journal, volume_id, volume, author, face, token, reason, notes, first_entry)
        opened.is_held = holder is not None
        return opened
    except BaseException:
        with suppress(MedLabelError):
            if not reason:
                journal.let_go(volume_id, token)
        journal.close()
        raise


def _open_journal(
    volume: Volume, author: str, face: str, read_only: bool, notes: list[str]
) -> tuple[Journal | None, str]:
    """The journal; or None, and why the volume can only be looked at, by its files."""
    project = volume.dataset.project
    try:
        if is_missing(project) and not read_only:
            notes += salvage(project)
        return Journal.open(project, face, author, read_only), ""
    except JournalDamagedError:
        raise
    except (JournalError, LockedError) as error:
        return None, error.reason


def _open_state(
    journal: Journal,
    volume_id: str,
    volume: Volume,
    author: str,
    face: str,
    token: str,
    reason: str,
    notes: list[str],
    first_entry: str,
) -> Opened:
    loaded = journal.load(volume_id)
    if loaded is None and reason:
        return Opened(volume_id, VolumeState(volume.read_annotation()), journal, token, reason, notes=notes)
    if loaded is None:
        return _first_time(journal, volume_id, volume, author, face, token, notes, first_entry)
    opened = Opened(volume_id, loaded.state, journal, token, reason, notes=[*notes, *loaded.lost])
    if reason:
        return opened
    # a checkpoint may outlive the entries that led to it
    if loaded.lost or journal.newest(volume_id) != loaded.state.seq:
        _start_anew(opened, volume, author, face)
    journal.set_place(volume_id, volume)
    lost_tail = head_problem(volume.dataset.project, journal)
    if lost_tail:
        opened.notes.append(lost_tail)
    follow_files(opened, volume, face)
    return opened


def _first_time(
    journal: Journal,
    volume_id: str,
    volume: Volume,
    author: str,
    face: str,
    token: str,
    notes: list[str],
    first_entry: str,
) -> Opened:
    annotation = volume.read_annotation()
    has_key = annotation.key == volume_id
    annotation.key = volume_id
    tool = "open" if first_entry == FIRST_ENTRY else "import"
    state = journal.begin(volume_id, annotation, first_entry, author, face, tool)
    journal.set_place(volume_id, volume)
    names = [files.ANNOTATION] if has_key else []
    names += [entry.mask_key for entry in annotation.objects if entry.mask_key is not None]
    hashes = [(name, files.file_hash(files.path_of(volume, name))) for name in names]
    journal.keep_hashes(volume_id, [(name, digest, state.seq) for name, digest in hashes if digest])
    return Opened(
        volume_id, state, journal, token, dirty=set() if has_key else {files.ANNOTATION}, notes=notes
    )


def _start_anew(opened: Opened, volume: Volume, author: str, face: str) -> None:
    """After a gap in the journal: an entry that says so, and the whole state kept for the next to link to.

    What was before the gap can be looked at and restored; undo does not reach over it.
    """
    state = opened.state
    state.done.clear()
    state.undone.clear()
    with opened.journal.writing() as connection:
        detail = "; ".join(opened.notes)
        note = NewEntry(
            opened.volume_id, "gap", "Entries lost", author, face, target=state.seq, detail=detail
        )
        entry = entries.append(connection, note, None)
        state.seq = entry.seq
        write_checkpoint(connection, opened.volume_id, encode_checkpoint(state))


def follow_files(opened: Opened, volume: Volume, face: str) -> list[files.FileStatus]:
    """Take in what other programs changed, and list the files that are to be written anew."""
    journal, state = opened.journal, opened.state
    found = files.examine(journal, opened.volume_id, volume, state)
    taken = [item for item in found if item.status in (files.OUTSIDE, files.NEWER)]
    if taken:
        try:
            _take_in(opened, volume, face, found, taken)
        except MedLabelError as error:
            opened.notes.append(f"a change of another program could not be taken in: {error}")
            for item in taken:
                files.set_aside(volume.dataset.project, item.path)
                opened.dirty.add(item.name)
    for item in found:
        if item.status in (files.STALE, files.MISSING, files.DAMAGED):
            opened.dirty.add(item.name)
        if item.status in (files.MISSING, files.DAMAGED):
            opened.notes.append(f"{item.path.name}: {item.reason}; it is written anew from the journal")
            files.set_aside(volume.dataset.project, item.path)
            if item.name == files.ANNOTATION:
                files.write_annotation_alone(journal, opened.volume_id, volume, state)
        if item.status == files.EXTRA:
            opened.gone.add(item.name)
    return found


def _take_in(
    opened: Opened,
    volume: Volume,
    face: str,
    found: list[files.FileStatus],
    taken: list[files.FileStatus],
) -> None:
    journal, state = opened.journal, opened.state
    digests = [(item.name, files.file_hash(item.path)) for item in taken]
    after = files.outside_annotation(volume, state, found)
    operations = difference(state.annotation, after)
    if operations:
        apply(state.annotation, operations)
        ops, marks = encode_entry(operations, state)
        lost = all(item.status == files.NEWER for item in taken)
        entry = journal.append(
            NewEntry(
                opened.volume_id,
                "recovered" if lost else "outside",
                "Recovered from the files" if lost else "Changed by another program",
                OUTSIDE_AUTHOR,
                face,
                provenance="outside",
                ops=ops,
            ),
            state.seq,
            opened.token,
        )
        state.note(entry, operations, [mark.owned(entry.seq) for mark in marks])
        opened.notes.append(f"{entry.name}: {', '.join(item.path.name for item in taken)}")
    journal.keep_hashes(opened.volume_id, [(name, digest, state.seq) for name, digest in digests if digest])
