"""The DICOM images that a volume's labels refer to when they are written as DICOM."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...model.errors import ExportError, FileFormatError
from ...model.geometry import AxisMap, VolumeGeometry
from ...storage.volume import Volume
from ...volumes.image import SourceRecord
from ...volumes.opening_files import open_file

if TYPE_CHECKING:
    from pydicom import Dataset

# what a segmentation or structure set says of patient and study as its images do (PS3.3 C.7.1.1, C.7.2.1)
COPIED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "OtherPatientIDs",
    "EthnicGroup",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
# of these a value must at least be empty (type 2)
_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "PositionReferenceIndicator",
)


@dataclass(frozen=True)
class ImageReference:
    """The image of one slice; ``frame`` is its number from 1 in a multi-frame image, else None."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None = None


@dataclass(frozen=True)
class DicomSource:
    """A series of images, one reference for each slice of ``geometry``'s last axis.

    ``header`` is the first image's dataset without pixels; ``to_source`` takes canonical arrays to
    ``[column, row, slice]``.
    """

    header: Dataset
    geometry: VolumeGeometry
    to_source: AxisMap
    references: tuple[ImageReference, ...]

    @property
    def series_instance_uid(self) -> str:
        return str(self.header.SeriesInstanceUID)

    @property
    def identity(self) -> tuple:
        """All that files which refer to it say of it."""
        patient = tuple(str(self.header.get(keyword, "")) for keyword in COPIED)
        return patient, self.series_instance_uid, self.references

    @property
    def instances(self) -> list[ImageReference]:
        """Each image once, in the order of the slices."""
        return list({entry.sop_instance_uid: entry for entry in self.references}.values())

    def describe_patient(self, dataset: Dataset) -> None:
        """Give ``dataset`` patient, study and frame of reference of the images; its texts are UTF-8 then."""
        dataset.SpecificCharacterSet = "ISO_IR 192"
        for keyword in COPIED:
            if keyword in self.header:
                dataset[keyword] = self.header[keyword]
            elif keyword in _EMPTY:
                setattr(dataset, keyword, None)


def source_of(volume: Volume, record: SourceRecord | None = None) -> DicomSource | None:
    """The series that a volume came from, None where it came from no DICOM.

    ``record`` is another than the volume's own, of a copy of the series. Raises ExportError where its files
    are not there any more.
    """
    record = record or volume.source()
    if record.kind != "dicom" or not record.slices:
        return None
    return _source(volume, record)


def _source(volume: Volume, record: SourceRecord) -> DicomSource:
    import pydicom

    first = record.slices[0]
    try:
        if first.file is None:
            raise FileNotFoundError
        with warnings.catch_warnings(), open_file(first.file) as file:
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        found = header.get("SOPInstanceUID")
    except (OSError, FileFormatError, pydicom.errors.InvalidDicomError) as error:
        raise ExportError(
            f"the DICOM files of {volume.label} are not where they were (medlabel relink finds them)"
        ) from error
    if found != first.sop_instance_uid:
        raise ExportError(f"another image lies where {volume.label} had its first (see medlabel relink)")
    if "FrameOfReferenceUID" not in header:
        raise ExportError(f"the images of {volume.label} name no frame of reference that labels can refer to")
    # records of older projects do not tell each image's class, which one series has in common
    common = str(header.SOPClassUID)
    references = tuple(
        ImageReference(entry.sop_class_uid or common, entry.sop_instance_uid, entry.frame)
        for entry in record.slices
    )
    return DicomSource(header, record.geometry, record.axis_map.inverse(), references)
