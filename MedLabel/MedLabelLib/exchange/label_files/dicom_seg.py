"""Reading DICOM segmentations: binary, fractional and labelmap, whatever frames they have."""

from __future__ import annotations

import functools
import re
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.errors import FileFormatError, GeometryError
from ...volumes.dicom_header import read_dataset
from .frame_stack import FrameStack
from .functional_groups import FunctionalGroups
from .label_file import FoundLabel, LabelFile, References
from .seg_pixels import SegPixels

if TYPE_CHECKING:
    from pydicom import Dataset

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"


def read_seg(path: str | Path) -> LabelFile:
    """The segments of a DICOM segmentation, in the order of their numbers.

    Raises FileFormatError when it is none or damaged; OSError when it cannot be opened.
    """
    path = Path(path)
    dataset = read_dataset(path)
    if dataset.get("SOPClassUID") not in (SEGMENTATION, LABELMAP):
        raise FileFormatError("it is no DICOM segmentation", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _label_file(dataset, path)
    except GeometryError as error:
        raise FileFormatError(error.reason, path) from error
    except (KeyError, AttributeError, TypeError, ValueError, IndexError, NotImplementedError) as error:
        # what pydicom's datasets raise where an attribute is missing or is not what it should be
        raise FileFormatError(f"its frames are damaged ({type(error).__name__}: {error})", path) from error


def _label_file(dataset: Dataset, path: Path) -> LabelFile:
    kind = str(dataset.SegmentationType)
    pixels = SegPixels(dataset, path)
    groups = FunctionalGroups(dataset)
    if len(groups) != pixels.count:
        raise FileFormatError(f"it has {pixels.count} frames and says the place of {len(groups)}", path)
    planes = groups.planes()
    frames_of = defaultdict(list)
    for frame, number in enumerate(groups.segments() if kind != "LABELMAP" else ()):
        frames_of[number].append(frame)
    notes = []
    if kind == "FRACTIONAL":
        notes.append("its segments are fractions; voxels of at least half belong to the object")
    labels = []
    for item in dataset.SegmentSequence:
        number = int(item.SegmentNumber)
        if kind == "LABELMAP" and number == int(dataset.get("PixelPaddingValue") or 0):
            continue
        if kind == "LABELMAP":
            give = functools.partial(pixels.labelled, number)
            own = planes
        else:
            give = functools.partial(pixels.set_in, frames_of[number])
            own = [planes[frame] for frame in frames_of[number]]
        stack = FrameStack(own, (pixels.columns, pixels.rows), give)
        labels.append(_label(item, number, stack.carry))
    return LabelFile(path, "DICOM SEG", tuple(labels), _references(dataset), tuple(notes))


def _label(item: Dataset, number: int, carry) -> FoundLabel:
    name = str(item.get("SegmentLabel") or f"segment {number}")
    described, tracking = str(item.get("SegmentDescription") or ""), str(item.get("TrackingID") or "")
    # as MedLabel writes it: the name may be cut and numbered, the description is that of the class
    is_class = described and re.fullmatch(re.escape(described) + r"#\d+", tracking)
    return FoundLabel(name, described if is_class else name, _color(item), number, carry=carry)


def _color(item: Dataset) -> str | None:
    value = item.get("RecommendedDisplayCIELabValue")
    if value is None or len(value) != 3:
        return None
    from highdicom.color import CIELabColor

    return "#{:02X}{:02X}{:02X}".format(*CIELabColor.from_dicom_value(tuple(map(int, value))).to_rgb())


def _references(dataset: Dataset) -> References:
    series, images = set(), set()
    for entry in dataset.get("ReferencedSeriesSequence") or ():
        series.add(str(entry.get("SeriesInstanceUID", "")))
        for image in entry.get("ReferencedInstanceSequence") or ():
            images.add(str(image.ReferencedSOPInstanceUID))
    if not images:
        for frame in dataset.get("PerFrameFunctionalGroupsSequence") or ():
            for derivation in frame.get("DerivationImageSequence") or ():
                for image in derivation.get("SourceImageSequence") or ():
                    images.add(str(image.ReferencedSOPInstanceUID))
    return References(
        frozenset(series - {""}), frozenset(images), str(dataset.get("FrameOfReferenceUID") or "")
    )
