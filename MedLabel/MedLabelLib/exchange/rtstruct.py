"""Masks from the contours of a DICOM RTSTRUCT."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError, GeometryError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from ..volumes.dicom_header import read_dataset
from .polygon_fill import fill_even_odd

# contours are drawn on slices: how far, in voxels, the points of one may leave a plane of the grid
_FLAT = 0.5


@dataclass
class Roi:
    """A region of interest: closed contours, each of shape ``(n, 3)`` in LPS mm.

    ``series_uids`` are the image series that the file refers to; ``skipped`` counts contours that are
    points or open lines, which enclose nothing.
    """

    name: str
    number: int
    color: str | None
    contours: list[NDArray] = field(default_factory=list)
    series_uids: tuple[str, ...] = ()
    skipped: int = 0


def read_rois(path: str | Path) -> list[Roi]:
    """The regions of an RTSTRUCT file, in its order. Raises FileFormatError, or OSError."""
    path = Path(path)
    dataset = read_dataset(path)
    if dataset.get("Modality") != "RTSTRUCT":
        raise FileFormatError("it is no RTSTRUCT", path)
    try:
        rois: dict[int, Roi] = {}
        for item in dataset.get("StructureSetROISequence") or ():
            number = int(item.ROINumber)
            rois[number] = Roi(str(item.get("ROIName") or f"ROI {number}"), number, None)
        series = tuple(_series_uids(dataset))
        for item in dataset.get("ROIContourSequence") or ():
            roi = rois[int(item.ReferencedROINumber)]
            color = item.get("ROIDisplayColor")
            roi.color = None if not color else "#{:02X}{:02X}{:02X}".format(*(int(c) & 255 for c in color))
            for contour in item.get("ContourSequence") or ():
                points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
                if contour.ContourGeometricType.startswith("CLOSED_PLANAR") and len(points) >= 3:
                    roi.contours.append(points)
                else:
                    roi.skipped += 1
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(f"its contours are damaged ({type(error).__name__}: {error})", path) from error
    for roi in rois.values():
        roi.series_uids = series
    return list(rois.values())


def mask_from_roi(roi: Roi, geometry: VolumeGeometry) -> tuple[Mask, str]:
    """The voxels of ``geometry``, a volume's canonical grid, whose centre lies in the region.

    Several contours in one plane are holes of each other (even-odd). Returns the mask and a sentence
    that says what could not be taken exactly, empty when all could.

    Raises
    ------
    GeometryError
        when the contours do not lie in slices of the grid, or no voxel is inside.
    """
    outlines = [np.round(geometry.lps_to_ijk(points), 6) for points in roi.contours]
    if not outlines:
        raise GeometryError(f"the region {roi.name!r} has no closed contour")
    spread = np.max(
        [np.ptp(points, axis=0) for points in outlines if np.ptp(points) > 0] or [[9, 9, 9]], axis=0
    )
    axis = int(np.argmin(spread))
    if spread[axis] > _FLAT:
        raise GeometryError(f"the contours of {roi.name!r} do not lie in slices of the scan")
    others = [a for a in range(3) if a != axis]
    # a plane finer than the slices has contours of its own, which are no holes of its neighbour's
    planes = defaultdict(list)
    for points in outlines:
        planes[round(float(points[:, axis].mean()), 2)].append(points[:, others])
    array = np.zeros(geometry.shape, dtype=bool, order="F")
    outside, between = 0, 0
    for place, drawn in planes.items():
        index = int(np.floor(place + 0.5))
        if not 0 <= index < geometry.shape[axis]:
            outside += len(drawn)
            continue
        between += abs(place - index) > 0.25
        cut = [slice(None)] * 3
        cut[axis] = index
        array[tuple(cut)] |= fill_even_odd(drawn, tuple(geometry.shape[a] for a in others))
    mask = Mask.from_array(array)
    if mask.count == 0:
        raise GeometryError(f"no voxel of the scan lies in the region {roi.name!r}")
    notes = (
        (roi.skipped, "contours of it enclose nothing and were left out"),
        (outside, "contours of it lie outside the scan"),
        (between, "planes of it lie between slices and went to the nearest"),
    )
    return mask, "; ".join(f"{count} {what}" for count, what in notes if count)


def _series_uids(dataset) -> list[str]:
    return [
        str(series.SeriesInstanceUID)
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
    ]
