"""The frames of a DICOM segmentation: their pixels packed, and what the file says of each."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ...model.mask import Mask
from .dicom_source import DicomSource
from .dicom_text import decimal

_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)


@dataclass(frozen=True)
class Frame:
    """One frame: its segment's number, None where a frame holds all segments, and its slice."""

    segment: int | None
    slice_index: int


def binary_frames(masks: Sequence[Mask]) -> list[Frame]:
    """A frame for each slice on which a segment has a voxel; segments are counted from 1."""
    return [
        Frame(number, index)
        for number, mask in enumerate(masks, 1)
        if mask.box is not None
        for index in _filled_slices(mask)
    ]


def _filled_slices(mask: Mask) -> list[int]:
    box = mask.box
    return [box.start[2] + int(k) for k in np.flatnonzero(mask.look(box).any(axis=(0, 1)))]


def binary_pixels(masks: Sequence[Mask]) -> Iterator[bytes]:
    """The pixels of :func:`binary_frames`, row by row, eight to a byte from the lowest bit (PS3.5 8.1.1).

    ``masks`` are on the source's grid ``[column, row, slice]``. Bits go on from frame to frame without a
    gap; what is given adds up to whole bytes.
    """
    columns, rows, _ = masks[0].shape
    if columns % 8 == 0:
        for mask in masks:
            if mask.box is not None:
                yield from _packed_by_rows(mask, columns, rows)
        return
    waiting: list[NDArray[np.bool_]] = []
    for mask in masks:
        if mask.box is None:
            continue
        box, voxels = mask.box, mask.look(mask.box)
        for k in np.flatnonzero(voxels.any(axis=(0, 1))):
            frame = np.zeros((rows, columns), dtype=bool)
            frame[box.slices[1], box.slices[0]] = voxels[:, :, k].T
            waiting.append(frame)
            # eight frames of any size end with a whole byte
            if len(waiting) == 8:
                yield np.packbits(np.stack(waiting), bitorder="little").tobytes()
                waiting.clear()
    if waiting:
        yield np.packbits(np.stack(waiting), bitorder="little").tobytes()


