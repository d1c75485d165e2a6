"""What the user chooses of an export beside its format."""

from __future__ import annotations

from dataclasses import dataclass

SEG_TYPES = ("binary", "labelmap")


@dataclass(frozen=True)
class ExportOptions:
    """``seg_type`` is one of :data:`SEG_TYPES`, for DICOM segmentations.

    ``identity`` lets formats that have a place for it say who the patient is, and the source's UIDs; DICOM
    labels say so anyway, unless ``deidentify`` gives them a de-identified copy of the source series.
    """

    seg_type: str = "binary"
    identity: bool = False
    deidentify: bool = False
