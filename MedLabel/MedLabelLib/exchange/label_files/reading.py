"""Reading a file of labels, whatever its format."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ...model.errors import FileFormatError
from ...volumes.dicom_header import read_header
from .dicom_seg import read_seg
from .label_file import LabelFile
from .mitk import MULTILABEL, read_mitk
from .nrrd_header import read_nrrd_header
from .plain_image import read_label_image
from .rtstruct import read_rtstruct
from .seg_nrrd import read_seg_nrrd

# DICOM's words for what can be read here, as a search for scans gives them
DICOM_LABELS = {"SEG": read_seg, "RTSTRUCT": read_rtstruct}
STACK_SUFFIX = ".mitklabel.json"
_IMAGES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".hdr", ".mha", ".mhd")


def is_stack(path: Path) -> bool:
    """Whether a file is by its name a label stack of MITK's."""
    return path.name.lower().endswith(STACK_SUFFIX)


def is_label_file(path: Path) -> bool:
    """Whether a file is by its name or header one of labels: a seg.nrrd, or MITK's. OSError."""
    name = path.name.lower()
    if is_stack(path):
        return True
    if not name.endswith((".nrrd", ".nhdr")):
        return False
    try:
        pairs = read_nrrd_header(path).pairs
    except FileFormatError:
        return False
    return "Segment0_ID" in pairs or pairs.get("modality") == MULTILABEL


def is_plain_image(path: Path) -> bool:
    """Whether a file is by its name an image, and no file of labels that says what they are. OSError."""
    return path.name.lower().endswith(_IMAGES) and not is_label_file(path)


def read_labels_of(path: str | Path) -> LabelFile:
    """The labels of a file: DICOM SEG, RTSTRUCT, seg.nrrd, MITK's label stack, or any label image.

    Raises FileFormatError where it holds none that can be read; OSError.
    """
    path = Path(path)
    name = path.name.lower()
    if is_stack(path):
        return read_mitk(path)
    if is_plain_image(path):
        return read_label_image(path)
    if name.endswith(_IMAGES):
        is_slicer = "Segment0_ID" in read_nrrd_header(path).pairs
        return read_seg_nrrd(path) if is_slicer else read_mitk(path)
    modality = read_header(path).modality
    if modality not in DICOM_LABELS:
        raise FileFormatError(f"a DICOM {modality or 'file'} holds no labels", path)
    return DICOM_LABELS[modality](path)


def stacks_beside(paths: Iterable[Path]) -> dict[Path, set[Path]]:
    """MITK's label stacks in the folders of these files, each with the images that are its own."""
    found: dict[Path, set[Path]] = {}
    for folder in {path.parent for path in paths}:
        for stack in sorted(folder.glob(f"*{STACK_SUFFIX}")):
            try:
                groups = json.loads(stack.read_text(encoding="utf-8"))["groups"]
                entries = [*groups, *(label for group in groups for label in group["labels"])]
                names = [str(entry["_file"]) for entry in entries if "_file" in entry]
            except (OSError, ValueError, KeyError, TypeError):
                # reading it will say what is wrong
                names = []
            found[stack] = {(folder / name).resolve() for name in names}
    return found
