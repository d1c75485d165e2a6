"""The values of DICOM images, put straight into the volume's array by several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import AxisMap
from .dicom_decoding import decoders
from .dicom_header import DicomHeader
from .opening_files import open_file

OnSlice = Callable[[int, int], None]

_UNCOMPRESSED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
_FLOATS: Final = {0x7FE00008: 4, 0x7FE00009: 8}
_THREADS = min(8, (os.cpu_count() or 1) + 2)
# so many slices are turned together where the volume's rows run across them
_TOGETHER = 16
# slices a power of two apart would share a few lines of the processor's cache
_APART = 96


class _TooNarrowError(Exception):
    """A value does not fit the array that was made for it."""


class DicomValues:
    """The images of a volume in the order of its slices, and what is to be done to their stored numbers.

    ``factors`` (one for all, or one each) multiply the rescaled values, as for SUV; ``axis_map`` takes
    ``[column, row, slice]`` to the array that is made.
    """

    def __init__(
        self, images: Sequence[DicomHeader], axis_map: AxisMap, factors: Sequence[float] = (1.0,)
    ) -> None:
        self.images = list(images)
        self.axis_map = axis_map
        each = factors if len(factors) == len(self.images) else [factors[0]] * len(self.images)
        self._scales = [
            (image.slope * factor, image.intercept * factor)
            for image, factor in zip(self.images, each, strict=True)
        ]

    def dtypes(self) -> list[np.dtype]:
        """The types that may hold the values, the narrowest first."""
        if any(image.pixel_tag in _FLOATS for image in self.images):
            return [np.dtype(np.float32)]
        if all(scale == (1.0, 0.0) for scale in self._scales):
            stored = {_stored_dtype(image) for image in self.images}
            if len(stored) == 1:
                return [stored.pop()]
        if all(float(number).is_integer() for scale in self._scales for number in scale):
            return [np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.float32)]
        return [np.dtype(np.float32)]

    def read(self, on_slice: OnSlice | None = None) -> tuple[NDArray | None, dict[Path, str]]:
        """All values as an array in Fortran order, its axes turned by the axis map.

        Returns it with what could not be read, path to reason; the array is None when anything could
        not. ``on_slice`` is called with how many slices are done and of how many; what it raises stops
        the reading.
        """
        for dtype in self.dtypes():
            try:
                return self._read_as(dtype, on_slice)
            except _TooNarrowError:
                continue
        raise FileFormatError("its values are larger than a volume can hold", self.images[0].path)

    def read_slice(self, at: int) -> NDArray:
        """The values of one slice, ``[column, row]``. Raises FileFormatError or OSError."""
        for dtype in self.dtypes():
            target = np.empty((self.images[at].columns, self.images[at].rows), dtype, order="F")
            try:
                for stored, _, is_rescaled in _stored([(at, self.images[at])]):
                    if isinstance(stored, FileFormatError):
                        raise stored
                    target[...] = self._values(stored, at, is_rescaled, dtype).T
                return target
            except _TooNarrowError:
                continue
        raise FileFormatError("its values are larger than a volume can hold", self.images[at].path)

    def _read_as(self, dtype: np.dtype, on_slice: OnSlice | None) -> tuple[NDArray | None, dict[Path, str]]:
        count = len(self.images)
        result = np.empty(self.axis_map.shape, dtype, order="F")
        target = self.axis_map.inverse().apply(result)
        failed: dict[Path, str] = {}
        # the volume's rows run along the slices in a sagittal or coronal series
        together = _TOGETHER if self.axis_map.permutation[2] != 2 else 1
        chunks = _chunks(self.images, max(together, -(-count // (_THREADS * 8))))
        done = 0
        with ThreadPoolExecutor(min(_THREADS, len(chunks))) as threads:
            jobs = [threads.submit(self._fill, target, chunk, together, failed) for chunk in chunks]
            try:
                for job in jobs:
                    done += job.result()
                    if on_slice is not None:
                        on_slice(done, count)
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        return (None if failed else result), failed

    def _fill(
        self, target: NDArray, chunk: list[tuple[int, DicomHeader]], together: int, failed: dict[Path, str]
    ) -> int:
        """Put the slices of a chunk at their places; ``target`` is ``[column, row, slice]``."""
        columns, rows = target.shape[:2]
        block = None
        if together > 1:
            block = np.empty((len(chunk), rows * columns + _APART), target.dtype)
        for number, (stored, at, is_rescaled) in enumerate(_stored(chunk)):
            if isinstance(stored, FileFormatError):
                failed[self.images[at].path] = stored.reason
                continue
            values = self._values(stored, at, is_rescaled, target.dtype)
            if block is None:
                target[:, :, at] = values.T
            else:
                block[number, : rows * columns] = values.ravel()
        if block is not None:
            first = chunk[0][0]
            whole = block[:, : rows * columns].reshape(len(chunk), rows, columns)
            target[:, :, first : first + len(chunk)] = whole.transpose(2, 1, 0)
        return len(chunk)

    def _values(self, stored: NDArray, at: int, is_rescaled: bool, dtype: np.dtype) -> NDArray:
        """Stored numbers as values of ``dtype``. Whole numbers may be changed in place."""
        slope, intercept = (1.0, 0.0) if is_rescaled else self._scales[at]
        if dtype.kind == "f":
            if (slope, intercept) == (1.0, 0.0):
                return stored.astype(dtype, copy=False)
            values = stored * np.float64(slope)
            values += intercept
            return values.astype(dtype)
        if stored.dtype.kind == "f":
            raise _TooNarrowError
        if (slope, intercept) == (1.0, 0.0) and stored.dtype == dtype:
            return stored
        ends = [int(end) * int(slope) + int(intercept) for end in (stored.min(), stored.max())]
        limits = np.iinfo(dtype)
        if min(ends) < limits.min or max(ends) > limits.max:
            raise _TooNarrowError
        # integers wrap around, so that a result which fits is right whatever lay between
        values = stored.view(dtype) if stored.itemsize == dtype.itemsize else stored.astype(dtype)
        if slope != 1.0:
            values *= np.int64(slope).astype(dtype)
        if intercept:
            values += np.int64(intercept).astype(dtype)
        return values


def _stored_dtype(image: DicomHeader) -> np.dtype:
    return np.dtype(f"{'i' if image.is_signed else 'u'}{max(1, image.bits_allocated // 8)}")


def _chunks(images: Sequence[DicomHeader], most: int) -> list[list[tuple[int, DicomHeader]]]:
    """Runs of neighbouring slices, each with its number."""
    numbered = list(enumerate(images))
    return [numbered[start : start + most] for start in range(0, len(numbered), most)]


def _stored(
    chunk: Sequence[tuple[int, DicomHeader]],
) -> Iterator[tuple[NDArray | FileFormatError, int, bool]]:
    """Each image's stored numbers ``[row, column]``, its number, and whether they are rescaled already.

    An image that cannot be read gives the error in place of its numbers. The arrays are written over by
    the next one.
    """
    for path, group in groupby(chunk, key=lambda entry: entry[1].path):
        members = list(group)
        try:
            if _is_plain(members[0][1]):
                yield from ((stored, at, False) for stored, at in _plain(path, members))
                continue
        except OSError as error:
            reason = f"it cannot be opened: {error.strerror or error}"
            yield from ((FileFormatError(reason, path), at, False) for at, _ in members)
            continue
        except FileFormatError as error:
            yield from ((error, at, False) for at, _ in members)
            continue
        for at, image in members:
            try:
                stored, is_rescaled = decoders().decode(path, image.frame)
                if stored.shape != (image.rows, image.columns):
                    raise FileFormatError("its pixels are not of the size its header says", path)
            except FileFormatError as error:
                yield error, at, False
            else:
                yield stored, at, is_rescaled


def _is_plain(image: DicomHeader) -> bool:
    return (
        image.pixel_offset is not None
        and image.pixel_length is not None
        and image.transfer_syntax in _UNCOMPRESSED
        and image.bits_allocated in (8, 16, 32)
    ) or image.pixel_tag in _FLOATS


def _plain(path: Path, members: list[tuple[int, DicomHeader]]) -> Iterator[tuple[NDArray, int]]:
    first = members[0][1]
    floats = _FLOATS.get(first.pixel_tag)
    dtype = np.dtype(f"<f{floats}") if floats else _stored_dtype(first).newbyteorder("<")
    stored = np.empty((first.rows, first.columns), dtype)
    view = memoryview(stored).cast("B")
    if first.pixel_length < stored.nbytes * first.frames:
        raise FileFormatError("its pixels are fewer than its header says", path)
    with open_file(path, buffering=0) as file:
        for at, image in members:
            file.seek(first.pixel_offset + ((image.frame or 1) - 1) * stored.nbytes)
            filled = 0
            while filled < len(view):
                if not (count := file.readinto(view[filled:])):
                    raise FileFormatError("it is truncated: pixels are missing", path)
                filled += count
            yield _meant(stored, image), at


def _meant(stored: NDArray, image: DicomHeader) -> NDArray:
    """The numbers in the machine's byte order, of as many bits as are stored, wherever these lie."""
    values = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    spare = image.bits_allocated - image.bits_stored
    if values.dtype.kind == "f" or spare <= 0:
        return values
    above = image.bits_allocated - 1 - image.high_bit
    limit = 1 << image.bits_stored
    low, high = (-(limit >> 1), (limit >> 1) - 1) if image.is_signed else (0, limit - 1)
    if above == spare and values.min() >= low and values.max() <= high:
        return values
    # old files keep overlays in the bits that are not of the image
    return (values << above) >> spare
