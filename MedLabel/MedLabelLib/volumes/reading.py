"""Reading one scan from where the user says it is."""

from __future__ import annotations

from pathlib import Path

from ..model.errors import FileFormatError, NotFoundError
from .dicom_scan import scan_of_record
from .found import BadFile, FoundScan, OpenScan
from .image import SourceRecord, VolumeImage
from .opening_files import is_there
from .scan_folder import find_scans, reader_of
from .source_files import SOURCE_MOVED
from .whole_scan import WholeScan


def open_scan(path: str | Path, suv: str = "bw") -> OpenScan:
    """The one scan in a file, folder or zip: its grid at once, slices and the whole when asked for.

    ``suv`` is the kind of SUV that PET is read in. Raises FileFormatError when it cannot be read or there
    are several, NotFoundError when there is none, OSError when it cannot be opened.
    """
    path = Path(path)
    found = find_scans(path, suv=suv)
    scans = [entry for entry in found if isinstance(entry, FoundScan)]
    if len(scans) == 1:
        return scans[0].open()
    if scans:
        names = ", ".join(entry.name for entry in scans[:5]) + (", …" if len(scans) > 5 else "")
        raise FileFormatError(f"there are {len(scans)} scans in it ({names}); name one", path)
    for entry in found:
        if isinstance(entry, BadFile):
            raise FileFormatError(entry.reason, entry.path)
        raise FileFormatError(f"it is a DICOM {entry.modality}, not a scan", entry.path)
    raise NotFoundError("there is no scan in it", path)


def read_volume(path: str | Path) -> VolumeImage:
    """The one scan in a file, folder or zip that holds just one; the errors are :func:`open_scan`'s."""
    return open_scan(path).read()


def open_source(record: SourceRecord) -> OpenScan:
    """A volume's scan from the files that it came from.

    Raises NotFoundError, for DICOM naming ``medlabel relink``, when they are not there, FileFormatError
    when they are others now.
    """
    if record.kind == "dicom":
        return scan_of_record(record)
    if not record.files or not is_there(record.files[0]):
        raise NotFoundError(SOURCE_MOVED, record.files[0] if record.files else None)
    return WholeScan(record.files[0], reader_of(record.files[0]))
