"""The state of a volume as the journal gives it: its labels, what can be undone, and provenance."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.annotation import Annotation
from ...model.box import Box
from ...model.edits import MaskOp, Operation, RecordOp, apply
from ...model.errors import MedLabelError
from ...model.mask import Mask
from ...model.records import (
    figure_from_record,
    figure_record,
    head_record,
    object_from_record,
    object_record,
    tag_from_record,
    tag_record,
)
from .coding import decode_voxels, encode_voxels
from .entries import STEP_KINDS, Entry, entries_of, operations_of
from .errors import JournalDamagedError
from .marks import Mark, Provenance, provenance_from_json, provenance_to_json, set_marks


@dataclass
class VolumeState:
    """A volume's labels after entry ``seq``.

    ``changed`` says for each object which entry last changed its mask; ``done`` are the steps in effect,
    ``undone`` those that redo would bring back, both oldest first. ``blobs`` remembers where a
    checkpoint holds a mask: object key → (the ``changed`` it held for, row of the checkpoint). What
    entries up to ``pruned`` changed is forgotten. ``created`` and ``updated`` say for objects and figures
    which entry first made them and which changed them last, also for those that are gone, as they may
    come back.
    """

    annotation: Annotation
    seq: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    provenance: Provenance = field(default_factory=dict)
    blobs: dict[str, tuple[int, list]] = field(default_factory=dict)
    checkpoint: int = 0
    since_checkpoint: int = 0
    pruned: int = 0
    created: dict[str, int] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)

    def note(self, entry: Entry, operations: Sequence[Operation], marks: Sequence[Mark]) -> None:
        """Take an entry in whose operations the annotation has got already."""
        self.seq = entry.seq
        self.since_checkpoint += 1
        for operation in operations:
            if isinstance(operation, MaskOp):
                self.changed[operation.object_key] = self.updated[operation.object_key] = entry.seq
            elif operation.target in ("object", "figure"):
                self._note_record(operation, entry.seq)
        set_marks(self.provenance, marks)
        if entry.kind in STEP_KINDS:
            self.done.append(entry.seq)
            self.undone.clear()
        elif entry.kind == "undo":
            self.undone.append(self.done.pop())
        elif entry.kind == "redo":
            self.done.append(self.undone.pop())
        elif entry.kind == "prune":
            self.pruned = entry.target

    def _note_record(self, operation: RecordOp, seq: int) -> None:
        if operation.before is None:
            self.created.setdefault(operation.key, seq)
        self.updated[operation.key] = seq
        if operation.target == "figure":
            self.updated[(operation.after or operation.before)["object_key"]] = seq


@dataclass(frozen=True)
class Loaded:
    """A state from the journal, and sentences about what of the volume is lost."""

    state: VolumeState
    lost: list[str]


def load_state(connection: sqlite3.Connection, volume: str, until: int | None = None) -> Loaded | None:
    """The volume's state at its newest entry, or at entry ``until``; None when the journal has none."""
    lost: list[str] = []
    state: VolumeState | None = None
    limit = until if until is not None else 1 << 62
    rows = connection.execute(
        "SELECT seq FROM checkpoints WHERE volume = ? AND seq <= ? ORDER BY seq DESC", (volume, limit)
    ).fetchall()
    for (seq,) in rows:
        try:
            state = read_checkpoint(connection, volume, seq)
            break
        except JournalDamagedError as error:
            lost.append(error.reason)
    if state is None:
        return None
    for entry in entries_of(connection, volume, state.seq, until):
        try:
            if entry.parent != state.seq:
                raise JournalDamagedError(f"entries between {state.seq} and {entry.seq} are missing")
            if not entry.is_whole:
                raise JournalDamagedError(f"entry {entry.seq} of the journal was altered")
            operations, marks = operations_of(connection, entry)
            apply(state.annotation, operations)
        except MedLabelError as error:
            lost.append(f"{error.reason}; what follows entry {state.seq} of the volume cannot be had")
            break
        state.note(entry, operations, marks)
    return Loaded(state, lost)


