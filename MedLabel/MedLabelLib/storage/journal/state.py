"""The state of a volume as the journal gives it: its labels, what can be undone, and provenance."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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

    def snapshot(self) -> VolumeState:
        """The state as it is now, to be written while editing goes on; it is not to be changed."""
        return replace(
            self,
            annotation=self.annotation.snapshot(),
            changed=dict(self.changed),
            done=list(self.done),
            undone=list(self.undone),
            provenance={key: tuple(map(dict, axes)) for key, axes in self.provenance.items()},
            blobs=dict(self.blobs),
            created=dict(self.created),
            updated=dict(self.updated),
        )

    def keep(self, snapshot: VolumeState, made: Checkpoint) -> None:
        """Note that a checkpoint was made of a snapshot of this state."""
        self.blobs.update(made.masks)
        self.checkpoint = made.seq
        self.since_checkpoint -= snapshot.since_checkpoint

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


@dataclass(frozen=True)
class Checkpoint:
    """A state's bytes, and those of its masks that no checkpoint holds yet, by their hashes."""

    seq: int
    content: bytes
    masks: dict[str, tuple[int, list]]
    bodies: dict[bytes, bytes]


def encode_masks(annotation: Annotation) -> tuple[dict[str, list], dict[bytes, bytes]]:
    """How a checkpoint names each object's mask, and the masks' bytes by their hashes."""
    bodies: dict[bytes, bytes] = {}
    rows = {e.key: _encode_mask(e.mask, bodies) for e in annotation.objects if e.mask is not None}
    return rows, bodies


def encode_checkpoint(state: VolumeState) -> Checkpoint:
    """Make a checkpoint's bytes; masks that an earlier one holds are not encoded again."""
    masks: dict[str, tuple[int, list]] = {}
    bodies: dict[bytes, bytes] = {}
    annotation = state.annotation
    for entry in annotation.objects:
        if entry.mask is None:
            continue
        stamp = state.changed.get(entry.key, 0)
        known = state.blobs.get(entry.key)
        if known is None or known[0] != stamp:
            known = (stamp, _encode_mask(entry.mask, bodies))
        masks[entry.key] = known
    data = {
        "shape": list(annotation.shape),
        "head": head_record(annotation),
        "tags": [tag_record(tag) for tag in annotation.tags],
        "objects": [object_record(entry) for entry in annotation.objects],
        "figures": [figure_record(figure) for figure in annotation.figures],
        "masks": {key: row for key, (_, row) in masks.items()},
        "changed": state.changed,
        "done": state.done,
        "undone": state.undone,
        "pruned": state.pruned,
        "provenance": provenance_to_json(state.provenance),
        "created": state.created,
        "updated": state.updated,
    }
    content = zlib.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), 1)
    return Checkpoint(state.seq, content, masks, bodies)


def write_checkpoint(connection: sqlite3.Connection, volume: str, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint, inside a transaction."""
    connection.executemany(
        "INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", checkpoint.bodies.items()
    )
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints (volume, seq, state, hash) VALUES (?, ?, ?, ?)",
        (volume, checkpoint.seq, checkpoint.content, hashlib.sha256(checkpoint.content).digest()),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO checkpoint_blobs (volume, seq, blob) VALUES (?, ?, ?)",
        [(volume, checkpoint.seq, bytes.fromhex(row[3])) for _, row in checkpoint.masks.values() if row],
    )


def _encode_mask(mask: Mask, bodies: dict[bytes, bytes]) -> list:
    box = mask.box
    if box is None:
        return []
    code, body = encode_voxels(mask.read(box))
    digest = hashlib.sha256(body).digest()
    bodies[digest] = body
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
