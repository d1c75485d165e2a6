"""Making the demo project: what is missing is fetched and added, what is there is never touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from filelock import FileLock

from MedLabelApp.demo.fetch import FetchedSource, bytes_to_fetch, fetch_source
from MedLabelApp.demo.recipes import DEMO_VOLUMES, DemoVolume
from MedLabelApp.demo.sources import DemoSource
from MedLabelLib.model.annotation import Annotation, LabelObject, Tag
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.model.errors import MedLabelError, ProjectError
from MedLabelLib.storage.author import author
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import add_classes, change_definitions
from MedLabelLib.storage.volumes_journal import record_import

DATASET = "ds0"
REFERENCE = "reference"
FACE = "command"


@dataclass(frozen=True)
class DemoEvent:
    """One step of the making.

    ``kind`` is ``waiting`` (a source has something to give), ``size`` (``total`` bytes are to be fetched),
    ``fetching`` (``done`` of ``total`` bytes), ``making`` (a volume, ``text``), ``made`` (it is there),
    ``problem`` (``text`` says it), ``ended`` (a source is through). ``source`` is the source's name and
    ``title`` what people know it by.
    """

    kind: str
    source: str = ""
    title: str = ""
    text: str = ""
    done: int = 0
    total: int = 0


@dataclass
class DemoReport:
    """The project, the labels of the volumes that were made now and that were there, and what went wrong."""

    project: Project
    made: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


OnEvent = Callable[[DemoEvent], None]


def demo_folder() -> Path:
    """Where the demo project goes: ``$MEDLABEL_DEMO_DIR``, else the user's data folder."""
    chosen = os.environ.get("MEDLABEL_DEMO_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("medlabel", appauthor=False)) / "demo"


def open_demo(path: Path) -> Project:
    """The demo project's folder, made where it is not there. Raises MedLabelError as Project does."""
    if (path / "meta.json").exists():
        return Project.open(path)
    return Project.create(path, _with_reference(Definitions()))


def make_demo(
    path: Path,
    on_event: OnEvent = lambda event: None,
    cache: Path | None = None,
    volumes: Sequence[DemoVolume] = DEMO_VOLUMES,
) -> DemoReport:
    """Make the demo project in ``path``, or what of it is missing.

    A volume appears with its labels, whole. One that cannot be had is a problem of the report and stops
    no other; the next call tries it again. Two at once wait for each other. Raises MedLabelError where
    there can be no project at ``path``.
    """
    project = open_demo(path)
    report = DemoReport(project)
    missing = _missing(project, volumes, report)
    if not missing:
        return report
    try:
        with FileLock(project.private / "demo.lock"):
            report.there.clear()
            missing = _missing(project, volumes, report)
            _make(project, missing, on_event, cache, report)
    except OSError as error:
        raise ProjectError(f"it cannot be written: {error.strerror or error}", project.path) from error
    return report


def _missing(project: Project, volumes: Sequence[DemoVolume], report: DemoReport) -> list[DemoVolume]:
    labels = {volume.label for volume in project.volumes()}
    report.there += [f"{DATASET}/{v.name}" for v in volumes if f"{DATASET}/{v.name}" in labels]
    return [volume for volume in volumes if f"{DATASET}/{volume.name}" not in labels]


def _make(
    project: Project, missing: list[DemoVolume], on_event: OnEvent, cache: Path | None, report: DemoReport
) -> None:
    sources = list(dict.fromkeys(volume.source for volume in missing))
    for source in sources:
        on_event(DemoEvent("waiting", source.name, source.title))
    on_event(DemoEvent("size", total=bytes_to_fetch(sources, cache)))
    for source in sources:
        fetched = _fetch(source, on_event, cache, report)
        if fetched is not None:
            for volume in (volume for volume in missing if volume.source is source):
                _add(project, volume, fetched, on_event, report)
        on_event(DemoEvent("ended", source.name, source.title))


def _fetch(
    source: DemoSource, on_event: OnEvent, cache: Path | None, report: DemoReport
) -> FetchedSource | None:
    def told(done: int, total: int) -> None:
        on_event(DemoEvent("fetching", source.name, source.title, done=done, total=total))

    try:
        return fetch_source(source, told, cache)
    except MedLabelError as error:
        _problem(source, f"{source.title}: {error}", on_event, report)
        return None


def _add(
    project: Project, volume: DemoVolume, fetched: FetchedSource, on_event: OnEvent, report: DemoReport
) -> None:
    source = volume.source
    label = f"{DATASET}/{volume.name}"
    on_event(DemoEvent("making", source.name, source.title, label))
    try:
        labeled = volume.make(fetched)
        annotation = Annotation(labeled.image.geometry.shape)
        for class_name, mask in labeled.objects:
            entry = LabelObject(class_name, tags=[Tag(REFERENCE)], mask=mask)
            annotation.objects.append(entry)
        name = author()
        change_definitions(project, _with_reference, f"New tag {REFERENCE}", name, FACE)
        add_classes(project, {class_name: None for class_name, _ in labeled.objects}, name, FACE)
        made = project.dataset(DATASET, create=True).add_volume(volume.name, labeled.image, annotation)
        record_import(made, f"demo scan {volume.name}", name, FACE)
    except (MedLabelError, OSError) as error:
        _problem(source, f"{label} could not be made: {error}", on_event, report)
        return
    report.made.append(label)
    on_event(DemoEvent("made", source.name, source.title, label))


def _with_reference(definitions: Definitions) -> Definitions:
    if definitions.has_tag(REFERENCE):
        return definitions
    return definitions.with_tag(TagDefinition(REFERENCE, applicable_type="objectsOnly"))


def _problem(source: DemoSource, text: str, on_event: OnEvent, report: DemoReport) -> None:
    report.problems.append(text)
    on_event(DemoEvent("problem", source.name, source.title, text))
