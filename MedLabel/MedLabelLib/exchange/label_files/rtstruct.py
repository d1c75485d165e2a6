"""DICOM RTSTRUCT as a file of labels."""

from __future__ import annotations

import functools
from pathlib import Path

from ..rtstruct import mask_from_roi, read_structures
from .label_file import FoundLabel, LabelFile


def read_rtstruct(path: str | Path) -> LabelFile:
    """The regions of an RTSTRUCT file, in its order. Raises FileFormatError, or OSError."""
    structures = read_structures(path)
    labels = tuple(
        FoundLabel(
            roi.name,
            roi.class_name or roi.name,
            roi.color,
            roi.number,
            carry=functools.partial(mask_from_roi, roi),
        )
        for roi in structures.rois
    )
    return LabelFile(Path(path), "RTSTRUCT", labels, structures.references)
