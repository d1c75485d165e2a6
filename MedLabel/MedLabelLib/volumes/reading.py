"""Reading one scan from where the user says it is."""

from __future__ import annotations

from pathlib import Path

from ..model.errors import FileFormatError, NotFoundError
from .found import BadFile, FoundScan
from .image import VolumeImage
from .scan_folder import find_scans


def read_volume(path: str | Path) -> VolumeImage:
    """The one scan in a file, or in a folder that holds just one.

    Raises FileFormatError when it cannot be read or there are several, NotFoundError when there is none,
    OSError when it cannot be opened.
    """
    path = Path(path)
    found = find_scans(path)
    scans = [entry for entry in found if isinstance(entry, FoundScan)]
    if len(scans) == 1:
        return scans[0].read()
    if scans:
        names = ", ".join(entry.name for entry in scans[:5]) + (", …" if len(scans) > 5 else "")
        raise FileFormatError(f"there are {len(scans)} scans in it ({names}); name one", path)
    for entry in found:
        if isinstance(entry, BadFile):
            raise FileFormatError(entry.reason, entry.path)
        raise FileFormatError(f"it is a DICOM {entry.modality}, not a scan", entry.path)
    raise NotFoundError("there is no scan in it", path)
