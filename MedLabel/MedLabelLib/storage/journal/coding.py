"""Operations as bytes: JSON records and the changed voxels, both compressed."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...model.box import Box
from ...model.edits import MaskOp, Operation, RecordOp
from .errors import JournalDamagedError
from .marks import Mark

_MAGIC = b"MLE1"
_HEAD = struct.Struct("<4sI")
# zlib's fastest level: on run lengths and packed bits the higher ones save little and cost milliseconds
_LEVEL = 1


def encode(operations: Sequence[Operation], marks: Sequence[Mark] = ()) -> bytes:
    """``MLE1``, the length of the zlib-compressed JSON, the JSON, then the voxels of each mask operation."""
    rows: list = []
    voxels: list[bytes] = []
    for operation in operations:
        if isinstance(operation, MaskOp):
            code, body = encode_voxels(operation.xor)
            rows.append(
                ["mask", operation.object_key, operation.box.start, operation.box.stop, code, len(body)]
            )
            voxels.append(body)
        else:
            rows.append([operation.target, operation.key, operation.before, operation.after, operation.at])
    text = json.dumps(
        {"operations": rows, "marks": [mark.to_json() for mark in marks]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    head = zlib.compress(text.encode("utf-8"), _LEVEL)
    return b"".join([_HEAD.pack(_MAGIC, len(head)), head, *voxels])


def decode(content: bytes) -> tuple[list[Operation], list[Mark]]:
    """What :func:`encode` wrote. Raises JournalDamagedError when it is something else."""
    try:
        magic, length = _HEAD.unpack_from(content)
        if magic != _MAGIC:
            raise ValueError("unknown form")
        at = _HEAD.size + length
        data = json.loads(zlib.decompress(content[_HEAD.size : at]))
        operations: list[Operation] = []
        for row in data["operations"]:
            if row[0] == "mask":
                _, key, start, stop, code, size = row
                box = Box(tuple(start), tuple(stop))
                operations.append(MaskOp(key, box, decode_voxels(code, content[at : at + size], box.shape)))
                at += size
            else:
                operations.append(RecordOp(*row))
        return operations, [Mark.from_json(row) for row in data["marks"]]
    except (struct.error, zlib.error, ValueError, KeyError, TypeError) as error:
        raise JournalDamagedError(f"an entry of the journal cannot be read: {error}") from error


def decode_marks(content: bytes) -> list[Mark]:
    """The marks alone of what :func:`encode` wrote; its voxels are not looked at."""
    try:
        magic, length = _HEAD.unpack_from(content)
        if magic != _MAGIC:
            raise ValueError("unknown form")
        data = json.loads(zlib.decompress(content[_HEAD.size : _HEAD.size + length]))
        return [Mark.from_json(row) for row in data["marks"]]
    except (struct.error, zlib.error, ValueError, KeyError, TypeError) as error:
        raise JournalDamagedError(f"an entry of the journal cannot be read: {error}") from error


def encode_voxels(voxels: NDArray[np.bool_]) -> tuple[str, bytes]:
    """Voxels in Fortran order as lengths of runs, or as packed bits where runs would take more."""
    flat = voxels.ravel(order="F").view(np.uint8)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if edges.size * 2 > flat.size // 8:
        return "bits", zlib.compress(np.packbits(flat), _LEVEL)
    runs = np.diff(np.concatenate([[0], edges, [flat.size]]))
    wide = bool(runs.max(initial=0) > 0xFFFF)
    first = "1" if flat.size and flat[0] else "0"
    return f"runs{32 if wide else 16}-{first}", zlib.compress(
        runs.astype("<u4" if wide else "<u2").tobytes(), _LEVEL
    )


def decode_voxels(code: str, body: bytes, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """The voxels ``[i, j, k]``, in Fortran order. Raises ValueError when they do not fill ``shape``."""
    count = int(np.prod(shape))
    raw = zlib.decompress(body)
    if code == "bits":
        flat = np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=count)
    else:
        kind, _, first = code.partition("-")
        runs = np.frombuffer(raw, dtype="<u4" if kind == "runs32" else "<u2")
        values = (np.arange(runs.size) + int(first)) % 2
        flat = np.repeat(values.astype(np.uint8), runs)
    if flat.size != count:
        raise ValueError(f"{flat.size} voxels for a box of {shape}")
    return flat.astype(bool).reshape(shape, order="F")
