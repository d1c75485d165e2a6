"""Single-frame DICOM series: which files belong together, and the scan they make."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from ..model.errors import FileFormatError, MedLabelError
from .dicom_header import DicomHeader
from .dicom_pixels import stack_slices
from .dicom_slices import SliceOrder, order_slices
from .found import BadFile, Found, FoundScan
from .image import SourceRecord, SourceSlice, VolumeImage
from .voxels import canonical_image, check_finite

# unit vectors and mm of one series may differ by as much, from rounding
_SAME_DIRECTION = 1e-3
_SAME_SPACING = 1e-4


def find_series(headers: Iterable[DicomHeader]) -> list[Found]:
    """The scans that these images make: each series, parted where orientation, size or spacing differ.

    Images that can be part of none are BadFile entries.
    """
    found: list[Found] = []
    for series in _series(headers, found).values():
        for number, group in enumerate(_parts(series), 1):
            first = group[0]
            try:
                _order(group)
            except MedLabelError as error:
                found.append(BadFile(first.path, f"{error.reason} (series of {len(group)} images)"))
                continue
            name = series_name(first) + (f"-{number}" if number > 1 else "")
            found.append(
                FoundScan(
                    first.path.parent,
                    "dicom",
                    name,
                    tuple(header.path for header in group),
                    first.modality,
                    first.series_uid,
                    frozenset(header.sop_instance_uid for header in group),
                    functools.partial(_read, group, name, []),
                )
            )
    return found


def series_name(header: DicomHeader) -> str:
    """A name that tells series apart and names no patient: modality, series number, 8 digits of a hash."""
    digest = hashlib.sha256(header.series_uid.encode()).hexdigest()[:8]
    number = [] if header.series_number is None else [str(header.series_number)]
    return "-".join([header.modality or "DICOM", *number, digest])


def _series(headers: Iterable[DicomHeader], found: list[Found]) -> dict[str, list[DicomHeader]]:
    """Series by UID, each in the order of instance number and path; what is unfit goes to ``found``."""
    series = defaultdict(list)
    unplaced = defaultdict(list)
    for header in headers:
        if header.frames > 1:
            reason = "it is a multi-frame image; series of single frames are read"
            found.append(BadFile(header.path, reason))
        elif header.samples != 1:
            found.append(BadFile(header.path, "its pixels are colours; a scan has one number per voxel"))
        elif header.position is None or header.orientation is None or header.spacing is None:
            unplaced[header.series_uid].append(header)
        else:
            series[header.series_uid].append(header)
    for headers_ in unplaced.values():
        found.append(_unplaced(headers_))
    for group in series.values():
        group.sort(key=lambda entry: (entry.instance_number is None, entry.instance_number or 0, entry.path))
    return series


def _unplaced(headers: list[DicomHeader]) -> BadFile:
    first = headers[0]
    missing = [
        name
        for name, value in (
            ("ImagePositionPatient", first.position),
            ("ImageOrientationPatient", first.orientation),
            ("PixelSpacing", first.spacing),
        )
        if value is None
    ]
    more = f", nor do {len(headers) - 1} more of its series" if len(headers) > 1 else ""
    return BadFile(first.path, f"it does not say {' and '.join(missing)}{more}")


def _parts(series: list[DicomHeader]) -> list[list[DicomHeader]]:
    parts: list[list[DicomHeader]] = []
    for header in series:
        for part in parts:
            if _fits(header, part[0]):
                part.append(header)
                break
        else:
            parts.append([header])
    # the largest part bears the series' name
    return sorted(parts, key=len, reverse=True)


def _fits(header: DicomHeader, other: DicomHeader) -> bool:
    return (
        (header.columns, header.rows) == (other.columns, other.rows)
        and np.allclose(header.orientation, other.orientation, rtol=0, atol=_SAME_DIRECTION)
        and np.allclose(header.spacing, other.spacing, rtol=0, atol=_SAME_SPACING)
    )


def _order(group: list[DicomHeader]) -> SliceOrder:
    first = group[0]
    return order_slices(
        np.array([header.position for header in group]),
        first.orientation,
        first.spacing,
        (first.columns, first.rows),
        first.slice_step,
    )


def _read(group: list[DicomHeader], name: str, told: list[str]) -> VolumeImage:
    first = group[0]
    slices = _order(group)
    ordered = [group[at] for at in slices.order]
    array, failed = stack_slices(ordered)
    if array is None:
        # a slice that cannot be read is as one that is missing: the others keep their places
        rest = [header for header in group if header.path not in failed]
        if not rest:
            raise FileFormatError(next(iter(failed.values())), first.path)
        told = [*told, *(f"{path.name} was left out: {reason}" for path, reason in failed.items())]
        return _read(rest, name, told)
    check_finite(array)
    source = SourceRecord(
        "dicom",
        slices.geometry,
        slices.geometry.canonical()[1],
        [header.path for header in ordered],
        first.series_uid,
        first.study_uid,
        first.frame_of_reference_uid,
        [
            SourceSlice(
                header.sop_instance_uid,
                header.path,
                header.position,
                header.instance_number,
                header.sop_class_uid,
            )
            for header in ordered
        ],
        {
            "modality": first.modality,
            "series_number": first.series_number,
            "sop_class_uid": first.sop_class_uid,
            "photometric": first.photometric,
        },
    )
    return canonical_image(
        array,
        source,
        modality=first.modality,
        window=first.window,
        unit=first.unit,
        photometric=first.photometric,
        warnings=[*told, *slices.warnings],
        suggested_name=name,
    )
