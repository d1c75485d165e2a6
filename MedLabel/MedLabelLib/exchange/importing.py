"""Taking scans into a project."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model.annotation import Annotation
from ..model.errors import AmbiguousError, FileFormatError, GeometryError, MedLabelError
from ..storage.names import check_name, free_name
from ..storage.project import Dataset, Project
from ..storage.volume import Volume
from ..storage.volume_writer import VolumeWriter, write_pending
from ..storage.volumes_journal import record_import, settle
from ..volumes.found import BadFile, FoundScan, NotAnImage
from ..volumes.image import VolumeImage
from ..volumes.scan_folder import find_scans
from .deidentifying import Pseudonyms, deidentified_source
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
    options: ImportOptions | None = None,
) -> ImportReport:
    """Take every scan in these files and folders into a project, journalled as ``author``'s.

    Sources are NRRD, NIfTI, MetaImage and DICOM files, folders and zips of them, or folders of Supervisely
    projects, which come with their datasets, classes and labels. A scan that cannot be read never stops
    the others. Files of labels among them (DICOM SEG, RTSTRUCT, seg.nrrd, MITK's) go onto the volumes that
    they refer to, unless ``with_labels`` is False: then they stay in the report. With ``onto`` all labels
    go there, and images that are no DICOM are label images. ``name`` is for a single scan. Scans' voxels
    are written into the project while the next is read; when this returns they are there. ``progress`` is
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
    report.warnings += write_pending(project, progress)
    writer = VolumeWriter()
    taking = _Taking(project, dataset, name, progress, report, options or ImportOptions(), writer, onto)
    try:
        _take_all(taking, [Path(source).absolute() for source in sources], author, face)
    finally:
        _journal(report, author, face)
        writer.close()
        report.warnings += writer.failed
    if with_labels:
        import_labels(project, report, author, face, onto)
    return report


@dataclass(frozen=True)
class ImportOptions:
    """How scans are taken in.

    ``link``: their voxels stay where they are, and the project holds no copy. ``deidentify``: DICOM is
    cleaned first, and the project links to clean copies that it holds. ``suv``: the kind of SUV that PET
    is read in, of :data:`~..volumes.suv.SUV_UNITS`.
    """

    link: bool = False
    deidentify: bool = False
    suv: str = "bw"


@dataclass(frozen=True)
class _Taking:
    """One import that is under way."""

    project: Project
    dataset: str
    name: str | None
    progress: Progress | None
    report: ImportReport
    options: ImportOptions
    writer: VolumeWriter
    onto: Volume | None


def _take_all(taking: _Taking, paths: list[Path], author: str, face: str) -> None:
    report, progress, name = taking.report, taking.progress, taking.name
    for path in (path for path in paths if is_project(path)):
        _take_project(taking.project, path, report, progress, author, face)
    scans = _search(taking, [path for path in paths if not is_project(path)])
    if name is not None:
        check_name("volume", name)
        if len(scans) != 1:
            raise AmbiguousError(f"the name {name!r} is for one volume, and there are {len(scans)} scans")
    for number, scan in enumerate(scans):
        if progress is not None:
            progress(f"reading {scan.name}", number, len(scans))
        _take_scan(taking, scan)
    if progress is not None and scans:
        progress("imported", len(scans), len(scans))


def _journal(report: ImportReport, author: str, face: str) -> None:
    """Take what was added into the journal, by the volumes' names: paths may hold patients'."""
    for volume in report.added:
        try:
            record_import(volume, volume.name, author, face)
        except MedLabelError as error:
            report.warnings.append((volume.label, f"the journal could not take it in yet: {error.reason}"))


def _search(taking: _Taking, paths: list[Path]) -> list[FoundScan]:
    report, progress = taking.report, taking.progress
    looked = 0

    def looked_at(path: Path) -> None:
        nonlocal looked
        looked += 1
        if looked % 50 == 0:
            progress(f"looking at {path.parent}", looked, 0)

    scans = []
    on_file = looked_at if progress is not None else None
    searched = [path for path in paths if not is_stack(path)]
    for entry in find_scans(*searched, on_file=on_file, suv=taking.options.suv):
        if isinstance(entry, BadFile):
            report.failed.append((entry.path, entry.reason))
        elif isinstance(entry, NotAnImage):
            report.others.append(entry)
        else:
            scans.append(entry)
    return part_labels(scans, paths, report, all_images=taking.onto is not None)


def _take_scan(taking: _Taking, scan: FoundScan) -> None:
    project, report, options = taking.project, taking.report, taking.options
    pseudonyms = Pseudonyms.of_user() if options.deidentify else None
    there = _existing(project, scan, taking.dataset, taking.name, report.added, pseudonyms)
    if there is not None:
        report.duplicates.append((scan.path, f"the project has it already, as {there.label}"))
        return
    annotation = None
    try:
        image = scan.read()
        name = taking.name or image.suggested_name
        if pseudonyms is not None:
            annotation = Annotation(image.geometry.shape)
            name = _clean_up(project, image, annotation.key, pseudonyms, taking.name)
    except FileFormatError as error:
        report.failed.append((error.path or scan.path, error.reason))
        return
    except (OSError, GeometryError) as error:
        report.failed.append((scan.path, f"it cannot be read: {getattr(error, 'strerror', None) or error}"))
        return
    image.source.is_linked = options.link and bool(image.source.files)
    target = project.dataset(taking.dataset, create=True)
    free = taking.name or free_name(name, [volume.name for volume in target.volumes()])
    volume = target.add_volume(free, image, annotation, taking.writer)
    report.added.append(volume)
    report.warnings.extend((volume.label, warning) for warning in image.warnings)


def _clean_up(
    project: Project, image: VolumeImage, key: str, pseudonyms: Pseudonyms, name: str | None
) -> str:
    """De-identify where a scan came from; the name of its volume."""
    if image.source.kind != "dicom":
        image.warnings.append("it is no DICOM: its voxels were taken, and nothing of its name or header")
        image.source.description.clear()
        image.source.files.clear()
        return name or f"scan-{key[:8]}"
    image.source = deidentified_source(image.source, project.private / "dicom" / key, pseudonyms)
    digits = hashlib.sha256(image.source.series_instance_uid.encode()).hexdigest()[:8]
    return name or f"{image.modality or 'DICOM'}-{digits}"


def _existing(
    project: Project,
    scan: FoundScan,
    dataset: str,
    name: str | None,
    added: list[Volume],
    pseudonyms: Pseudonyms | None,
) -> Volume | None:
    """The volume that was made of this scan before.

    A DICOM series is known by its images, so that the parts of one series that form several volumes are
    told apart. A file is known by its name, except for files of one name in the same import.
    """
    if series := scan.series_instance_uid:
        images = scan.image_uids
        if pseudonyms is not None:
            series = pseudonyms.uid(series)
            parted = (key.partition("#") for key in images)
            images = frozenset(pseudonyms.uid(uid) + mark + frame for uid, mark, frame in parted)
        if project.find_series(series) is None:
            return None
        for volume in project.volumes():
            source = volume.source()
            if source.series_instance_uid == series and not images.isdisjoint(
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
