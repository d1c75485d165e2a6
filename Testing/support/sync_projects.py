"""Projects of several people who share a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import LabelObject, PlaneFigure, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.figures import Bitmap, Polygon
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import change_definitions
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelSyncLib.comparing import status
from MedLabelSyncLib.content import content_of
from MedLabelSyncLib.local import LocalState
from MedLabelSyncLib.pulling import Pulled, leave_open, pull
from MedLabelSyncLib.pushing import Pushed, push
from MedLabelSyncLib.stores.store import Progress, Store
from support.small_project import small_volume

BOX = Box((2, 3, 1), (9, 8, 5))


class Person:
    """Someone with a project of their own, who works on the same scan as others."""

    def __init__(self, folder: Path, name: str, store: Store, volume: Volume | None = None) -> None:
        self.name, self.store = name, store
        self.volume = volume or small_volume(folder / name)
        self.project: Project = self.volume.dataset.project

    def edit(self):
        return _Editing(self)

    def add(self, box: Box = BOX, class_name: str = "tumour") -> str:
        with self.edit() as edit:
            key = edit.add_object(LabelObject(class_name)).key
            edit.write_mask(key, box, np.ones(box.shape, bool))
        return key

    def push(self, progress: Progress | None = None, **options) -> Pushed:
        with LocalState(self.project) as state:
            (result,) = push(
                self.project, state, self.store, [self.volume], self.name, "command", progress, **options
            )
        return result

    def pull(self, resolve=leave_open) -> Pulled:
        with LocalState(self.project) as state:
            (result,) = pull(
                self.project, state, self.store, [self.volume], self.name, "command", resolve=resolve
            )
        return result

    def pull_new(self) -> list[Pulled]:
        with LocalState(self.project) as state:
            return pull(
                self.project, state, self.store, self.project.volumes(), self.name, "command", with_new=True
            )

    @property
    def status(self) -> str:
        with LocalState(self.project) as state:
            (line,) = status(self.project, state, self.store, [self.volume])
        return line.state

    @property
    def labels(self):
        with VolumeSession.open(self.volume, self.name, "command", read_only=True) as session:
            return session.annotation

    @property
    def digest(self) -> str:
        return content_of(self.labels, Project.open(self.project.path).definitions)[0].digest


def dicom_person(folder: Path, name: str, store, files: Path) -> Person:
    """Someone with a project of their own that has the DICOM series in ``files``."""
    classes = (LabelClass("tumour"), LabelClass("node", color="#56B4E9"))
    project = Project.create(folder / name, Definitions(classes))
    report = import_sources(project, [files], dataset="scans")
    return Person(folder, name, store, report.added[0])


class _Editing:
    def __init__(self, person: Person) -> None:
        self._session = VolumeSession.open(person.volume, person.name, "command")
        self._edit = self._session.edit("edit", "brush")

    def __enter__(self):
        return self._edit.__enter__()

    def __exit__(self, *error) -> None:
        try:
            self._edit.__exit__(*error)
        finally:
            self._session.close()


def label_everything(person: Person) -> str:
    """Labels of every kind, with text in several scripts; returns the key of the object with a mask."""
    tags = (
        TagDefinition("befund", "any_string"),
        TagDefinition("grösse", "any_number"),
        TagDefinition("solid"),
        TagDefinition("stage", "oneof_string", ("T1", "T2")),
    )
    change_definitions(
        person.project, lambda now: type(now)(now.classes, (*now.tags, *tags)), "tags", person.name, "command"
    )
    key = person.add()
    with person.edit() as edit:
        edit.change_object(key, tags=[Tag("solid"), Tag("stage", "T2"), Tag("grösse", 12.5)])
        edit.set_volume_tags([Tag("befund", "größer, 結節 узел")])
        other = edit.add_object(LabelObject("node")).key
        for plane in Plane:
            outline = ((1.0, 1.0), (7.5, 1.25), (8.0, 6.0), (2.0, 7.0))
            hole = ((3.0, 3.0), (5.0, 3.0), (4.0, 5.0))
            edit.put_figure(PlaneFigure(other, plane, 2, Polygon(outline, (hole,))))
        pixels = np.zeros((4, 5), bool)
        pixels[1:3, 1:4] = pixels[0, 0] = True
        edit.put_figure(PlaneFigure(other, Plane.AXIAL, 3, Bitmap((2, 3), pixels)))
    return key
