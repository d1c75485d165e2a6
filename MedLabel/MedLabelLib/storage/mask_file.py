"""The mask files of a project: NRRD, uint8 of 0 and 1, full volume, on the canonical grid."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import LPS_FROM_RAS, VolumeGeometry
from ..model.mask import Mask
from .atomic import write_bytes

# the Supervisely SDK aborts its own upload on masks of this size or less
SMALLEST_FILE = 4096
LARGEST_HEADER = 1 << 20


def encode_mask(mask: Mask, geometry: VolumeGeometry) -> bytes:
    """The bytes of the mask file; the same mask on the same grid always gives the same bytes."""
    lps = LPS_FROM_RAS @ geometry.ijk_to_ras_matrix
    vectors = " ".join("(" + ",".join(repr(float(x)) for x in lps[:3, axis]) + ")" for axis in range(3))
    origin = "(" + ",".join(repr(float(x)) for x in lps[:3, 3]) + ")"
    header = (
        "NRRD0004\n"
        "# Complete NRRD file format specification at:\n"
        "# http://teem.sourceforge.net/nrrd/format.html\n"
        "type: unsigned char\n"
        "dimension: 3\n"
        "space: left-posterior-superior\n"
        f"sizes: {' '.join(str(n) for n in mask.shape)}\n"
        f"space directions: {vectors}\n"
        "kinds: domain domain domain\n"
        "encoding: gzip\n"
        f"space origin: {origin}\n"
    )
    body = _compress(mask)
    missing = SMALLEST_FILE + 1 - len(header) - 1 - len(body)
    while missing > 0:
        line = "# " + "-" * min(76, max(1, missing - 3)) + "\n"
        header += line
        missing -= len(line)
    return (header + "\n").encode("ascii") + body


def _compress(mask: Mask) -> bytes:
    """Gzip of the full volume, made slab by slab so that the full array never has to exist."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as stream:
        ni, nj, nk = mask.shape
        box = mask.box
        empty = bytes(ni * nj)
        voxels = None if box is None else mask.read(box)
        for k in range(nk):
            if box is None or not box.start[2] <= k < box.stop[2]:
                stream.write(empty)
                continue
            plane = np.zeros((ni, nj), dtype=np.uint8, order="F")
            plane[box.slices[:2]] = voxels[:, :, k - box.start[2]]
            stream.write(plane.tobytes(order="F"))
    return buffer.getvalue()


def write_mask(path: Path, mask: Mask, geometry: VolumeGeometry) -> None:
    """Write the mask file atomically. Raises ProjectError when it cannot be written."""
    write_bytes(path, encode_mask(mask, geometry))


def read_mask(path: Path, shape: tuple[int, int, int]) -> Mask:
    """The mask in a file, taken as an index grid (Supervisely rounds the origins of its masks).

    Raises
    ------
    FileFormatError
        when the file is no NRRD of bytes, is truncated or damaged, has another size than the volume
        ``(ni, nj, nk)``, or holds other values than 0 and 1 (or 0 and 255).
    """
    array = _read_nrrd_bytes(path)
    if array.shape != tuple(shape):
        raise FileFormatError(f"the mask is {array.shape} and its volume {tuple(shape)} voxels", path)
    values = np.flatnonzero(np.bincount(array.ravel(order="K"), minlength=256))
    if not set(values.tolist()) <= {0, 1} and not set(values.tolist()) <= {0, 255}:
        raise FileFormatError(f"a mask holds 0 and 1, this one {values[:5].tolist()}", path)
    return Mask.from_array(array)


def _read_nrrd_bytes(path: Path) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"the mask cannot be read: {error.strerror or error}", path) from error
    header, body = _split(path, content)
    fields = _fields(header)
    if fields.get("type", "") not in ("unsigned char", "uchar", "uint8", "uint8_t"):
        raise FileFormatError(f"a mask is of unsigned bytes, this file of {fields.get('type')!r}", path)
    if "data file" in fields or "datafile" in fields:
        raise FileFormatError("the mask's voxels are in another file", path)
    try:
        sizes = tuple(int(n) for n in fields["sizes"].split())
    except (KeyError, ValueError) as error:
        raise FileFormatError("the NRRD header says no sizes", path) from error
    if len(sizes) != 3 or min(sizes) < 1:
        raise FileFormatError(f"a mask has three axes, this file {sizes}", path)
    expected = int(np.prod(sizes, dtype=object))
    raw = _decode(path, fields.get("encoding", ""), body, expected)
    if len(raw) != expected:
        short = f"{len(raw)} of {expected} voxels are there" if len(raw) < expected else "it is too long"
        raise FileFormatError(f"the mask does not fit its header: {short}", path)
    return np.frombuffer(raw, dtype=np.uint8).reshape(sizes, order="F")


def _split(path: Path, content: bytes) -> tuple[str, bytes]:
    if not content.startswith(b"NRRD"):
        raise FileFormatError("this is not an NRRD file", path)
    for gap in (b"\n\n", b"\r\n\r\n"):
        at = content.find(gap, 0, LARGEST_HEADER)
        if at >= 0:
            return content[:at].decode("latin-1"), content[at + len(gap) :]
    raise FileFormatError("the NRRD header does not end", path)


def _fields(header: str) -> dict[str, str]:
    fields = {}
    for line in header.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            fields[name.strip().lower()] = value.strip()
    return fields


def _decode(path: Path, encoding: str, body: bytes, expected: int) -> bytes:
    if encoding == "raw":
        return body[: expected + 1]
    if encoding not in ("gzip", "gz"):
        raise FileFormatError(f"masks are raw or gzip, this one is {encoding!r}", path)
    try:
        # one byte more than expected tells a longer file from a right one without inflating a bomb
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
            raw = stream.read(expected + 1)
            if len(raw) == expected:
                stream.read(1)
            return raw
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"the mask is cut short or damaged: {error}", path) from error
