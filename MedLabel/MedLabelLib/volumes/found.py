"""What a search for scans finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .image import VolumeImage


@dataclass(frozen=True)
class FoundScan:
    """A scan that can be read. For DICOM it is one series, or the part of one that forms a grid.

    ``path`` is its file, or the folder of its first slice; ``name`` the name a volume of it would get;
    ``image_uids`` the SOP Instance UIDs of its slices.
    """

    path: Path
    kind: str
    name: str
    files: tuple[Path, ...]
    modality: str = ""
    series_instance_uid: str = ""
    image_uids: frozenset[str] = frozenset()
    _read: Callable[[], VolumeImage] = field(default=None, repr=False, compare=False)

    def read(self) -> VolumeImage:
        """The scan with its voxels. Raises FileFormatError, or OSError."""
        return self._read()


@dataclass(frozen=True)
class BadFile:
    """A file that claims to be a scan and is none that can be read; ``reason`` says why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class NotAnImage:
    """A DICOM file of another kind: an RTSTRUCT, SEG, SR… ``modality`` is DICOM's word for it."""

    path: Path
    modality: str


Found = FoundScan | BadFile | NotAnImage
