"""What may be read of a zip that anyone may have made."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..model.errors import FileFormatError
from .found import BadFile
from .opening_files import open_archive

MOST_MEMBERS = 500_000
MOST_BYTES = 1 << 38
# deflate reaches 1 : 1032 where all is one byte; scans come to 1 : 10, an empty mask to some hundred
MOST_PACKED = 250
_SMALL = 1 << 28
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
_ENCRYPTED = 0x1


def zip_members(path: Path, found: list[BadFile]) -> Iterator[Path]:
    """The members as paths that lead into the archive, in order of their names; nothing is unpacked.

    Members that cannot be trusted go to ``found``. Raises FileFormatError when the whole archive is
    damaged or made to unpack to more than it may.
    """
    entries = [entry for entry in open_archive(path).infolist() if not entry.is_dir()]
    _check_whole(path, entries)
    for entry in sorted(entries, key=lambda entry: entry.filename):
        name = PurePosixPath(entry.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in name.parts[0]:
            found.append(BadFile(path, f"its member {entry.filename!r} leads out of the archive"))
        elif entry.flag_bits & _ENCRYPTED:
            found.append(BadFile(path / name, "it is encrypted; unpack the archive first"))
        elif name.name.lower().endswith(_ARCHIVES) and not name.name.lower().endswith(".nii.gz"):
            found.append(BadFile(path / name, "it is an archive within an archive, and was not opened"))
        elif not any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
            yield path / name


def _check_whole(path: Path, entries: list) -> None:
    packed = sum(entry.compress_size for entry in entries)
    whole = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_MEMBERS:
        raise FileFormatError(f"it has {len(entries)} members; {MOST_MEMBERS} are the most", path)
    if whole > MOST_BYTES or (whole > _SMALL and whole > MOST_PACKED * max(packed, 1)):
        raise FileFormatError(
            f"it would unpack from {packed / 1e6:.1f} MB to {whole / 1e9:.1f} GB, as no scan does", path
        )
    in_order = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, after in itertools.pairwise(in_order):
        if entry.header_offset + entry.compress_size > after.header_offset:
            raise FileFormatError("its members overlap, as in an archive made to unpack without end", path)
