"""DICOM series: which images belong together, and the scans they make."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable

from ..model.errors import MedLabelError
from ..storage.names import tame_name
from .dicom_header import DicomHeader
from .dicom_scan import order_images, scan_of
from .dicom_splitting import split_images
from .found import BadFile, Found, FoundScan

# unit vectors and mm of one series may differ by as much, from rounding
_SAME_DIRECTION = 1e-3
_SAME_SPACING = 1e-4


def find_series(images: Iterable[DicomHeader], suv: str = "bw") -> list[Found]:
    """The scans that these images make: each series, parted where orientation, size or spacing differ,
    and where several images lie at each place (echoes, b-values, time points).

    Images that can be part of none are BadFile entries. ``suv`` is the kind of SUV that PET is read in.
    """
    found: list[Found] = []
    for series in _series(images, found).values():
        told = _drop_copies(series)
        names: set[str] = set()
        for group in _parts(series):
            for words, part in split_images(group):
                first = part[0]
                try:
                    order_images(part)
                except MedLabelError as error:
                    found.append(BadFile(first.path, f"{error.reason} (series of {len(part)} images)"))
                    continue
                name = _free("-".join(filter(None, (series_name(first), words))), names)
                found.append(
                    FoundScan(
                        first.path.parent,
                        "dicom",
                        name,
                        tuple(dict.fromkeys(image.path for image in part)),
                        first.modality,
                        first.series_uid,
                        frozenset(image.key for image in part),
                        functools.partial(scan_of, part, name, told, suv),
                    )
                )
    return found


def series_name(image: DicomHeader) -> str:
    """A name that tells series apart and names no patient: modality, series number, 8 digits of a hash."""
    digest = hashlib.sha256(image.series_uid.encode()).hexdigest()[:8]
    number = [] if image.series_number is None else [str(image.series_number)]
    return tame_name("-".join([image.modality or "DICOM", *number, digest]), "DICOM")


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while (free := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    taken.add(free)
    return free


def _series(images: Iterable[DicomHeader], found: list[Found]) -> dict[str, list[DicomHeader]]:
    """Series by UID, each in the order of instance number and path; what is unfit goes to ``found``."""
    series = defaultdict(list)
    unplaced = defaultdict(list)
    for image in images:
        if reason := _unfit(image):
            if image.frame in (None, 1):
                found.append(BadFile(image.path, reason))
        elif image.position is None or image.orientation is None or image.spacing is None:
            unplaced[image.series_uid].append(image)
        else:
            series[image.series_uid].append(image)
    for group in unplaced.values():
        found.append(_unplaced(group))
    for group in series.values():
        group.sort(
            key=lambda image: (
                image.instance_number is None,
                image.instance_number or 0,
                image.path,
                image.frame or 0,
            )
        )
    return series


def _unfit(image: DicomHeader) -> str:
    """Why the image can be part of no scan, or nothing."""
    if image.samples != 1 or image.photometric == "PALETTE COLOR":
        return "its pixels are colours; a scan has one number per voxel"
    if image.bits_allocated == 1:
        return "its pixels are single bits: it is a label, not a scan"
    if image.frames > 1 and image.frame is None:
        return "it is a multi-frame image that does not say where its frames lie"
    return ""


def _unplaced(images: list[DicomHeader]) -> BadFile:
    first = images[0]
    missing = [
        name
        for name, value in (
            ("ImagePositionPatient", first.position),
            ("ImageOrientationPatient", first.orientation),
            ("PixelSpacing", first.spacing),
        )
        if value is None
    ]
    more = f", nor do {len(images) - 1} more of its series" if len(images) > 1 else ""
    return BadFile(first.path, f"it does not say {' and '.join(missing)}{more}")


def _drop_copies(series: list[DicomHeader]) -> list[str]:
    """Take images out that are there before, by their UID; what is to be told of it."""
    seen: set[str] = set()
    kept = []
    for image in series:
        if not image.sop_instance_uid or image.key not in seen:
            seen.add(image.key)
            kept.append(image)
    dropped = len(series) - len(kept)
    series[:] = kept
    return [f"{dropped} of its files hold images that others hold too, and were left out"] if dropped else []


def _parts(series: list[DicomHeader]) -> list[list[DicomHeader]]:
    parts: list[list[DicomHeader]] = []
    for image in series:
        for part in parts:
            if _fits(image, part[0]):
                part.append(image)
                break
        else:
            parts.append([image])
    # the largest part bears the series' name
    return sorted(parts, key=len, reverse=True)


def _fits(image: DicomHeader, other: DicomHeader) -> bool:
    return (
        image.columns == other.columns
        and image.rows == other.rows
        and _near(image.orientation, other.orientation, _SAME_DIRECTION)
        and _near(image.spacing, other.spacing, _SAME_SPACING)
    )


def _near(one: tuple[float, ...], other: tuple[float, ...], tolerance: float) -> bool:
    return one == other or all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))
