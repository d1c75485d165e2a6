"""Taking scans into a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..model.errors import AmbiguousError, FileFormatError, GeometryError, MedLabelError
from ..storage.names import check_name, free_name
from ..storage.project import Dataset, Project
from ..storage.volume import Volume
from ..storage.volumes_journal import record_import, settle
from ..volumes.found import BadFile, FoundScan, NotAnImage
from ..volumes.scan_folder import find_scans
from .import_report import ImportReport
from .label_files.reading import is_stack
from .label_import import import_labels, part_labels
from .supervisely_project import is_project, take_project

Progress = Callable[[str, int, int], None]


def import_sources(
    project: Project,
    sources: Sequence[str | Path],
    dataset: str = "ds0",
    name: str | None = None,
    progress: Progress | None = None,
    author: str = "",
    face: str = "command",
    onto: Volume | None = None,
    with_labels: bool = True,
) -> ImportReport:
    """Take every scan in these files and folders into a project, journalled as ``author``'s.

    Sources are NRRD, NIfTI, MetaImage and DICOM files, folders of them, or folders of Supervisely
    projects, which come with their datasets, classes and labels. A scan that cannot be read never stops
    the others. Files of labels among them (DICOM SEG, RTSTRUCT, seg.nrrd, MITK's) go onto the volumes that
    they refer to, unless ``with_labels`` is False: then they stay in the report. With ``onto`` all labels
    go there, and images that are no DICOM are label images. ``name`` is for a single scan. ``progress`` is
    called with a text, what is done and of how many.

    Raises
    ------
    AmbiguousError
        for a ``name`` when there is not just one scan.
    ProjectError
        when the project cannot be written; what was added before stays.
    """
    report = ImportReport()
    settle(project, face)
    try:
        _take_all(
            project, [Path(source) for source in sources], dataset, name, progress, author, face, onto, report
        )
    finally:
        _journal(report, author, face)
    if with_labels:
        import_labels(project, report, author, face, onto)
    return report


def _take_all(
    project: Project,
    paths: list[Path],
    dataset: str,
    name: str | None,
    progress: Progress | None,
    author: str,
    face: str,
    onto: Volume | None,
    report: ImportReport,
) -> None:
    for path in (path for path in paths if is_project(path)):
        _take_project(project, path, report, progress, author, face)
    scans = _search([path for path in paths if not is_project(path)], report, progress, onto)
    if name is not None:
        check_name("volume", name)
        if len(scans) != 1:
            raise AmbiguousError(f"the name {name!r} is for one volume, and there are {len(scans)} scans")
    for number, scan in enumerate(scans):
        if progress is not None:
            progress(f"reading {scan.name}", number, len(scans))
        _take_scan(project, scan, dataset, name, report)
    if progress is not None and scans:
        progress("imported", len(scans), len(scans))


def _journal(report: ImportReport, author: str, face: str) -> None:
    """Take what was added into the journal, by the volumes' names: paths may hold patients'."""
    for volume in report.added:
        try:
            record_import(volume, volume.name, author, face)
        except MedLabelError as error:
            report.warnings.append((volume.label, f"the journal could not take it in yet: {error.reason}"))


def _search(
    paths: list[Path], report: ImportReport, progress: Progress | None, onto: Volume | None
) -> list[FoundScan]:
    looked = 0

    def looked_at(path: Path) -> None:
        nonlocal looked
        looked += 1
        if looked % 50 == 0:
            progress(f"looking at {path.parent}", looked, 0)

    scans = []
    searched = [path for path in paths if not is_stack(path)]
    for entry in find_scans(*searched, on_file=looked_at if progress is not None else None):
        if isinstance(entry, BadFile):
            report.failed.append((entry.path, entry.reason))
        elif isinstance(entry, NotAnImage):
            report.others.append(entry)
        else:
            scans.append(entry)
    return part_labels(scans, paths, report, all_images=onto is not None)


def _take_scan(
    project: Project, scan: FoundScan, dataset: str, name: str | None, report: ImportReport
) -> None:
    there = _existing(project, scan, dataset, name, report.added)
    if there is not None:
        report.duplicates.append((scan.path, f"the project has it already, as {there.label}"))
        return
    try:
        image = scan.read()
    except FileFormatError as error:
        report.failed.append((error.path or scan.path, error.reason))
        return
    except (OSError, GeometryError) as error:
        report.failed.append((scan.path, f"it cannot be read: {getattr(error, 'strerror', None) or error}"))
        return
    target = project.dataset(dataset, create=True)
    free = name or free_name(image.suggested_name, [volume.name for volume in target.volumes()])
    volume = target.add_volume(free, image)
    report.added.append(volume)
    report.warnings.extend((volume.label, warning) for warning in image.warnings)


def _existing(
    project: Project, scan: FoundScan, dataset: str, name: str | None, added: list[Volume]
) -> Volume | None:
    """The volume that was made of this scan before.

    A DICOM series is known by its images, so that the parts of one series that form several volumes are
    told apart. A file is known by its name, except for files of one name in the same import.
    """
    if scan.series_instance_uid:
        if project.find_series(scan.series_instance_uid) is None:
            return None
        for volume in project.volumes():
            source = volume.source()
            if source.series_instance_uid == scan.series_instance_uid and not scan.image_uids.isdisjoint(
                entry.key for entry in source.slices
            ):
                return volume
        return None
    volumes = _volumes_of(project, dataset)
    fresh = {volume.label for volume in added}
    wanted = (name or scan.name).lower()
    return next((v for v in volumes if v.name.lower() == wanted and v.label not in fresh), None)


def _volumes_of(project: Project, dataset: str) -> list[Volume]:
    found: list[Dataset] = [entry for entry in project.datasets() if entry.name == dataset]
    return found[0].volumes() if found else []


def _take_project(
    project: Project, path: Path, report: ImportReport, progress: Progress | None, author: str, face: str
) -> None:
    try:
        for outcome in take_project(project, path, report.warnings, author, face):
            if progress is not None:
                progress(f"reading {path.name}/{outcome.label}", len(report.added), 0)
            if outcome.added is not None:
                report.added.append(outcome.added)
            elif outcome.is_duplicate:
                report.duplicates.append((outcome.path, outcome.reason))
            else:
                report.failed.append((outcome.path, outcome.reason))
    except FileFormatError as error:
        report.failed.append((error.path or path, error.reason))