def _packed_by_rows(mask: Mask, columns: int, rows: int) -> Iterator[bytes]:
    """Where rows are of whole bytes only the box around the mask needs packing."""
    box = mask.box
    first, last = box.start[0] // 8, -(-box.stop[0] // 8)
    voxels = mask.look(box).T
    block = np.zeros((*voxels.shape[:2], 8 * (last - first)), dtype=bool)
    block[:, :, box.start[0] - 8 * first : box.stop[0] - 8 * first] = voxels
    packed = np.packbits(block, axis=2, bitorder="little")
    for slice_ in packed[packed.any(axis=(1, 2))]:
        frame = np.zeros((rows, columns // 8), dtype=np.uint8)
        frame[box.slices[1], first:last] = slice_
        yield frame.tobytes()


def labelmap(masks: Sequence[Mask], dtype: type) -> NDArray:
    """All segments in one array ``[column, row, slice]``, each as its number, a later one over an earlier."""
    array = np.zeros(masks[0].shape, dtype=dtype, order="F")
    for number, mask in enumerate(masks, 1):
        if (box := mask.box) is not None:
            np.copyto(array[box.slices], number, where=mask.look(box))
    return array


def do_overlap(masks: Sequence[Mask], covered: NDArray | None = None) -> bool:
    """Whether any voxel belongs to two of the masks; ``covered`` is nonzero wherever one of them is."""
    if covered is None:
        covered = np.zeros(masks[0].shape, dtype=bool, order="F")
        for mask in masks:
            if (box := mask.box) is not None:
                covered[box.slices] |= mask.look(box)
    return int(np.count_nonzero(covered)) < sum(mask.count for mask in masks)


# -- functional groups -------------------------------------------------------------------------------------


def functional_groups(frames: Sequence[Frame], source: DicomSource) -> bytes:
    """The value of the Per-Frame Functional Groups Sequence, explicit VR, little endian.

    What frames of one slice or of one segment have in common is encoded once by pydicom, and each frame
    put together from it: of thousands of frames no dataset has to be made.
    """
    slices = sorted({frame.slice_index for frame in frames})
    rank = {index: number for number, index in enumerate(slices, 1)}
    derivation = _Derivations(source)
    position = {index: _encoded(_position(source, index)) for index in slices}
    is_binary = frames[0].segment is not None
    segments = {}
    if is_binary:
        numbers = sorted({frame.segment for frame in frames})
        segments = {number: _encoded(_segment(number)) for number in numbers}
    width = 2 if is_binary else 1
    # the index values are its last bytes
    content = _encoded(_frame_content([0] * width))[: -4 * width]
    parts = []
    for frame in frames:
        at = rank[frame.slice_index]
        values = struct.pack("<II", frame.segment, at) if is_binary else struct.pack("<I", at)
        item = b"".join(
            (
                derivation.of(frame.slice_index),
                content,
                values,
                position[frame.slice_index],
                segments.get(frame.segment, b""),
            )
        )
        parts += (_ITEM, struct.pack("<I", len(item)), item)
    return b"".join(parts)


def _encoded(dataset) -> bytes:
    from pydicom.filebase import DicomFileLike
    from pydicom.filewriter import write_dataset

    buffer = DicomFileLike(BytesIO())
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return buffer.parent.getvalue()


class _Derivations:
    """What each frame is derived from: encoded by pydicom once for each class of image, with stand-ins of
    the length of the instance's UID and the frame's number, and then filled in."""

    def __init__(self, source: DicomSource) -> None:
        self._references = source.references
        self._templates: dict[tuple, tuple[bytes, ...]] = {}

    def of(self, index: int) -> bytes:
        reference = self._references[index]
        uid = reference.sop_instance_uid.encode("ascii")
        number = b"" if reference.frame is None else str(reference.frame).encode("ascii")
        form = (reference.sop_class_uid, len(uid), len(number))
        if form not in self._templates:
            self._templates[form] = self._template(*form)
        before, between, after = self._templates[form]
        return b"".join((before, uid, between, number, after))

    def _template(self, sop_class_uid: str, uid_length: int, number_length: int) -> tuple[bytes, ...]:
        uid, number = "9" * uid_length, "8" * number_length
        whole = _encoded(_derivation(sop_class_uid, uid, number))
        before, _, rest = whole.rpartition(uid.encode())
        if not number:
            return before, rest, b""
        between, _, after = rest.partition(number.encode())
        return before, between, after


def _derivation(sop_class_uid: str, sop_instance_uid: str, frame: str):
    from pydicom import Dataset

    image = Dataset()
    image.ReferencedSOPClassUID = sop_class_uid
    image.ReferencedSOPInstanceUID = sop_instance_uid
    if frame:
        image.ReferencedFrameNumber = frame
    image.SpatialLocationsPreserved = "YES"
    image.PurposeOfReferenceCodeSequence = [
        _code("121322", "DCM", "Source image for image processing operation")
    ]
    derivation = Dataset()
    derivation.SourceImageSequence = [image]
    derivation.DerivationCodeSequence = [_code("113076", "DCM", "Segmentation")]
    group = Dataset()
    group.DerivationImageSequence = [derivation]
    return group


def _position(source: DicomSource, index: int):
    from pydicom import Dataset

    place = Dataset()
    place.ImagePositionPatient = [decimal(x) for x in source.geometry.ijk_to_lps((0, 0, index))]
    group = Dataset()
    group.PlanePositionSequence = [place]
    return group


def _segment(number: int):
    from pydicom import Dataset

    identification = Dataset()
    identification.ReferencedSegmentNumber = number
    group = Dataset()
    group.SegmentIdentificationSequence = [identification]
    return group


def _frame_content(values: list[int]):
    from pydicom import Dataset

    content = Dataset()
    content.DimensionIndexValues = values
    group = Dataset()
    group.FrameContentSequence = [content]
    return group


def _code(value: str, scheme: str, meaning: str):
    from pydicom import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
