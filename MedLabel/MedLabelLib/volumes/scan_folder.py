"""Searching files and folders for scans."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..model.errors import FileFormatError
from ..storage.names import tame_name
from .dicom_header import DicomHeader, read_header
from .dicom_series import find_series
from .found import BadFile, Found, FoundScan, NotAnImage
from .image import VolumeImage
from .metaimage_file import read_metaimage
from .nifti_file import read_nifti
from .nrrd_file import read_nrrd

_READERS: dict[str, tuple[str, Callable[[Path], VolumeImage]]] = {
    ".nrrd": ("nrrd", read_nrrd),
    ".nhdr": ("nrrd", read_nrrd),
    ".nii": ("nifti", read_nifti),
    ".nii.gz": ("nifti", read_nifti),
    ".hdr": ("nifti", read_nifti),
    ".mha": ("metaimage", read_metaimage),
    ".mhd": ("metaimage", read_metaimage),
}
_DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")


def find_scans(*paths: str | Path, on_file: Callable[[Path], None] | None = None) -> list[Found]:
    """Every scan in these files and folders, with what looks like one and is none.

    Folders are searched to the bottom; DICOM images are put together to series across all of them, so
    a series may be given file by file. Nothing but headers is read. A bad file never stops the search:
    it is a :class:`BadFile` of the result. ``on_file`` is called with each file that is looked at.
    """
    found: list[Found] = []
    headers: dict[Path, DicomHeader] = {}
    for path, was_named in _files([Path(path) for path in paths], found):
        if on_file is not None:
            on_file(path)
        suffix = _suffix(path)
        if suffix in _READERS:
            kind, read = _READERS[suffix]
            name = tame_name(path.name[: -len(suffix)], "volume")
            found.append(FoundScan(path, kind, name, (path,), _read=functools.partial(read, path)))
            continue
        try:
            header = _dicom_header(path, must_be=was_named or suffix in _DICOM_SUFFIXES)
        except FileFormatError as error:
            found.append(BadFile(path, error.reason))
        except OSError as error:
            found.append(BadFile(path, f"it cannot be opened: {error.strerror or error}"))
        else:
            if header is None or header.is_directory:
                continue
            if header.is_image:
                headers[path] = header
            else:
                found.append(NotAnImage(path, header.modality or "unknown"))
    return found + find_series(headers.values())


def _files(paths: list[Path], found: list[Found]) -> Iterator[tuple[Path, bool]]:
    """Each file once, with whether it was named itself; folders in order, hidden ones left out."""
    seen = set()
    for path in paths:
        if path.is_dir():
            inside = _walk(path, found)
        elif path.exists():
            inside = iter([path])
        else:
            found.append(BadFile(path, "there is no such file or folder"))
            continue
        for file in inside:
            if (real := os.path.realpath(file)) not in seen:
                seen.add(real)
                yield file, file == path


def _walk(folder: Path, found: list[Found]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        found.append(BadFile(Path(error.filename), f"it cannot be opened: {error.strerror}"))

    for root, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in sorted(files) if not name.startswith("."))


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def _dicom_header(path: Path, must_be: bool) -> DicomHeader | None:
    """The DICOM header; None for a file that is none and need not be."""
    if not must_be:
        with path.open("rb") as file:
            if file.read(132)[128:] != b"DICM":
                return None
    return read_header(path)
