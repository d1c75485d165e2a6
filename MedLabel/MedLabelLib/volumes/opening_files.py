"""Opening a scan's file, which may lie in a zip: ``scans.zip/a/IM1`` is the member ``a/IM1``."""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ..model.errors import FileFormatError

_archives: dict[Path, tuple[tuple[int, int], zipfile.ZipFile]] = {}
_lock = threading.Lock()


def open_file(path: Path) -> BinaryIO:
    """The file or zip member for reading from its start.

    Raises OSError where there is none (FileNotFoundError) or it cannot be opened, FileFormatError where
    the zip is damaged or the member is encrypted.
    """
    try:
        return path.open("rb")
    except OSError:
        archive = archive_of(path)
        if archive is None:
            raise
    try:
        return io.BytesIO(_archive(archive).read(path.relative_to(archive).as_posix()))
    except KeyError as error:
        raise FileNotFoundError(2, "there is no such file in the archive", str(path)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise FileFormatError(f"it cannot be unpacked ({error})", path) from error


def is_there(path: Path) -> bool:
    """Whether the file, or the member of the zip, is there."""
    if path.exists():
        return True
    archive = archive_of(path)
    if archive is None:
        return False
    try:
        return path.relative_to(archive).as_posix() in _archive(archive).NameToInfo
    except (zipfile.BadZipFile, OSError):
        return False


def archive_of(path: Path) -> Path | None:
    """The zip that ``path`` leads into, or None."""
    return next((parent for parent in path.parents if parent.is_file()), None)


def _archive(path: Path) -> zipfile.ZipFile:
    """The open archive; its directory is read once, and anew when the file has changed."""
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    with _lock:
        known = _archives.get(path)
        if known is None or known[0] != stamp:
            _archives[path] = known = (stamp, zipfile.ZipFile(path))
        return known[1]
