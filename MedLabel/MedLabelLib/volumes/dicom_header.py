"""What one DICOM file says of itself, its pixels left unread."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.errors import FileFormatError
from .opening_files import open_file

if TYPE_CHECKING:
    from pydicom import Dataset

# a list, so that pydicom skips the rest of each header: a folder may hold thousands
_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "SeriesNumber",
    "InstanceNumber",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "Units",
    "WindowCenter",
    "WindowWidth",
    "ImageType",
]
_DIRECTORY = "1.2.840.10008.1.3.10"

# pydicom tells of every odd value it meets, by logging the value, and a value may be a name
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class DicomHeader:
    """The parts of a DICOM header that place an image in its series; nothing that names the patient.

    ``orientation`` holds the direction of growing column and then of growing row, ``spacing`` the
    distance of columns and of rows in mm (DICOM's PixelSpacing the other way round), ``position`` the
    first voxel's centre, all in LPS; None where the file does not say.
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
    position: tuple[float, float, float] | None
    spacing: tuple[float, float] | None
    slice_step: float | None
    slope: float
    intercept: float
    unit: str
    window: tuple[float, float] | None

    @property
    def is_image(self) -> bool:
        return self.rows > 0 and self.columns > 0 and self.modality not in ("SEG", "RTDOSE")

    @property
    def is_directory(self) -> bool:
        return self.sop_class_uid == _DIRECTORY


def read_header(path: Path) -> DicomHeader:
    """The header of a DICOM file. Raises FileFormatError when the file is none or is damaged."""
    return header_of(read_dataset(path, _TAGS), path)


def read_dataset(path: Path, tags: list[str] | None = None, stop_before_pixels: bool = False) -> Dataset:
    """The file as a pydicom dataset; with ``tags``, those only and no pixels. It may lie in a zip.

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
                dataset = pydicom.dcmread(
                    file,
                    force=True,
                    stop_before_pixels=stop_before_pixels or tags is not None,
                    specific_tags=tags,
                )
                known = "SOPClassUID" in dataset or "MediaStorageSOPClassUID" in dataset.file_meta
        except OSError:
            raise
        except (InvalidDicomError, BytesLengthException, EOFError, ValueError, KeyError, AttributeError,
                NotImplementedError, TypeError, OverflowError, MemoryError) as error:  # fmt: skip
            # pydicom has no error of its own for a damaged stream: these are what its parser runs into
            raise FileFormatError(
                f"it is no DICOM file, or a damaged one ({type(error).__name__})", path
            ) from error
    if not known:
        raise FileFormatError("it is no DICOM file", path)
    return dataset


def header_of(dataset: Dataset, path: Path) -> DicomHeader:
    """What matters of a dataset. Raises FileFormatError where a value cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _header_of(dataset, path)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, NotImplementedError) as error:
        raise FileFormatError(f"its DICOM header is damaged ({type(error).__name__})", path) from error


def _header_of(dataset: Dataset, path: Path) -> DicomHeader:
    spacing = _numbers(dataset, "PixelSpacing", 2)
    step = _numbers(dataset, "SpacingBetweenSlices", 1) or _numbers(dataset, "SliceThickness", 1)
    center, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    modality = str(dataset.get("Modality", "") or "")
    unit = str(dataset.get("RescaleType", "") or "")
    if modality == "CT" and unit in ("", "US"):
        unit = "HU"
    elif modality == "PT":
        unit = str(dataset.get("Units", "") or "")
    return DicomHeader(
        path=path,
        sop_class_uid=str(
            dataset.get("SOPClassUID", "") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
        ),
        sop_instance_uid=str(dataset.get("SOPInstanceUID", "") or ""),
        series_uid=str(dataset.get("SeriesInstanceUID", "") or ""),
        study_uid=str(dataset.get("StudyInstanceUID", "") or ""),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID", "") or ""),
        modality=modality,
        series_number=_whole(dataset, "SeriesNumber"),
        instance_number=_whole(dataset, "InstanceNumber"),
        frames=_whole(dataset, "NumberOfFrames") or 1,
        columns=_whole(dataset, "Columns") or 0,
        rows=_whole(dataset, "Rows") or 0,
        samples=_whole(dataset, "SamplesPerPixel") or 1,
        photometric=str(dataset.get("PhotometricInterpretation", "") or ""),
        orientation=_numbers(dataset, "ImageOrientationPatient", 6),
        position=_numbers(dataset, "ImagePositionPatient", 3),
        spacing=None if spacing is None else (spacing[1], spacing[0]),
        slice_step=abs(step[0]) if step and step[0] else None,
        slope=_first(dataset, "RescaleSlope", 1.0),
        intercept=_first(dataset, "RescaleIntercept", 0.0),
        unit=unit,
        window=None if center is None or width is None or width <= 0 else (center, width),
    )


def _values(dataset: Dataset, name: str) -> list:
    from pydicom.multival import MultiValue

    value = dataset.get(name)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, MultiValue) else [value]


def _numbers(dataset: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    values = _values(dataset, name)
    return tuple(float(value) for value in values) if len(values) == count else None


def _first(dataset: Dataset, name: str, default: float | None = None) -> float | None:
    values = _values(dataset, name)
    return float(values[0]) if values else default


def _whole(dataset: Dataset, name: str) -> int | None:
    values = _values(dataset, name)
    return int(values[0]) if values else None
