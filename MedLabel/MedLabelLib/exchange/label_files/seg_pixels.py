"""The pixels of a DICOM segmentation's frames."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
        self._lock = threading.Lock()
        self._found: list[tuple[slice, ...] | None] | None = None
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

    @property
    def _boxes(self) -> list[tuple[slice, ...] | None]:
        # threads that carry different labels wait for one to look through all of them
        with self._lock:
            if self._found is None:
                self._found = value_boxes(self._all)
            return self._found


def value_boxes(array: NDArray) -> list[tuple[slice, ...] | None]:
    """As ``scipy.ndimage.find_objects`` of a C-ordered array: the box around each value from 1.

    Looks at where values change along the last axis instead of at every voxel.
    """
    if not array.size:
        return []
    flat, width = array.reshape(-1), array.shape[2]
    starts = np.empty(flat.shape, dtype=bool)
    np.not_equal(flat[1:], flat[:-1], out=starts[1:])
    starts[::width] = True
    first = np.flatnonzero(starts)
    values = flat[first]
    last = np.append(first[1:], len(flat)) - 1
    inside = values != 0
    first, last, values = first[inside], last[inside], values[inside]
    boxes: list[tuple[slice, ...] | None] = [None] * int(values.max(initial=0))
    if not values.size:
        return boxes
    order = np.argsort(values, kind="stable")
    first, last, values = first[order], last[order], values[order]
    groups = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    line, low = np.divmod(first, width)
    high = last - line * width
    frame, row = np.divmod(line, array.shape[1])
    ends = [
        (np.minimum.reduceat(lower, groups), np.maximum.reduceat(upper, groups) + 1)
        for lower, upper in ((frame, frame), (row, row), (low, high))
    ]
    for at, value in enumerate(values[groups]):
        boxes[int(value) - 1] = tuple(slice(int(a[at]), int(b[at])) for a, b in ends)
    return boxes
