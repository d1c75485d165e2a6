"""Searching files, folders and zips for scans."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..model.errors import FileFormatError
from ..storage.names import tame_name
from .dicom_frames import read_images
from .dicom_header import DicomHeader
from .dicom_series import find_series
from .found import BadFile, Found, FoundScan, NotAnImage
from .image import VolumeImage
from .metaimage_file import read_metaimage
from .nifti_file import read_nifti
from .nrrd_file import read_nrrd
from .opening_files import archive_of, open_file
from .whole_scan import WholeScan
from .zip_members import zip_members

_READERS: dict[str, tuple[str, Callable[[Path], VolumeImage]]] = {
    ".nrrd": ("nrrd", read_nrrd),
    ".nhdr": ("nrrd", read_nrrd),
    ".nii": ("nifti", read_nifti),
    ".nii.gz": ("nifti", read_nifti),
    ".hdr": ("nifti", read_nifti),
    ".mha": ("metaimage", read_metaimage),
    ".mhd": ("metaimage", read_metaimage),
}
_SCANS = ("CT", "MR", "PT")
_DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")


def find_scans(
    *paths: str | Path, on_file: Callable[[Path], None] | None = None, suv: str = "bw"
) -> list[Found]:
    """Every scan in these files, folders and zips, with what looks like one and is none.

    Folders are searched to the bottom; DICOM images are put together to series across all of them, so
    a series may be given file by file. Nothing but headers is read. A bad file never stops the search:
    it is a :class:`BadFile` of the result. ``on_file`` is called with each file that is looked at.
    ``suv`` is the kind of SUV that PET is read in (:data:`.suv.SUV_UNITS`).
    """
    found: list[Found] = []
    images: list[DicomHeader] = []
    for path, must_be_dicom in _files([Path(path) for path in paths], found):
        if on_file is not None:
            on_file(path)
        suffix = _suffix(path.name)
        if suffix in _READERS:
            kind, read = _READERS[suffix]
            name = tame_name(path.name[: -len(suffix)], "volume")
            opened = functools.partial(WholeScan, path, functools.partial(_read_file, read, suffix))
            found.append(FoundScan(path, kind, name, (path,), _open=opened))
            continue
        try:
            if not must_be_dicom and suffix not in _DICOM_SUFFIXES and not _is_dicom(path):
                continue
            headers = read_images(path)
        except FileFormatError as error:
            found.append(BadFile(path, error.reason))
        except OSError as error:
            found.append(BadFile(path, f"it cannot be opened: {error.strerror or error}"))
        else:
            if headers[0].is_directory:
                continue
            if headers[0].is_image:
                images += headers
            elif headers[0].modality in _SCANS:
                found.append(BadFile(path, f"it is a {headers[0].modality} image without pixels"))
            else:
                found.append(NotAnImage(path, headers[0].modality or "unknown"))
    return found + find_series(images, suv)


def list_files(paths: Sequence[str | Path]) -> Iterator[Path]:
    """Every file in these files, folders and zips, hidden and unreadable ones left out."""
    yield from (path for path, _ in _files([Path(path) for path in paths], []))


def reader_of(path: Path) -> Callable[[Path], VolumeImage]:
    """What reads a file of this name. Raises FileFormatError when nothing but DICOM's reader may."""
    suffix = _suffix(path.name)
    if suffix not in _READERS:
        raise FileFormatError("it is no NRRD, NIfTI or MetaImage file", path)
    return functools.partial(_read_file, _READERS[suffix][1], suffix)


def _read_file(read: Callable[[Path], VolumeImage], suffix: str, path: Path) -> VolumeImage:
    """The scan in a file; one in a zip is unpacked for as long as it is read, under a name of our own."""
    if archive_of(path) is None:
        return read(path)
    with tempfile.TemporaryDirectory(prefix="medlabel-") as folder:
        copy = Path(folder) / f"scan{suffix}"
        with open_file(path) as packed, copy.open("wb") as whole:
            shutil.copyfileobj(packed, whole, 1 << 20)
        try:
            image = read(copy)
        except FileFormatError as error:
            raise FileFormatError(error.reason, path) from error
    image.source.files[:] = [path]
    image.suggested_name = tame_name(path.name[: -len(suffix)], "volume")
    return image


def _files(paths: list[Path], found: list[Found]) -> Iterator[tuple[Path, bool]]:
    """Each file once, with whether it was named itself; folders in order, hidden ones left out."""
    seen: set[str] = set()
    for path in paths:
        if path.is_dir():
            inside = _walk(path, found)
        elif path.exists():
            inside = iter([path])
        else:
            found.append(BadFile(path, "there is no such file or folder"))
            continue
        folder, place = None, ""
        for file in inside:
            if folder != file.parent:
                folder, place = file.parent, os.path.realpath(file.parent)
            # a folder's real path is looked up once, a file's only where it is a link
            real = os.path.realpath(file) if os.path.islink(file) else f"{place}{os.sep}{file.name}"
            if real in seen:
                continue
            seen.add(real)
            if file.suffix.lower() == ".zip":
                try:
                    yield from ((member, False) for member in zip_members(file, found))
                except FileFormatError as error:
                    found.append(BadFile(file, error.reason))
                except OSError as error:
                    found.append(BadFile(file, f"it cannot be opened: {error.strerror or error}"))
            else:
                yield file, file == path


def _walk(folder: Path, found: list[Found]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        found.append(BadFile(Path(error.filename), f"it cannot be opened: {error.strerror}"))

    for root, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        place = Path(root)
        yield from (place / name for name in sorted(files) if not name.startswith("."))


def _suffix(name: str) -> str:
    lowered = name.lower()
    return ".nii.gz" if lowered.endswith(".nii.gz") else os.path.splitext(lowered)[1]


def _is_dicom(path: Path) -> bool:
    with open_file(path) as file:
        return file.read(132)[128:] == b"DICM"
