"""Opening a scan's file, which may lie in a zip: ``scans.zip/a/IM1`` is the member ``a/IM1``."""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ..model.errors import FileFormatError

# what a damaged or hostile archive makes Python's zipfile run into
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)

_archives: dict[Path, tuple[tuple[int, int], zipfile.ZipFile]] = {}
_lock = threading.Lock()


class _Member(io.RawIOBase):
    """A member of a zip, unpacked as far as it is read."""

    def __init__(self, file: zipfile.ZipExtFile, path: Path) -> None:
        self._file = file
        self._path = path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:
        try:
            part = self._file.read(len(buffer))
        except _DAMAGE as error:
            raise FileFormatError(f"it cannot be unpacked ({error})", self._path) from error
        buffer[: len(part)] = part
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except _DAMAGE as error:
            raise FileFormatError(f"it cannot be unpacked ({error})", self._path) from error

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def open_file(path: Path, buffering: int = -1) -> BinaryIO:
    """The file or zip member for reading from its start; ``buffering`` as in :func:`open`.

    Raises OSError where there is none (FileNotFoundError) or it cannot be opened, FileFormatError where
    the zip is damaged or the member is encrypted.
    """
    try:
        return path.open("rb", buffering)
    except OSError:
        archive = archive_of(path)
        if archive is None:
            raise
    try:
        member = open_archive(archive).open(path.relative_to(archive).as_posix())
    except KeyError as error:
        raise FileNotFoundError(2, "there is no such file in the archive", str(path)) from error
    except _DAMAGE as error:
        raise FileFormatError(f"it cannot be unpacked ({error})", path) from error
    raw = _Member(member, path)
    return raw if buffering == 0 else io.BufferedReader(raw)


def is_there(path: Path) -> bool:
    """Whether the file, or the member of the zip, is there."""
    if path.exists():
        return True
    archive = archive_of(path)
    if archive is None:
        return False
    try:
        return path.relative_to(archive).as_posix() in open_archive(archive).NameToInfo
    except (FileFormatError, OSError):
        return False


def archive_of(path: Path) -> Path | None:
    """The zip that ``path`` leads into, or None."""
    return next((parent for parent in path.parents if parent.is_file()), None)


def open_archive(path: Path) -> zipfile.ZipFile:
    """The open archive; its directory is read once, and anew when the file has changed.

    Raises FileFormatError where it is no zip, OSError where it cannot be opened.
    """
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    with _lock:
        known = _archives.get(path)
        if known is None or known[0] != stamp:
            try:
                _archives[path] = known = (stamp, zipfile.ZipFile(path))
            except _DAMAGE as error:
                raise FileFormatError(f"it is no zip, or a damaged one ({error})", path) from error
        return known[1]
