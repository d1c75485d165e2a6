"""Writing a volume's objects as a DICOM segmentation."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...model.errors import ExportError
from ...model.mask import Mask
from ...storage.provenance import MANUAL
from ...version import VERSION
from ..terminology import PRIVATE_SCHEME, Code, term_of
from .derived_uids import derived_uid
from .dicom_source import DicomSource
from .dicom_text import decimal, long_string
from .label_item import LabelItem
from .seg_frames import (
    Frame,
    binary_frames,
    binary_pixels,
    do_overlap,
    functional_groups,
    labelmap,
)

if TYPE_CHECKING:
    import highdicom
    from pydicom import Dataset

BINARY, LABELMAP = "binary", "labelmap"
_LONGEST = 0xFFFFFFFE
SERIES_NUMBER = 1000


def write_seg(
    path: Path,
    items: Sequence[LabelItem],
    source: DicomSource,
    seg_type: str,
    changed: datetime,
) -> None:
    """Write the objects as one segmentation of the source's images, a segment each, in order.

    highdicom makes the dataset for the first frame; the frames themselves are packed and described
    here. Its UIDs follow from its content, so that the same labels are the same instance.

    Parameters
    ----------
    seg_type
        ``binary``, or ``labelmap`` where no two objects overlap.
    changed
        When the labels were last changed.

    Raises
    ------
    ExportError
        when objects overlap that are to go into a labelmap, or the file would be too large.
    """
    masks = [item.mask.remapped(source.to_source) for item in items]
    changed = changed.astimezone()
    head = _head(items, source, seg_type, changed)
    if seg_type == LABELMAP:
        dtype = np.uint8 if len(items) < 256 else np.uint16
        array = labelmap(masks, dtype)
        overlap = do_overlap(masks, array)
        if overlap:
            raise ExportError("objects overlap, which a labelmap cannot hold; use binary segments")
        filled = np.flatnonzero(array.T.reshape(array.shape[2], -1).any(axis=1))
        frames = [Frame(None, int(k)) for k in (filled if filled.size else [0])]
        pixels = (memoryview(array[:, :, frame.slice_index].T).cast("B") for frame in frames)
        bits = 8 * array.itemsize
        is_volume = len(frames) > 1 and filled[-1] - filled[0] + 1 == len(filled)
        if is_volume and not source.geometry.is_uneven:
            head.DimensionOrganizationType = "3D"
    else:
        overlap = do_overlap(masks)
        frames, pixels = binary_frames(masks), binary_pixels(masks)
        if not frames:
            # a segmentation has at least one frame
            columns, rows, _ = source.geometry.shape
            frames, pixels = [Frame(1, 0)], iter([bytes(-(-columns * rows // 8))])
        bits = 1
    head.SegmentsOverlap = "YES" if overlap else "NO"
    head.NumberOfFrames = len(frames)
    groups = functional_groups(frames, source)
    columns, rows, _ = source.geometry.shape
    size = -(-len(frames) * rows * columns * bits // 8)
    if size > _LONGEST or len(groups) > _LONGEST:
        raise ExportError("its frames take more than the 4 GiB that DICOM's pixel data can hold")
    _name(head, items, masks, (seg_type, changed, source.identity))
    _write(path, head, groups, pixels, size, bits)


def _write(path: Path, head: Dataset, groups: bytes, pixels, size: int, bits: int) -> None:
    import pydicom

    buffer = BytesIO()
    pydicom.dcmwrite(buffer, head, enforce_file_format=True)
    with path.open("wb") as file:
        file.write(buffer.getbuffer())
        file.write(struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, len(groups)))
        file.write(groups)
        representation = b"OW" if bits > 8 else b"OB"
        file.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, representation, 0, size + size % 2))
        for part in pixels:
            file.write(part)
        file.write(bytes(size % 2))


def _name(
    head: Dataset, items: Sequence[LabelItem], masks: Sequence[Mask], about: tuple[object, ...]
) -> None:
    """Give the instance the UIDs that follow from all that it says of the objects and of their source."""
    digest = hashlib.sha256(repr((VERSION, *about)).encode())
    for item, mask in zip(items, masks, strict=True):
        digest.update(item.digest(mask))
    uid = derived_uid("seg", digest.hexdigest())
    head.SOPInstanceUID = uid
    head.file_meta.MediaStorageSOPInstanceUID = uid
    head.SeriesInstanceUID = derived_uid("seg-series", uid)


# -- the dataset but for its frames ------------------------------------------------------------------------


def _head(
    items: Sequence[LabelItem],
    source: DicomSource,
    seg_type: str,
    changed: datetime,
) -> Dataset:
    """What highdicom says of a segmentation of one frame, with the whole series in its references."""
    from highdicom.seg import Segmentation
    from pydicom.uid import ExplicitVRLittleEndian

    # a stand-in until the content is known
    unnamed = derived_uid("unnamed")
    columns, rows, _ = source.geometry.shape
    planes = _planes(source)
    with warnings.catch_warnings():
        # highdicom tells of code meanings and names that are unusual, not wrong
        warnings.simplefilter("ignore")
        head = Segmentation(
            [_stand_in(source, planes)],
            np.ones((1, 2, 2), dtype=np.uint8),
            seg_type.upper(),
            [_segment(number, item) for number, item in enumerate(items, 1)],
            unnamed,
            SERIES_NUMBER,
            unnamed,
            1,
            "MedLabel",
            "MedLabel",
            VERSION,
            "1",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            content_label="LABELS",
            content_description="Labels",
            series_description="Labels",
            content_date=changed.date(),
            content_time=changed.time(),
            **planes,
        )
    source.describe_patient(head)
    head.Rows, head.Columns = rows, columns
    # of one frame highdicom cannot know how far apart the slices are
    head.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = planes["pixel_measures"]
    del head.PerFrameFunctionalGroupsSequence
    del head.PixelData
    # when it was written is no part of what it is
    head.InstanceCreationDate, head.InstanceCreationTime = head.ContentDate, head.ContentTime
    for equipment in head.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = changed.strftime("%Y%m%d%H%M%S")
    organization = derived_uid("dimensions", seg_type)
    for entry in (*head.DimensionOrganizationSequence, *head.DimensionIndexSequence):
        entry.DimensionOrganizationUID = organization
    _refer(head, source)
    schemes = {item.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator
               for item in head.SegmentSequence}  # fmt: skip
    if PRIVATE_SCHEME in schemes:
        head.CodingSchemeIdentificationSequence = [_private_scheme()]
    return head


def _stand_in(source: DicomSource, planes: dict[str, object]) -> Dataset:
    """An image of the source with all that highdicom asks one for, and nothing that it would refuse."""
    from pydicom import Dataset

    image = Dataset()
    image.StudyInstanceUID = source.header.StudyInstanceUID
    image.SeriesInstanceUID = source.series_instance_uid
    image.FrameOfReferenceUID = source.header.FrameOfReferenceUID
    image.SOPClassUID = source.references[0].sop_class_uid
    image.SOPInstanceUID = source.references[0].sop_instance_uid
    image.Modality = source.header.get("Modality") or "OT"
    image.Rows = image.Columns = 2
    for keyword in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
    ):
        setattr(image, keyword, None)
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in source.header:
            image[keyword] = source.header[keyword]
    image.ImagePositionPatient = planes["plane_positions"][0][0].ImagePositionPatient
    image.ImageOrientationPatient = planes["plane_orientation"][0].ImageOrientationPatient
    image.PixelSpacing = planes["pixel_measures"][0].PixelSpacing
    image.SliceThickness = planes["pixel_measures"][0].SliceThickness
    return image


def _planes(source: DicomSource) -> dict[str, object]:
    """Orientation, pixel measures and the first place, in highdicom's words."""
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence

    geometry = source.geometry
    origin = geometry.ijk_to_lps((0, 0, 0))
    along = [geometry.ijk_to_lps(step) - origin for step in ((1, 0, 0), (0, 1, 0))]
    spacing = geometry.spacing
    cosines = [float(decimal(x)) for step in along for x in step / np.linalg.norm(step)]
    normal = np.cross(along[0], along[1])
    step = geometry.lps_terms()[2][:, 2] * spacing[2]
    apart = abs(float(step @ normal / np.linalg.norm(normal)))
    thickness = source.header.get("SliceThickness") or apart
    return {
        "pixel_measures": PixelMeasuresSequence(
            [float(decimal(spacing[1])), float(decimal(spacing[0]))],
            float(decimal(thickness)),
            None if geometry.is_uneven else float(decimal(apart)),
        ),
        "plane_orientation": PlaneOrientationSequence("PATIENT", cosines),
        "plane_positions": [PlanePositionSequence("PATIENT", [float(decimal(x)) for x in origin])],
    }


