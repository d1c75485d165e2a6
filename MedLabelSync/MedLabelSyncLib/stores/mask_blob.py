"""A mask as one small file."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.journal.coding import decode_voxels, encode_voxels

from ..errors import StoreDataError

_MAGIC = b"MLM1"
_HEAD = struct.Struct("<4s9I16s")


def encode_mask_blob(mask: Mask) -> bytes:
    """``MLM1``, the volume's size, the box, the code of the voxels (as the journal's), the voxels."""
    box = mask.box
    if box is None:
        return _HEAD.pack(_MAGIC, *mask.shape, *(0,) * 6, b"empty")
    code, body = encode_voxels(mask.read(box))
    return _HEAD.pack(_MAGIC, *mask.shape, *box.start, *box.stop, code.encode("ascii")) + body


def decode_mask_blob(content: bytes, path: Path, shape: tuple[int, int, int]) -> Mask:
    """What :func:`encode_mask_blob` wrote. Raises StoreDataError naming ``path`` when it is something else.

    Nothing is unpacked that is larger than a mask of ``shape`` can be.
    """
    try:
        magic, *numbers, code = _HEAD.unpack_from(content)
        box = Box(tuple(numbers[3:6]), tuple(numbers[6:]))
        if magic != _MAGIC or tuple(numbers[:3]) != tuple(shape):
            raise ValueError("it is of another form or size")
        if box.is_empty:
            return Mask(shape)
        if not Box.whole(shape).holds(box):
            raise ValueError("its box leaves the volume")
        body, kind = content[_HEAD.size :], code.rstrip(b"\0").decode("ascii")
        _check_size(body, kind, box.size)
        return Mask.from_box(shape, box, decode_voxels(kind, body, box.shape))
    except (struct.error, zlib.error, ValueError, KeyError, MedLabelError) as error:
        raise StoreDataError(f"the mask is damaged: {error}", path) from error


def _check_size(body: bytes, kind: str, count: int) -> None:
    width = {"runs32": 4, "runs16": 2, "bits": 0}[kind.partition("-")[0]]
    most = (count + 2) * width if width else (count + 7) // 8
    raw = zlib.decompressobj().decompress(body, most + 1)
    if len(raw) > most:
        raise ValueError("it holds more voxels than its box")
    if width and int(np.frombuffer(raw, dtype=f"<u{width}").sum(dtype=np.uint64)) != count:
        raise ValueError("it does not fill its box")
