"""What a search for scans finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..model.geometry import VolumeGeometry
from .image import ReadSlice, VolumeImage


class OpenScan(Protocol):
    """A scan whose grid is known and whose voxels are read when they are asked for."""

    @property
    def geometry(self) -> VolumeGeometry:
        """The canonical grid."""

    def read_slice(self, index: int | None = None) -> ReadSlice:
        """One slice as it was acquired, by default the middle one, before the rest is read."""

    def read(self, on_slice: Callable[[int, int], None] | None = None) -> VolumeImage:
        """The whole. Raises FileFormatError, or OSError."""


@dataclass(frozen=True)
class FoundScan:
    """A scan that can be read. For DICOM it is one series, or the part of one that forms a grid.

    ``path`` is its file, or the folder of its first slice; ``name`` the name a volume of it would get;
    ``image_uids`` the SOP Instance UIDs of its slices, with ``#`` and the frame in multi-frame files.
    """

    path: Path
    kind: str
    name: str
    files: tuple[Path, ...]
    modality: str = ""
    series_instance_uid: str = ""
    image_uids: frozenset[str] = frozenset()
    _open: Callable[[], OpenScan] = field(default=None, repr=False, compare=False)

    def open(self) -> OpenScan:
        """The scan with its grid, its voxels still unread. Raises FileFormatError, or OSError."""
        return self._open()

    def read(self) -> VolumeImage:
        """The scan with its voxels. Raises FileFormatError, or OSError."""
        return self.open().read()


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
