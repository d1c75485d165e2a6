"""Taking files of labels that an import found onto the volumes that they are of."""

from __future__ import annotations

from ..model.errors import MedLabelError
from ..storage.project import Project
from ..storage.volume import Volume
from .import_report import ImportReport
from .label_files.attaching import attach, find_volume
from .label_files.label_file import LabelFile
from .label_files.reading import DICOM_LABELS, read_labels_of


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
