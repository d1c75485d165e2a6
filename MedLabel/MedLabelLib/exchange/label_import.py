"""Taking files of labels that an import found onto the volumes that they are of."""

from __future__ import annotations

from pathlib import Path

from ..model.errors import MedLabelError
from ..storage.project import Project
from ..storage.volume import Volume
from ..volumes.found import FoundScan
from .import_report import ImportReport
from .label_files.attaching import attach, find_volume
from .label_files.label_file import LabelFile
from .label_files.reading import (
    DICOM_LABELS,
    is_label_file,
    is_stack,
    read_labels_of,
    stacks_beside,
)


def part_labels(
    scans: list[FoundScan], paths: list[Path], report: ImportReport, all_images: bool = False
) -> list[FoundScan]:
    """The scans among what a search found; files that are of labels go to ``report.label_files``.

    ``paths`` are what was named: MITK's label stacks, which no search for scans finds, may be among them.
    With ``all_images`` every image that is no DICOM is a label image.
    """
    images = [scan.path for scan in scans if scan.kind != "dicom"]
    stacks = {path: set() for path in paths if is_stack(path)}
    stacks |= stacks_beside([*images, *stacks])
    of_stacks = set().union(*stacks.values()) if stacks else set()
    report.label_files += stacks
    rest = []
    for scan in scans:
        if scan.kind == "dicom":
            rest.append(scan)
        elif scan.path.resolve() not in of_stacks:
            try:
                is_label = all_images or is_label_file(scan.path)
            except OSError:
                is_label = False
            if is_label:
                report.label_files.append(scan.path)
            else:
                rest.append(scan)
    return rest


def import_labels(
    project: Project, report: ImportReport, author: str, face: str, onto: Volume | None = None
) -> None:
    """Make objects of the labels in every file that ``report`` found and that holds some.

    They go onto the volume that the file refers to, or all onto the volume ``onto``. What became of each
    file goes to the report; a bad file never stops the others. DICOM files that hold no labels stay among
    ``report.others``.
    """
    waiting = [other for other in report.others if other.modality in DICOM_LABELS]
    report.others = [other for other in report.others if other.modality not in DICOM_LABELS]
    paths = [other.path for other in waiting] + report.label_files
    report.label_files = []
    for path in paths:
        try:
            file = read_labels_of(path)
            _attach(project, file, onto or find_volume(project, file), report, author, face)
        except MedLabelError as error:
            report.failed.append((error.path or path, error.reason))
        except OSError as error:
            report.failed.append((path, f"it cannot be read: {error.strerror or error}"))


def _attach(
    project: Project, file: LabelFile, volume: Volume, report: ImportReport, author: str, face: str
) -> None:
    outcome = attach(project, volume, file, author, face)
    report.labels += [(file.path, added) for added in outcome.added]
    where = f"{volume.label}, {file.path.name}"
    report.warnings += [(where, sentence) for sentence in (*outcome.notes, *outcome.skipped)]
    if not file.labels:
        report.warnings.append((where, "there is no label in it"))
