"""What the user chooses of an export beside its format."""

from __future__ import annotations

from dataclasses import dataclass

SEG_TYPES = ("binary", "labelmap")


@dataclass(frozen=True)
class ExportOptions:
    """``seg_type`` is one of :data:`SEG_TYPES`, for DICOM segmentations."""

    seg_type: str = "binary"
