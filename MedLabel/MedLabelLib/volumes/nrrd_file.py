"""Reading a scan in an NRRD file."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..model.errors import FileFormatError
from .image import VolumeImage
from .itk_file import read_itk

_LONGEST_HEADER = 1 << 20


def read_nrrd(path: str | Path) -> VolumeImage:
    """The scan in a ``.nrrd`` file, or a ``.nhdr`` with its data file.

    Raises FileFormatError when it is truncated, damaged, has other than three axes or one number per
    voxel, or values that are not finite; OSError when it cannot be opened.
    """
    path = Path(path)
    fields, header_size = _read_header(path)
    data_file = fields.get("data file", fields.get("datafile"))
    files = [path]
    if data_file is not None and not data_file.upper().startswith("LIST") and " " not in data_file:
        files.append(path.parent / data_file)
        if not files[1].exists():
            raise FileFormatError(f"its voxels should lie in {data_file}, which is not there", path)
    image = read_itk(path, "nrrd", "NrrdImageIO")
    if fields.get("encoding", "").lower() in ("gzip", "gz") and (len(files) == 2 or data_file is None):
        _check_gzip(files[-1], header_size if len(files) == 1 else 0, image)
    image.source.files[:] = files
    if "space" not in fields and "space dimension" not in fields:
        image.warnings.append("it does not say how the patient lies; left and right are assumed")
    modality = fields.get("modality", "")
    return replace(image, modality=modality if modality in ("CT", "MR", "PT") else "")


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """The fields of the header in lower case, keys of key/value pairs too, and its length in bytes."""
    with path.open("rb") as file:
        start = file.read(_LONGEST_HEADER)
    if not start.startswith(b"NRRD"):
        raise FileFormatError("it is not an NRRD file", path)
    ends = [(at, mark) for mark in (b"\n\n", b"\r\n\r\n") if (at := start.find(mark)) >= 0]
    end, mark = min(ends, default=(len(start), b""))
    fields = {}
    for line in start[:end].decode("latin-1").splitlines()[1:]:
        if line.startswith("#"):
            continue
        # a field is "name: text", a key/value pair "name:=text"
        name, _, text = line.partition(":")
        fields[name.strip().lower()] = text.removeprefix("=").strip()
    return fields, end + len(mark)


def _check_gzip(path: Path, start: int, image: VolumeImage) -> None:
    """Raises FileFormatError when the check sum that ends a gzip stream is not there or not right.

    ITK inflates no further than to the last voxel, and so often never comes to the check sum.
    """
    stored = np.ascontiguousarray(image.source.axis_map.inverse().apply(image.array).T)
    # comparing the voxels with the file's last 8 bytes takes a fraction of inflating it again
    expected = zlib.crc32(stored).to_bytes(4, "little") + (stored.nbytes % (1 << 32)).to_bytes(4, "little")
    with path.open("rb") as file:
        file.seek(max(start, os.path.getsize(path) - 8))
        if file.read(8) == expected:
            return
        # stored in the other byte order, in several streams or with something behind, it may still be right
        file.seek(start)
        try:
            with gzip.GzipFile(fileobj=file, mode="rb") as packed:
                while packed.read(1 << 24):
                    pass
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileFormatError(f"it is truncated or damaged ({error})", path) from error
