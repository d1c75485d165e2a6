"""Reading a file of labels, whatever its format."""

from __future__ import annotations

from pathlib import Path

from ...model.errors import FileFormatError
from ...volumes.dicom_header import read_header
from .dicom_seg import read_seg
from .label_file import LabelFile
from .rtstruct import read_rtstruct

# DICOM's words for what can be read here, as a search for scans gives them
DICOM_LABELS = {"SEG": read_seg, "RTSTRUCT": read_rtstruct}


def read_labels_of(path: Path) -> LabelFile:
    """The labels of a file. Raises FileFormatError where it holds none that can be read; OSError."""
    modality = read_header(path).modality
    if modality not in DICOM_LABELS:
        raise FileFormatError(f"a DICOM {modality or 'file'} holds no labels", path)
    return DICOM_LABELS[modality](path)
