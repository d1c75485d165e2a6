"""Writing a volume's objects as a DICOM structure set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...model.mask import Mask
from ...storage.provenance import MANUAL
from ...version import VERSION
from ..pixel_outlines import keyholed, outlines
from ..terminology import term_of
from .derived_uids import derived_uid
from .dicom_source import DicomSource, ImageReference
from .dicom_text import long_string
from .label_item import LabelItem

if TYPE_CHECKING:
    from pydicom import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
SERIES_NUMBER = 1001
# the words of PS3.3 C.8.8.8.1 that a class of this name is
_INTERPRETED = {"gtv": "GTV", "ctv": "CTV", "ptv": "PTV", "external": "EXTERNAL", "body": "EXTERNAL"}


def write_rtstruct(path: Path, items: Sequence[LabelItem], source: DicomSource, changed: datetime) -> None:
    """Write the objects as one structure set on the source's images, a region each, in order.

    Contours run along the borders of the pixels, so that a reader which asks of each pixel's centre
    whether it is inside finds the same pixels. A hole is joined to the outline around it by a channel
    of no width. The UIDs follow from the content.
    """
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ImplicitVRLittleEndian

    changed = changed.astimezone()
    masks = [item.mask.remapped(source.to_source) for item in items]
    uid = _uid(items, masks, source, changed)
    meta = FileMetaDataset()
    # explicit VR would leave a contour no more than 64 KiB
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _STORAGE, uid
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    source.describe_patient(dataset)
    fields = {
        "SOPClassUID": _STORAGE,
        "SOPInstanceUID": uid,
        "Modality": "RTSTRUCT",
        "SeriesInstanceUID": derived_uid("rtstruct-series", uid),
        "SeriesNumber": SERIES_NUMBER,
        "SeriesDescription": "Labels",
        "InstanceNumber": 1,
        "OperatorsName": None,
        "Manufacturer": "MedLabel",
        "ManufacturerModelName": "MedLabel",
        "SoftwareVersions": VERSION,
        "StructureSetLabel": "LABELS",
        "StructureSetName": "Labels",
        "StructureSetDate": changed.strftime("%Y%m%d"),
        "StructureSetTime": changed.strftime("%H%M%S"),
        "InstanceCreationDate": changed.strftime("%Y%m%d"),
        "InstanceCreationTime": changed.strftime("%H%M%S"),
        "ApprovalStatus": "UNAPPROVED",
        "ReferencedFrameOfReferenceSequence": [_frame_of_reference(source)],
        "StructureSetROISequence": [_region(n, item, source) for n, item in enumerate(items, 1)],
        "ROIContourSequence": [
            _contours(n, item, mask, source)
            for n, (item, mask) in enumerate(zip(items, masks, strict=True), 1)
        ],
        "RTROIObservationsSequence": [_observation(n, item) for n, item in enumerate(items, 1)],
    }
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def _uid(items: Sequence[LabelItem], masks: Sequence[Mask], source: DicomSource, changed: datetime) -> str:
    digest = hashlib.sha256(repr((VERSION, changed, source.identity)).encode())
    for item, mask in zip(items, masks, strict=True):
        digest.update(item.digest(mask))
    return derived_uid("rtstruct", digest.hexdigest())


def _frame_of_reference(source: DicomSource) -> Dataset:
    from pydicom import Dataset

    series = Dataset()
    series.SeriesInstanceUID = source.series_instance_uid
    series.ContourImageSequence = [_image(entry) for entry in source.references]
    study = Dataset()
    # Detached Study Management, which the standard retired and asks for here all the same
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = source.header.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = source.header.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _image(reference: ImageReference) -> Dataset:
    from pydicom import Dataset

    image = Dataset()
    image.ReferencedSOPClassUID = reference.sop_class_uid
    image.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reference.frame is not None:
        image.ReferencedFrameNumber = reference.frame
    return image


def _region(number: int, item: LabelItem, source: DicomSource) -> Dataset:
    from pydicom import Dataset

    region = Dataset()
    region.ROINumber = number
    region.ReferencedFrameOfReferenceUID = source.header.FrameOfReferenceUID
    region.ROIName = long_string(item.name) or f"label {number}"
    # the whole name of the class, of whatever length and with whatever characters
    region.ROIDescription = item.class_name
    kind = item.origin.algorithm_type if item.origin else MANUAL
    region.ROIGenerationAlgorithm = kind
    if kind != MANUAL:
        region.ROIGenerationDescription = (
            long_string(", ".join(item.origin.models)) or "Interpolation between slices"
        )
    return region


def _observation(number: int, item: LabelItem) -> Dataset:
    from pydicom import Dataset

    observation = Dataset()
    observation.ObservationNumber = number
    observation.ReferencedROINumber = number
    observation.RTROIInterpretedType = _INTERPRETED.get(item.class_name.lower(), "")
    observation.ROIInterpreter = None
    term = term_of(item.class_name)
    if not term.type.is_private:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = term.type.value, term.type.scheme
        code.CodeMeaning = term.type.meaning
        observation.RTROIIdentificationCodeSequence = [code]
    return observation


def _contours(number: int, item: LabelItem, mask: Mask, source: DicomSource) -> Dataset:
    from pydicom import Dataset
    from pydicom.dataelem import DataElement

    region = Dataset()
    region.ROIDisplayColor = list(item.rgb)
    region.ReferencedROINumber = number
    contours = []
    for index, points in _loops(mask, source):
        contour = Dataset()
        contour.ContourImageSequence = [_image(source.references[index])]
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points)
        contour.ContourNumber = len(contours) + 1
        text = [f"{x:.4f}".rstrip("0").rstrip(".") for x in points.ravel()]
        # of thousands of points none needs to become a number again
        contour.add(DataElement(0x30060050, "DS", text, already_converted=True))
        contours.append(contour)
    if contours:
        region.ContourSequence = contours
    return region


def _loops(mask: Mask, source: DicomSource) -> Iterator[tuple[int, NDArray]]:
    """The contours of a mask on the source's grid: the slice, and points in LPS mm."""
    box = mask.box
    if box is None:
        return
    voxels = mask.look(box)
    for at in np.flatnonzero(voxels.any(axis=(0, 1))):
        index = box.start[2] + int(at)
        for loop in keyholed(outlines(voxels[:, :, at])):
            corners = np.column_stack([loop + box.start[:2], np.full(len(loop), index)])
            yield index, source.geometry.ijk_to_lps(corners)
