"""The frames of multi-frame images, each with its place, from the functional groups (PS3.3 C.7.6.16)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.errors import FileFormatError
from .dicom_header import DicomHeader, first, read_dataset, read_header, slice_step, unit_of, window_of

if TYPE_CHECKING:
    from pydicom import Dataset

# the functional groups that say what kind of image a frame is
_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence",
                "XRay3DFrameTypeSequence", "ParametricMapFrameTypeSequence")  # fmt: skip


def read_images(path: Path) -> list[DicomHeader]:
    """The images in a DICOM file: one, or one for each frame. Raises FileFormatError."""
    header = read_header(path)
    if not header.is_image or (header.frames == 1 and header.position is not None):
        return [header]
    dataset = read_dataset(path, stop_before_pixels=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _frames(header, dataset) or [header]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise FileFormatError(f"its functional groups are damaged ({type(error).__name__})", path) from error


def _frames(header: DicomHeader, dataset: Dataset) -> list[DicomHeader]:
    """One header a frame; none where the file has no functional groups."""
    each = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    if not each:
        return []
    if len(each) != header.frames:
        raise FileFormatError(
            f"it says the places of {len(each)} frames and holds {header.frames}", header.path
        )
    return [_frame(header, number, groups, shared) for number, groups in enumerate(each, 1)]


def _frame(header: DicomHeader, number: int, groups: Dataset, shared: Dataset | None) -> DicomHeader:
    def values(sequence: str, keyword: str) -> tuple:
        """The values of an element in a functional group, the frame's own before the shared one."""
        for place in (groups, shared):
            items = None if place is None else place.get(sequence)
            if items and (value := items[0].get(keyword)) is not None and value != "":
                many = hasattr(value, "__iter__") and not isinstance(value, str)
                return tuple(value) if many else (value,)
        return ()

    def numbers(sequence: str, keyword: str) -> tuple[float, ...]:
        return tuple(float(value) for value in values(sequence, keyword))

    position = numbers("PlanePositionSequence", "ImagePositionPatient")
    orientation = numbers("PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = numbers("PixelMeasuresSequence", "PixelSpacing")
    transform = "PixelValueTransformationSequence"
    kind = values(transform, "RescaleType")
    window = window_of(numbers("FrameVOILUTSequence", "WindowCenter"),
                       numbers("FrameVOILUTSequence", "WindowWidth"))  # fmt: skip
    return replace(
        header,
        frame=number,
        position=position if len(position) == 3 else None,
        orientation=orientation if len(orientation) == 6 else None,
        spacing=(spacing[1], spacing[0]) if len(spacing) == 2 else None,
        slice_step=slice_step(
            numbers("PixelMeasuresSequence", "SpacingBetweenSlices"),
            numbers("PixelMeasuresSequence", "SliceThickness"),
        ),
        slope=first(numbers(transform, "RescaleSlope"), header.slope),
        intercept=first(numbers(transform, "RescaleIntercept"), header.intercept),
        unit=unit_of(header.modality, str(kind[0]), "") if kind else header.unit,
        window=window or header.window,
        traits=dict(_traits(values, numbers)),
    )


def _traits(values, numbers) -> Iterator[tuple[str, object]]:
    for name, sequence, keyword in (
        ("echo", "MREchoSequence", "EffectiveEchoTime"),
        ("b", "MRDiffusionSequence", "DiffusionBValue"),
        ("t", "FrameContentSequence", "TemporalPositionIndex"),
        ("trigger", "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        ("flip", "MRTimingAndRelatedParametersSequence", "FlipAngle"),
        ("acquisition", "FrameContentSequence", "FrameAcquisitionNumber"),
    ):
        if found := numbers(sequence, keyword):
            yield name, found[0]
    for name, sequence, keyword in (
        ("stack", "FrameContentSequence", "StackID"),
        ("time", "FrameContentSequence", "FrameAcquisitionDateTime"),
        ("complex", "MRImageFrameTypeSequence", "ComplexImageComponent"),
    ):
        if found := values(sequence, keyword):
            yield name, str(found[0])
    for sequence in _FRAME_TYPES:
        if found := values(sequence, "FrameType"):
            yield "type", "\\".join(map(str, found))
    if nested := values("MRDiffusionSequence", "DiffusionGradientDirectionSequence"):
        yield "direction", tuple(float(value) for value in nested[0].DiffusionGradientOrientation)
    # one of the dimensions counts the slices; which images share a place shows that it is not to part them
    for at, value in enumerate(values("FrameContentSequence", "DimensionIndexValues"), 1):
        yield f"dimension{at}", int(value)