def write_checkpoint(connection: sqlite3.Connection, volume: str, state: VolumeState) -> None:
    """Keep the state, inside a transaction; masks that an earlier checkpoint holds are not kept again."""
    masks: dict[str, list] = {}
    for entry in state.annotation.objects:
        if entry.mask is None:
            continue
        stamp = state.changed.get(entry.key, 0)
        known = state.blobs.get(entry.key)
        if known is None or known[0] != stamp:
            state.blobs[entry.key] = known = (stamp, _keep_mask(connection, entry.mask))
        masks[entry.key] = known[1]
    annotation = state.annotation
    data = {
        "shape": list(annotation.shape),
        "head": head_record(annotation),
        "tags": [tag_record(tag) for tag in annotation.tags],
        "objects": [object_record(entry) for entry in annotation.objects],
        "figures": [figure_record(figure) for figure in annotation.figures],
        "masks": masks,
        "changed": state.changed,
        "done": state.done,
        "undone": state.undone,
        "pruned": state.pruned,
        "provenance": provenance_to_json(state.provenance),
        "created": state.created,
        "updated": state.updated,
    }
    content = zlib.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), 1)
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints (volume, seq, state, hash) VALUES (?, ?, ?, ?)",
        (volume, state.seq, content, hashlib.sha256(content).digest()),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO checkpoint_blobs (volume, seq, blob) VALUES (?, ?, ?)",
        [(volume, state.seq, bytes.fromhex(row[3])) for row in masks.values() if row],
    )


def _keep_mask(connection: sqlite3.Connection, mask: Mask) -> list:
    box = mask.box
    if box is None:
        return []
    code, body = encode_voxels(mask.read(box))
    digest = hashlib.sha256(body).digest()
    connection.execute("INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", (digest, body))
    return [list(box.start), list(box.stop), code, digest.hex()]


def read_checkpoint(connection: sqlite3.Connection, volume: str, seq: int) -> VolumeState:
    """The state that a checkpoint keeps. Raises JournalDamagedError when it is altered or incomplete."""
    row = connection.execute(
        "SELECT state, hash FROM checkpoints WHERE volume = ? AND seq = ?", (volume, seq)
    ).fetchone()
    damaged = f"the checkpoint at entry {seq} is damaged"
    if row is None or hashlib.sha256(row[0]).digest() != row[1]:
        raise JournalDamagedError(damaged)
    try:
        data = json.loads(zlib.decompress(row[0]))
        shape = tuple(data["shape"])
        head = data["head"]
        annotation = Annotation(
            shape,
            head["volume_meta"],
            head["key"],
            [tag_from_record(tag) for tag in data["tags"]],
            [object_from_record(entry) for entry in data["objects"]],
            [figure_from_record(figure) for figure in data["figures"]],
            head["extra"],
        )
        state = VolumeState(
            annotation,
            seq,
            data["changed"],
            data["done"],
            data["undone"],
            provenance_from_json(data["provenance"]),
            checkpoint=seq,
            pruned=data["pruned"],
            created=data.get("created", {}),
            updated=data.get("updated", {}),
        )
        for entry in annotation.objects:
            if entry.key in data["masks"]:
                kept = data["masks"][entry.key]
                entry.mask = _read_mask(connection, shape, kept)
                state.blobs[entry.key] = (state.changed.get(entry.key, 0), kept)
    except (zlib.error, ValueError, KeyError, TypeError, MedLabelError) as error:
        raise JournalDamagedError(f"{damaged}: {error}") from error
    return state


def _read_mask(connection: sqlite3.Connection, shape: tuple[int, int, int], kept: list) -> Mask:
    if not kept:
        return Mask(shape)
    start, stop, code, digest = kept
    row = connection.execute("SELECT content FROM blobs WHERE hash = ?", (bytes.fromhex(digest),)).fetchone()
    if row is None or hashlib.sha256(row[0]).hexdigest() != digest:
        raise JournalDamagedError("a mask of a checkpoint is missing or altered")
    box = Box(tuple(start), tuple(stop))
    return Mask.from_box(shape, box, decode_voxels(code, row[0], box.shape))
