"""Masks from the contours of a DICOM RTSTRUCT."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError, GeometryError
from ..model.geometry import LPS_FROM_RAS, VolumeGeometry
from ..model.mask import Mask
from ..volumes.dicom_header import read_dataset
from .label_files.label_file import References
from .polygon_fill import fill_even_odd
from .resampling import resample

# contours are drawn on slices: how far, in voxels, the points of one may leave a plane of the grid
_FLAT = 0.5
_MOST_VOXELS = 1 << 31


@dataclass
class Roi:
    """A region of interest: closed contours, each of shape ``(n, 3)`` in LPS mm.

    ``series_uids`` are the image series that the file refers to; ``skipped`` counts contours that are
    points or open lines, which enclose nothing. ``class_name`` is the class that MedLabel wrote it of.
    """

    name: str
    number: int
    color: str | None
    contours: list[NDArray] = field(default_factory=list)
    series_uids: tuple[str, ...] = ()
    skipped: int = 0
    class_name: str = ""


@dataclass(frozen=True)
class Structures:
    """The regions of an RTSTRUCT file, in its order, and the images that it refers to."""

    rois: tuple[Roi, ...]
    references: References


def read_rois(path: str | Path) -> list[Roi]:
    """The regions of an RTSTRUCT file, in its order. Raises FileFormatError, or OSError."""
    return list(read_structures(path).rois)


def read_structures(path: str | Path) -> Structures:
    """An RTSTRUCT file. Raises FileFormatError, or OSError."""
    path = Path(path)
    dataset = read_dataset(path)
    if dataset.get("Modality") != "RTSTRUCT":
        raise FileFormatError("it is no RTSTRUCT", path)
    try:
        rois: dict[int, Roi] = {}
        is_ours = dataset.get("Manufacturer") == "MedLabel"
        for item in dataset.get("StructureSetROISequence") or ():
            number = int(item.ROINumber)
            rois[number] = Roi(str(item.get("ROIName") or f"ROI {number}"), number, None)
            if is_ours:
                # the name may be cut and numbered, the description is the whole name of the class
                rois[number].class_name = str(item.get("ROIDescription") or "")
        references = _references(dataset)
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
        roi.series_uids = tuple(sorted(references.series))
    return Structures(tuple(rois.values()), references)


def mask_from_roi(roi: Roi, geometry: VolumeGeometry) -> tuple[Mask, str]:
    """The voxels of ``geometry``, a volume's canonical grid, whose centre lies in the region.

    Several contours in one plane are holes of each other (even-odd). Contours that do not lie in slices
    of the grid are filled in their own planes, and carried over by the nearest voxel. Returns the mask
    and a sentence that says what could not be taken exactly, empty when all could.

    Raises
    ------
    GeometryError
        when the contours lie in no parallel planes, or no voxel is inside.
    """
    if not roi.contours and not roi.skipped:
        return Mask(geometry.shape), ""
    outlines = [np.round(geometry.lps_to_ijk(points), 6) for points in roi.contours]
    if not outlines:
        raise GeometryError(f"the region {roi.name!r} has no closed contour")
    spread = np.max(
        [np.ptp(points, axis=0) for points in outlines if np.ptp(points) > 0] or [[9, 9, 9]], axis=0
    )
    axis = int(np.argmin(spread))
    if spread[axis] > _FLAT:
        return mask_from_planes(roi, geometry)
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


def mask_from_planes(roi: Roi, geometry: VolumeGeometry) -> tuple[Mask, str]:
    """As :func:`mask_from_roi`, for contours in parallel planes that are no slices of the grid."""
    grid, planes = _grid_of_planes(roi, geometry)
    array = np.zeros(grid.shape, dtype=np.uint8, order="F")
    for level, drawn in planes.items():
        array[:, :, level] = fill_even_odd(drawn, grid.shape[:2])
    mask = Mask.from_array(resample(array, grid, geometry, order=0))
    if mask.count == 0:
        raise GeometryError(f"no voxel of the scan lies in the region {roi.name!r}")
    return mask, "its contours do not lie in slices of the scan; they were carried over by the nearest voxel"


def _grid_of_planes(roi: Roi, geometry: VolumeGeometry) -> tuple[VolumeGeometry, dict[int, list[NDArray]]]:
    """A grid whose slices are the planes of the contours, and the outlines on each in its voxels."""
    points = max(roi.contours, key=len)
    # the plane that fits best: the last direction is its normal
    directions = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    if np.linalg.det(directions) < 0:
        directions[0] *= -1
    turned = [contour @ directions.T for contour in roi.contours]
    step = min(geometry.spacing)
    if max(float(np.ptp(contour[:, 2])) for contour in turned) > _FLAT * step:
        raise GeometryError(f"the contours of {roi.name!r} do not lie in slices of the scan")
    heights = np.array([contour[:, 2].mean() for contour in turned])
    gaps = np.diff(np.unique(np.round(heights, 2)))
    apart = float(gaps.min()) if gaps.size else step
    levels = np.rint((heights - heights.min()) / apart).astype(int)
    whole = np.concatenate(turned)[:, :2]
    low = whole.min(axis=0)
    counts = np.ceil((whole.max(axis=0) - low) / step).astype(int) + 1
    if np.prod(counts, dtype=float) * (levels.max() + 1) > _MOST_VOXELS:
        raise GeometryError(f"the contours of {roi.name!r} are too far apart")
    matrix = np.eye(4)
    matrix[:3, :3] = directions.T * (step, step, apart)
    matrix[:3, 3] = np.array([*low, heights.min()]) @ directions
    planes = defaultdict(list)
    for contour, level in zip(turned, levels.tolist(), strict=True):
        planes[level].append((contour[:, :2] - low) / step)
    return VolumeGeometry((*counts.tolist(), int(levels.max()) + 1), LPS_FROM_RAS @ matrix), planes


def _references(dataset) -> References:
    series, images, frames = set(), set(), set()
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ():
        frames.add(str(frame.get("FrameOfReferenceUID") or ""))
        for study in frame.get("RTReferencedStudySequence") or ():
            for entry in study.get("RTReferencedSeriesSequence") or ():
                series.add(str(entry.SeriesInstanceUID))
                for image in entry.get("ContourImageSequence") or ():
                    images.add(str(image.ReferencedSOPInstanceUID))
    frames.add(str(dataset.get("FrameOfReferenceUID") or ""))
    named = sorted(frames - {""})
    return References(frozenset(series), frozenset(images), named[0] if len(named) == 1 else "")