def _segment(number: int, item: LabelItem) -> highdicom.seg.SegmentDescription:
    import highdicom
    from pydicom.sr.coding import Code as DicomCode

    def code(entry: Code) -> DicomCode:
        return DicomCode(entry.value, entry.scheme, entry.meaning)

    term = term_of(item.class_name)
    kind = item.origin.algorithm_type if item.origin else MANUAL
    identification = None
    if kind != MANUAL:
        models = ", ".join(item.origin.models)
        identification = highdicom.AlgorithmIdentificationSequence(
            long_string(models) or "Interpolation between slices",
            DicomCode("123110", "DCM", "Artificial Intelligence")
            if models
            else DicomCode("123104", "DCM", "Morphological Operations"),
            VERSION,
        )
    description = highdicom.seg.SegmentDescription(
        number,
        long_string(item.name) or f"label {number}",
        code(term.category),
        code(term.type),
        kind,
        identification,
        derived_uid("object", item.key),
        item.title,
        display_color=highdicom.color.CIELabColor.from_rgb(*item.rgb),
    )
    # the whole name of the class, of whatever length and with whatever characters
    description.SegmentDescription = item.class_name
    if term.modifier is not None:
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            highdicom.sr.CodedConcept.from_code(code(term.modifier))
        ]
    return description


def _refer(head: Dataset, source: DicomSource) -> None:
    """References to every image of the series."""
    from pydicom import Dataset

    images = []
    for entry in source.instances:
        image = Dataset()
        image.ReferencedSOPClassUID = entry.sop_class_uid
        image.ReferencedSOPInstanceUID = entry.sop_instance_uid
        images.append(image)
    series = Dataset()
    series.SeriesInstanceUID = source.series_instance_uid
    series.ReferencedInstanceSequence = images
    head.ReferencedSeriesSequence = [series]
    if "SourceImageSequence" in head:
        del head.SourceImageSequence


def _private_scheme() -> Dataset:
    from pydicom import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "Classes of MedLabel projects"
    scheme.CodingSchemeResponsibleOrganization = "MedLabel"
    return scheme
