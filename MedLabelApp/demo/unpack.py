"""Takes the named members, and nothing else, out of a verified archive."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from MedLabelApp.demo.sources import DemoSource

LICENCE_FILE = "LICENCE.txt"
STATEMENT_FILE = "SOURCE.txt"


class _Archive(Protocol):
    def names(self) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...


class _Zip:
    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def names(self) -> list[str]:
        return self._file.namelist()

    def open(self, name: str) -> IO[bytes]:
        return self._file.open(name)


class _Tar:
    def __init__(self, file: tarfile.TarFile) -> None:
        self._file = file

    def names(self) -> list[str]:
        return [member.name for member in self._file.getmembers() if member.isfile()]

    def open(self, name: str) -> IO[bytes]:
        stream = self._file.extractfile(name)
        if stream is None:
            raise KeyError(name)
        return stream


@contextmanager
def _opened(archive: Path) -> Iterator[_Archive]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            yield _Zip(file)
    elif archive.suffix == ".deb":
        listing = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], capture_output=True, check=True
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(listing)) as file:
            yield _Tar(file)
    else:
        with tarfile.open(archive) as file:
            yield _Tar(file)


def unpack(source: DemoSource, archive: Path, folder: Path) -> None:
    """Writes the source's members, its licence text and where it is from into the new ``folder``.

    The folder appears whole or not at all. Raises KeyError where a member is not in the archive, and
    OSError, zipfile.BadZipFile, tarfile.TarError or subprocess.CalledProcessError where it cannot be read.
    """
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    with _opened(archive) as opened:
        for inside, target in _wanted(source, opened.names()):
            _copy(opened, inside, unfinished / target)
        _copy(opened, source.licence_member, unfinished / LICENCE_FILE)
    (unfinished / STATEMENT_FILE).write_text(
        f"From {source.file_name} (SHA-256 {source.sha256}).\nLicence: {source.licence}\n",
        encoding="utf-8",
    )
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _wanted(source: DemoSource, names: list[str]) -> Iterator[tuple[str, str]]:
    for member in source.members:
        if not member.is_folder:
            yield member.inside, member.name
            continue
        inside = [name for name in names if name.startswith(member.inside) and not name.endswith("/")]
        direct = [name for name in inside if PurePosixPath(name).parent == PurePosixPath(member.inside)]
        if not direct:
            raise KeyError(member.inside)
        for name in direct:
            yield name, f"{member.name}/{PurePosixPath(name).name}"


def _copy(opened: _Archive, inside: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(inside) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
