"""A scan in one file that is read whole when anything of it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model.geometry import VolumeGeometry
from .image import ReadSlice, VolumeImage


@dataclass
class WholeScan:
    """An NRRD, NIfTI or MetaImage file as a :class:`~.found.OpenScan`."""

    path: Path
    reader: Callable[[Path], VolumeImage]
    _image: VolumeImage | None = None

    @property
    def geometry(self) -> VolumeGeometry:
        return self.read().geometry

    def read_slice(self, index: int | None = None) -> ReadSlice:
        """A slice of the canonical grid's last axis, by default the middle one."""
        array = self.read().array
        index = array.shape[2] // 2 if index is None else index
        return ReadSlice(2, index, np.asfortranarray(array[:, :, index]))

    def read(self, on_slice: Callable[[int, int], None] | None = None) -> VolumeImage:
        """The scan. Raises FileFormatError, or OSError."""
        if self._image is None:
            self._image = self.reader(self.path)
            if on_slice is not None:
                on_slice(1, 1)
        return self._image
