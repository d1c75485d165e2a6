"""What a DICOM file says of its images, their pixels left unread."""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.errors import FileFormatError
from .dicom_elements import WANTED, DatasetElements, Elements, QuickElements
from .dicom_quick import QuickHeader, ShortDataError, quick_header
from .image import image_key
from .opening_files import open_file

if TYPE_CHECKING:
    from pydicom import Dataset

_DIRECTORY = "1.2.840.10008.1.3.10"
_FIRST_READ = 1 << 14
# of multi-frame files the functional groups come first, some kB a frame
_LONGEST_HEADER = 1 << 27

# pydicom tells of every odd value it meets, by logging the value, and a value may be a name
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class DicomHeader:
    """What places one image, a file or a frame of one, in its series; nothing that names the patient.

    ``orientation`` holds the direction of growing column and then of growing row, ``spacing`` the
    distance of columns and of rows in mm (DICOM's PixelSpacing the other way round), ``position`` the
    first voxel's centre, all in LPS; None where the file does not say. ``frame`` is its number from 1 in
    a file of several. ``traits`` tell apart images of one place: echo time, b-value, time….

    ``pixel_offset`` is where the pixels of the file's first frame begin, None where only pydicom can say
    (deflated and big endian files), ``pixel_length`` is None for compressed ones.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    modality: str
    series_number: int | None
    instance_number: int | None
    frames: int
    columns: int
    rows: int
    samples: int
    photometric: str
    orientation: tuple[float, ...] | None
    position: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    slice_step: float | None
    slope: float
    intercept: float
    unit: str
    window: tuple[float, float] | None
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    transfer_syntax: str
    pixel_tag: int
    pixel_offset: int | None
    pixel_length: int | None
    has_burned_in_text: bool = False
    frame: int | None = None
    traits: dict[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names the image among all: its UID, and the frame where there are several."""
        return image_key(self.sop_instance_uid, self.frame)

    @property
    def is_image(self) -> bool:
        return self.rows > 0 and self.columns > 0 and self.modality not in ("SEG", "RTDOSE")

    @property
    def is_directory(self) -> bool:
        return self.sop_class_uid == _DIRECTORY


def read_header(path: Path) -> DicomHeader:
    """The header of a DICOM file. Raises FileFormatError when the file is none or is damaged."""
    quick = _quick(path)
    try:
        if quick is not None:
            header = _header_of(QuickElements(quick), path, quick)
        else:
            dataset = read_dataset(path, stop_before_pixels=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = _header_of(DatasetElements(dataset), path, _layout(dataset))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, NotImplementedError,
            struct.error) as error:  # fmt: skip
        raise FileFormatError(f"its DICOM header is damaged ({type(error).__name__})", path) from error
    if not header.sop_class_uid:
        raise FileFormatError("it is no DICOM file", path)
    return header


def read_dataset(path: Path, stop_before_pixels: bool = False) -> Dataset:
    """The file as a pydicom dataset. It may lie in a zip.

    Files that lack DICOM's preamble are read too, if they hold a SOP class. Raises FileFormatError.
    """
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with open_file(path) as file:
        start = file.read(132)
        # without the preamble a data set begins at once, with an element of group 2 or 8
        if start[128:] != b"DICM" and start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
            raise FileFormatError("it is no DICOM file", path)
        file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(file, force=True, stop_before_pixels=stop_before_pixels)
                known = "SOPClassUID" in dataset or "MediaStorageSOPClassUID" in dataset.file_meta
        except OSError:
            raise
        except (InvalidDicomError, BytesLengthException, EOFError, ValueError, KeyError, AttributeError,
                NotImplementedError, TypeError, OverflowError, MemoryError, RecursionError,
                struct.error, zlib.error) as error:  # fmt: skip
            # pydicom has no error of its own for a damaged stream: these are what its parser runs into
            raise FileFormatError(
                f"it is no DICOM file, or a damaged one ({type(error).__name__})", path
            ) from error
    if not known:
        raise FileFormatError("it is no DICOM file", path)
    return dataset


def _quick(path: Path) -> QuickHeader | None:
    with open_file(path) as file:
        size = _FIRST_READ
        data = file.read(size)
        while True:
            try:
                return quick_header(data, WANTED, len(data) < size)
            except ShortDataError:
                if size >= _LONGEST_HEADER:
                    return None
                size *= 16
                data += file.read(size - len(data))


def _layout(dataset: Dataset) -> QuickHeader:
    """Where pydicom has read the header, the pixels are its matter too: their place is left open."""
    meta = getattr(dataset, "file_meta", {})
    found = {0x20002: str(meta.get("MediaStorageSOPClassUID", "")).encode()}
    return QuickHeader(found, str(meta.get("TransferSyntaxUID", "")), 0, None, None)


