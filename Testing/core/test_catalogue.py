"""The table of a project's volumes: it says what the files say, whatever happened to it."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.curation.catalogue import FILE_NAME, Catalogue
from MedLabelLib.curation.filters import COLUMNS, Filter
from MedLabelLib.curation.tagging import put_tag
from MedLabelLib.curation.work import STATUSES, change_work, work_of
from MedLabelLib.model.annotation import Annotation, LabelObject, Tag
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.errors import AnnotationError
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

DEFINITIONS = Definitions(
    tuple(LabelClass(name) for name in ("lesion", "liver", "node")),
    (TagDefinition("grade", "any_string"), TagDefinition("seen")),
)


def image(shape, spacing, modality) -> VolumeImage:
    geometry = VolumeGeometry(shape, np.diag([*spacing, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, shape))
    return VolumeImage(np.zeros(shape, np.int16, order="F"), geometry, source, modality)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory) -> Path:
    """Twelve volumes in two datasets that differ in all that is filtered by."""
    made = Project.create(tmp_path_factory.mktemp("made") / "p", DEFINITIONS)
    for number in range(12):
        shape = (4 + number, 5, 6)
        annotation = Annotation(shape)
        annotation.objects = [LabelObject(DEFINITIONS.classes[n % 3].name) for n in range(number % 4)]
        if annotation.objects:
            annotation.objects[0].tags = [Tag("grade", f"g{number % 2}")]
        if number % 3 == 0:
            annotation.tags = [Tag("seen")]
        made.dataset(f"ds{number % 2}", create=True).add_volume(
            f"scan {number:02}",
            image(shape, (1.0, 1.0, 1.0 + number / 10), ("CT", "MR", "PT")[number % 3]),
            annotation,
        )
    for number, volume in enumerate(made.volumes()):
        with VolumeSession.open(volume, f"person{number % 2}", "command") as session:
            change_work(session, STATUSES[number % 4], assignee="ada" if number % 3 else "")
    return made.path


@pytest.fixture
def project(made_once, tmp_path) -> Project:
    return Project.open(shutil.copytree(made_once, tmp_path / "p"))


@pytest.fixture
def catalogue(project):
    made = Catalogue(project)
    made.refresh()
    yield made
    made.close()


def read_all(project: Project) -> list[tuple]:
    return [
        (v, v.read_annotation(with_masks=False), max(v.geometry().spacing), v.modality)
        for v in project.volumes()
    ]


def by_hand(files: list[tuple], wanted: Filter) -> list[str]:
    """The same question, put to what was read of every file."""
    found = []
    for volume, annotation, spacing, modality in files:
        work = work_of(annotation)
        tags = [*annotation.tags, *(tag for entry in annotation.objects for tag in entry.tags)]
        texts = [f"{tag.name} {'' if tag.value is None else tag.value}" for tag in tags]
        classes = {entry.class_name for entry in annotation.objects}
        words = "\n".join([volume.label, *sorted(classes), work.assignee, work.remark, *texts]).lower()
        tag_names = {tag.name for tag in tags} | {f"{tag.name}={tag.value}" for tag in tags}
        if (
            all(word in words for word in wanted.text.lower().split())
            and (not wanted.datasets or volume.dataset.name in wanted.datasets)
            and (not wanted.modalities or modality in wanted.modalities)
            and (not wanted.statuses or work.status in wanted.statuses)
            and (not wanted.assignees or work.assignee in wanted.assignees)
            and set(wanted.classes) <= classes
            and set(wanted.tags) <= tag_names
            and (wanted.min_voxels is None or max(annotation.shape) >= wanted.min_voxels)
            and (wanted.max_spacing is None or spacing <= wanted.max_spacing)
        ):
            found.append(volume.label)
    return sorted(found)


CHOICES = {
    "text": ("", "SCAN 0", "lesion ada", "g1"),
    "datasets": ((), ("ds0",)),
    "modalities": ((), ("CT", "MR")),
    "statuses": ((), ("to do", "done")),
    "assignees": ((), ("ada",)),
    "classes": ((), ("lesion", "liver")),
    "tags": ((), ("grade",), ("grade=g1", "seen")),
    "min_voxels": (None, 8),
    "max_spacing": (None, 1.5),
}


def test_every_pair_of_conditions_finds_what_reading_every_file_finds(project, catalogue):
    some, files = 0, read_all(project)
    for (one, ones), (other, others) in itertools.combinations(CHOICES.items(), 2):
        for first, second in itertools.product(ones, others):
            wanted = Filter(**{one: first, other: second})
            found = catalogue.labels(wanted)
            assert found == by_hand(files, wanted), wanted
            some += 0 < len(found) < 12
    assert some > 100


@pytest.mark.parametrize("column", COLUMNS)
def test_pages_in_any_order_hold_every_volume_once(catalogue, column):
    for descending in (False, True):
        pages = [catalogue.find(sort=column, descending=descending, offset=at, limit=5) for at in (0, 5, 10)]
        labels = [row.label for page in pages for row in page.rows]
        assert {page.total for page in pages} == {12}
        assert len(set(labels)) == len(labels) == 12
        assert labels == catalogue.labels(sort=column, descending=descending)


def test_the_table_follows_edits_new_volumes_and_deleted_ones(project, catalogue):
    assert catalogue.refresh() is False
    volume = project.find_volume("scan 04")
    with VolumeSession.open(volume, "zoe", "browser") as session:
        put_tag(session, "seen", None)
    assert catalogue.refresh() is True
    (row,) = catalogue.find(Filter(text="scan 04")).rows
    assert row.tags == (("seen", ""),)
    assert row.updated_by == "zoe"
    project.dataset("ds0").add_volume("fresh", image((3, 3, 3), (1, 1, 1), "CT"))
    project.find_volume("scan 02").annotation_path.unlink()
    assert catalogue.refresh() is True
    assert "ds0/fresh" in catalogue.labels()
    assert "ds0/scan 02" not in catalogue.labels()
    assert catalogue.counts().volumes == 12


def test_a_volume_that_cannot_be_read_is_listed_with_its_reason(project, catalogue):
    project.find_volume("scan 03").annotation_path.write_text("{")
    catalogue.refresh()
    (row,) = catalogue.find(Filter(text="scan 03")).rows
    assert "not JSON" in row.problem


def test_counts_are_those_of_the_files(catalogue):
    counts = catalogue.counts()
    assert counts.volumes == 12
    assert counts.objects == sum(number % 4 for number in range(12))
    assert counts.modalities == {"CT": 4, "MR": 4, "PT": 4}
    assert sum(counts.classes.values()) == counts.objects
    assert counts.tags["seen"] == 4
    assert counts.statuses["to do"] == 3


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"x" * 5000, b"no database"])
def test_a_torn_or_foreign_file_is_made_anew(project, content):
    (project.private / FILE_NAME).write_bytes(content)
    catalogue = Catalogue(project)
    catalogue.refresh()
    assert len(catalogue.labels()) == 12
    catalogue.close()


def test_a_second_process_finds_the_table_made_and_keeps_it(project, catalogue):
    other = Catalogue(project)
    assert other.refresh() is False
    assert other.labels() == catalogue.labels()
    other.close()


def test_a_folder_that_cannot_be_written_is_listed_all_the_same(project, monkeypatch):
    monkeypatch.setattr(Project, "writable", property(lambda _: False))
    (project.private / FILE_NAME).unlink(missing_ok=True)
    catalogue = Catalogue(project)
    assert catalogue.refresh() is True
    assert len(catalogue.labels()) == 12
    assert not (project.private / FILE_NAME).exists()
    catalogue.close()


def test_a_filter_is_kept_as_json_and_what_is_none_is_refused():
    wanted = Filter("a", ("b",), tags=("c=d",), min_voxels=3, max_spacing=1.5, changed_since="2026-03-01")
    assert Filter.from_json(wanted.to_json()) == wanted
    assert Filter().to_json() == {}
    assert {field.name for field in fields(Filter)} >= set(CHOICES)
    for wrong in ([], {"colour": 1}, {"text": 3}, {"tags": "seen"}, {"min_voxels": "3"}):
        with pytest.raises(AnnotationError):
            Filter.from_json(wrong)


def test_changed_since_takes_a_local_time_and_refuses_what_is_none(project, catalogue):
    old = project.find_volume("scan 05").annotation_path
    os.utime(old, (1e9, 1e9))
    catalogue.refresh()
    # the journal says when the labels changed, whatever became of the file's own time
    assert len(catalogue.labels(Filter(changed_since="2020-01-01"))) == 12
    assert catalogue.labels(Filter(changed_since="2999-01-01T10:00")) == []
    with pytest.raises(AnnotationError, match="no time"):
        catalogue.labels(Filter(changed_since="yesterday"))
    assert Path(old).exists()
