"""The values that matter of a DICOM header, whoever has read it: by keyword, as texts or numbers."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .dicom_quick import QuickHeader

if TYPE_CHECKING:
    from pydicom import Dataset

# keyword: tag, and how its bytes are read: s text, n numbers as text, H and d and f binary numbers
ELEMENTS: Final = {
    "SOPClassUID": (0x00080016, "s"),
    "SOPInstanceUID": (0x00080018, "s"),
    "SeriesInstanceUID": (0x0020000E, "s"),
    "StudyInstanceUID": (0x0020000D, "s"),
    "FrameOfReferenceUID": (0x00200052, "s"),
    "Modality": (0x00080060, "s"),
    "ImageType": (0x00080008, "s"),
    "AcquisitionTime": (0x00080032, "s"),
    "ContentTime": (0x00080033, "s"),
    "SeriesNumber": (0x00200011, "n"),
    "AcquisitionNumber": (0x00200012, "n"),
    "InstanceNumber": (0x00200013, "n"),
    "TemporalPositionIdentifier": (0x00200100, "n"),
    "ImagePositionPatient": (0x00200032, "n"),
    "ImageOrientationPatient": (0x00200037, "n"),
    "SliceThickness": (0x00180050, "n"),
    "EchoTime": (0x00180081, "n"),
    "InversionTime": (0x00180082, "n"),
    "SpacingBetweenSlices": (0x00180088, "n"),
    "TriggerTime": (0x00181060, "n"),
    "ConvolutionKernel": (0x00181210, "s"),
    "FlipAngle": (0x00181314, "n"),
    "DiffusionBValue": (0x00189087, "d"),
    "DiffusionGradientOrientation": (0x00189089, "d"),
    "SamplesPerPixel": (0x00280002, "H"),
    "PhotometricInterpretation": (0x00280004, "s"),
    "NumberOfFrames": (0x00280008, "n"),
    "Rows": (0x00280010, "H"),
    "Columns": (0x00280011, "H"),
    "PixelSpacing": (0x00280030, "n"),
    "BitsAllocated": (0x00280100, "H"),
    "BitsStored": (0x00280101, "H"),
    "HighBit": (0x00280102, "H"),
    "PixelRepresentation": (0x00280103, "H"),
    "BurnedInAnnotation": (0x00280301, "s"),
    "WindowCenter": (0x00281050, "n"),
    "WindowWidth": (0x00281051, "n"),
    "RescaleIntercept": (0x00281052, "n"),
    "RescaleSlope": (0x00281053, "n"),
    "RescaleType": (0x00281054, "s"),
    "Units": (0x00541001, "s"),
    "FrameReferenceTime": (0x00541300, "n"),
    # the b-values of vendors who had them before the standard did
    "SiemensBValue": (0x0019100C, "n"),
    "PhilipsBValue": (0x20011003, "f"),
    "GeBValue": (0x00431039, "n"),
}
WANTED: Final = frozenset(tag for tag, _ in ELEMENTS.values())


class QuickElements:
    """The values in a :class:`QuickHeader`."""

    def __init__(self, header: QuickHeader) -> None:
        self._found = header.elements

    def text(self, keyword: str) -> str:
        """The text as it stands, values parted by backslashes; empty where there is none."""
        raw = self._found.get(ELEMENTS[keyword][0])
        return _text(raw) if raw else ""

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """The numbers, empty where there are none. Raises ValueError or struct.error for what is none."""
        tag, kind = ELEMENTS[keyword]
        raw = self._found.get(tag)
        return _numbers(raw, kind) if raw else ()


class DatasetElements:
    """The values in a pydicom dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def text(self, keyword: str) -> str:
        return "\\".join(str(value).strip(" \0") for value in self._values(keyword))

    def numbers(self, keyword: str) -> tuple[float, ...]:
        return tuple(float(value) for value in self._values(keyword))

    def _values(self, keyword: str) -> Iterable:
        element = self._dataset.get(ELEMENTS[keyword][0])
        value = None if element is None else element.value
        if value is None or value == "":
            return ()
        if isinstance(value, bytes):
            # a private element of unknown VR
            kind = ELEMENTS[keyword][1]
            return _numbers(value, kind) if kind != "s" else (_text(value),)
        return value if hasattr(value, "__iter__") and not isinstance(value, str) else (value,)


Elements = QuickElements | DatasetElements


@functools.lru_cache(maxsize=4096)
def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")


@functools.lru_cache(maxsize=4096)
def _numbers(raw: bytes, kind: str) -> tuple[float, ...]:
    if kind in "ns":
        return tuple(float(part) for part in _text(raw).split("\\") if part.strip())
    return struct.unpack(f"<{len(raw) // struct.calcsize(kind)}{kind}", raw)