def _header_of(elements: Elements, path: Path, layout: QuickHeader) -> DicomHeader:
    text, numbers = elements.text, elements.numbers
    spacing = numbers("PixelSpacing")
    position, orientation = numbers("ImagePositionPatient"), numbers("ImageOrientationPatient")
    center, width = numbers("WindowCenter"), numbers("WindowWidth")
    modality = text("Modality")
    bits = _whole(numbers("BitsAllocated")) or 0
    stored = _whole(numbers("BitsStored")) or bits
    return DicomHeader(
        path=path,
        sop_class_uid=text("SOPClassUID") or layout.elements.get(0x20002, b"").decode("latin-1").strip(" \0"),
        sop_instance_uid=text("SOPInstanceUID"),
        series_uid=text("SeriesInstanceUID"),
        study_uid=text("StudyInstanceUID"),
        frame_of_reference_uid=text("FrameOfReferenceUID"),
        modality=modality,
        series_number=_whole(numbers("SeriesNumber")),
        instance_number=_whole(numbers("InstanceNumber")),
        frames=_whole(numbers("NumberOfFrames")) or 1,
        columns=_whole(numbers("Columns")) or 0,
        rows=_whole(numbers("Rows")) or 0,
        samples=_whole(numbers("SamplesPerPixel")) or 1,
        photometric=text("PhotometricInterpretation"),
        orientation=orientation if len(orientation) == 6 else None,
        position=position if len(position) == 3 else None,
        spacing=(spacing[1], spacing[0]) if len(spacing) == 2 else None,
        slice_step=slice_step(numbers("SpacingBetweenSlices"), numbers("SliceThickness")),
        slope=first(numbers("RescaleSlope"), 1.0),
        intercept=first(numbers("RescaleIntercept"), 0.0),
        unit=unit_of(modality, text("RescaleType"), text("Units")),
        window=window_of(center, width),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=_whole(numbers("HighBit")) or stored - 1,
        is_signed=bool(first(numbers("PixelRepresentation"), 0.0)),
        transfer_syntax=layout.transfer_syntax,
        pixel_tag=layout.pixel_tag,
        pixel_offset=layout.pixel_offset,
        pixel_length=layout.pixel_length,
        has_burned_in_text=text("BurnedInAnnotation").upper() == "YES",
        traits=_traits(elements),
    )


def _traits(elements: Elements) -> dict[str, object]:
    traits: dict[str, object] = {}
    for name, keyword in (
        ("echo", "EchoTime"),
        ("ti", "InversionTime"),
        ("flip", "FlipAngle"),
        ("direction", "DiffusionGradientOrientation"),
        ("t", "TemporalPositionIdentifier"),
        ("trigger", "TriggerTime"),
        ("reference", "FrameReferenceTime"),
        ("acquisition", "AcquisitionNumber"),
    ):
        if value := elements.numbers(keyword):
            traits[name] = value if len(value) > 1 else value[0]
    for name, keyword in (("kernel", "ConvolutionKernel"), ("type", "ImageType")):
        if text := elements.text(keyword):
            traits[name] = text
    if time := elements.text("AcquisitionTime") or elements.text("ContentTime"):
        traits["time"] = time
    b_value = elements.numbers("DiffusionBValue")
    try:
        b_value = (
            b_value or elements.numbers("SiemensBValue") or elements.numbers("PhilipsBValue")
            # GE adds 10^9 to tell b-values that differ within one series
            or tuple(value % 100000 for value in elements.numbers("GeBValue")[:1])
        )  # fmt: skip
    except (ValueError, struct.error, TypeError):
        # a private element that holds something else
        b_value = ()
    if len(b_value) == 1:
        traits["b"] = b_value[0]
    return traits


def slice_step(between: tuple[float, ...], thickness: tuple[float, ...]) -> float | None:
    """The distance in mm that a lone slice stands for, or None."""
    step = abs(first(between, 0.0)) or abs(first(thickness, 0.0))
    return step or None


def unit_of(modality: str, rescale_type: str, units: str) -> str:
    """The unit of the rescaled values, in DICOM's words."""
    if modality == "PT":
        return units
    if modality == "CT" and rescale_type in ("", "US"):
        return "HU"
    return rescale_type


def window_of(center: tuple[float, ...], width: tuple[float, ...]) -> tuple[float, float] | None:
    """The first of the windows, if it is one."""
    return (center[0], width[0]) if center and width and width[0] > 0 else None


def first(numbers: tuple[float, ...], otherwise: float) -> float:
    return float(numbers[0]) if numbers else otherwise


def _whole(numbers: tuple[float, ...]) -> int | None:
    return int(numbers[0]) if numbers else None
