"""The pixels of a DICOM segmentation's frames."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from ...model.errors import FileFormatError
from .frame_stack import Block

if TYPE_CHECKING:
    from pydicom import Dataset


class SegPixels:
    """The frames of a segmentation. Raises FileFormatError, when made, where there are too few bytes."""

    def __init__(self, dataset: Dataset, path: Path) -> None:
        self.path = path
        self.rows, self.columns = int(dataset.Rows), int(dataset.Columns)
        self.count = int(dataset.get("NumberOfFrames") or 1)
        self._half = int(dataset.get("MaximumFractionalValue") or 1) / 2
        self._dataset = dataset
        self._bits = int(dataset.BitsAllocated)
        if self._bits not in (1, 8, 16):
            raise FileFormatError(f"its pixels have {self._bits} bits", path)
        self._data = dataset.get("PixelData")
        if self._data is None:
            raise FileFormatError("it has no pixels", path)
        syntax = dataset.file_meta.TransferSyntaxUID
        self._is_packed = not syntax.is_encapsulated and self._bits == 1
        needed = -(-self.rows * self.columns * self.count * self._bits // 8)
        if not syntax.is_encapsulated and len(self._data) < needed:
            raise FileFormatError(
                f"it is truncated: {len(self._data)} of {needed} bytes of pixels are there", path
            )

    def set_in(self, frames: Sequence[int]) -> Block:
        """The pixels set in these frames of one segment (fractions: at least half)."""
        if self._is_packed:
            return self._unpacked(frames)
        pixels = self._all[list(frames)]
        return Block.around(pixels >= self._half if self._half > 0.5 else pixels != 0)

    def labelled(self, number: int) -> Block:
        """The pixels of a segment in all frames of a labelmap."""
        found = self._boxes[number - 1] if 0 < number <= len(self._boxes) else None
        if found is None:
            return Block.empty()
        return Block(*(entry.start for entry in found), self._all[found] == number)

    def _unpacked(self, frames: Sequence[int]) -> Block:
        size = self.rows * self.columns
        if self.columns % 8:
            return Block.around(np.stack([self._unpacked_frame(frame * size, size) for frame in frames]))
        # where rows are of whole bytes, nothing but the box around the set bits is unpacked
        packed = self._packed_rows[list(frames)]
        box = Block.around(packed)
        bits = np.unpackbits(box.pixels, axis=2, bitorder="little").view(bool)
        return Block(box.frame, box.row, 8 * box.column, bits)

    def _unpacked_frame(self, first: int, size: int) -> NDArray[np.bool_]:
        data = np.frombuffer(self._data, np.uint8, -(-(first + size) // 8) - first // 8, first // 8)
        bits = np.unpackbits(data, bitorder="little")[first % 8 : first % 8 + size]
        return bits.view(bool).reshape(self.rows, self.columns)

    @functools.cached_property
    def _packed_rows(self) -> NDArray[np.uint8]:
        count = self.count * self.rows * self.columns // 8
        shape = (self.count, self.rows, self.columns // 8)
        return np.frombuffer(self._data, np.uint8, count).reshape(shape)

    @functools.cached_property
    def _all(self) -> NDArray:
        """All frames, ``[frame, row, column]``."""
        shape = (self.count, self.rows, self.columns)
        if not self._dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            dtype = np.dtype("u1") if self._bits == 8 else np.dtype("<u2")
            return np.frombuffer(self._data, dtype, int(np.prod(shape))).reshape(shape)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._dataset.pixel_array.reshape(shape)
        except (RuntimeError, NotImplementedError, ValueError, AttributeError) as error:
            raise FileFormatError(f"its pixels cannot be decoded: {error}", self.path) from error

    @functools.cached_property
    def _boxes(self) -> list[tuple[slice, ...] | None]:
        return find_objects(self._all)
