"""Taking scans into a project."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import Tag
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.model.errors import (
    AmbiguousError,
    DuplicateError,
    FileFormatError,
    NotFoundError,
)
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.storage.project import Project
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers, rtstruct
from support.grids import random_geometry, seeds
from support.projects import add_object, new_project, random_mask, write_nrrd


def files_of(project: Project) -> set[str]:
    return {str(path.relative_to(project.path)) for path in project.path.rglob("*") if path.is_file()}


def test_files_and_series_become_volumes_with_their_voxels(tmp_path):
    array = numbers((3, 4, 5))
    write_nrrd(tmp_path / "scans" / "head.nrrd", array, VolumeGeometry(array.shape, np.diag([-1.0, 2, 3, 1])))
    series = Series(numbers((4, 5, 6)))
    series.write(tmp_path / "scans" / "ct")
    project = new_project(tmp_path / "p")
    seen = []
    report = import_sources(project, [tmp_path / "scans"], "first/inner", progress=lambda *s: seen.append(s))
    assert sorted(volume.dataset.name for volume in report.added) == ["first/inner"] * 2
    assert report.failed == report.duplicates == report.warnings == []
    assert seen[-1] == ("imported", 2, 2)
    again = Project.open(tmp_path / "p")
    head = again.find_volume("head").read_image()
    assert np.array_equal(head.array, array[::-1])
    ct = again.find_volume("CT-3-").read_image()
    assert ct.modality == "CT"
    assert np.array_equal(ct.source.axis_map.inverse().apply(ct.array), series.values)
    assert ct.source.series_instance_uid == series.uid
    assert len(ct.source.slices) == 6


@given(seeds)
def test_any_grid_comes_back_from_the_project(tmp_path_factory, seed):
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("import")
    geometry = random_geometry(random, random.choice(["even", "sheared", "single"]))
    array = random.integers(-50, 50, geometry.shape).astype(np.int16)
    project = new_project(folder / "p")
    report = import_sources(project, [write_nrrd(folder / "a.nrrd", array, geometry)])
    image = report.added[0].read_image()
    assert np.array_equal(image.source.axis_map.inverse().apply(image.array), array)
    index = np.stack(np.indices(geometry.shape), axis=-1).reshape(-1, 3)
    found = np.rint(image.geometry.ras_to_ijk(geometry.ijk_to_ras(index))).astype(int)
    assert np.array_equal(image.array[tuple(found.T)], array[tuple(index.T)])


def test_a_second_import_of_a_series_writes_nothing(tmp_path):
    Series(numbers((4, 5, 6))).write(tmp_path / "ct")
    project = new_project(tmp_path / "p")
    first = import_sources(project, [tmp_path / "ct"])
    before = files_of(project)
    (tmp_path / "ct").rename(tmp_path / "moved")
    second = import_sources(Project.open(project.path), [tmp_path / "moved"], "elsewhere")
    assert second.added == []
    assert first.added[0].label in second.duplicates[0][1]
    with pytest.raises(DuplicateError, match=r"moved.*has it already"):
        second.raise_if_nothing()
    assert files_of(project) == before


def test_a_second_import_of_a_file_writes_nothing(tmp_path):
    path = write_nrrd(tmp_path / "a.nrrd", numbers((3, 4, 5)), VolumeGeometry((3, 4, 5), np.eye(4)))
    project = new_project(tmp_path / "p")
    import_sources(project, [path])
    before = files_of(project)
    with pytest.raises(DuplicateError, match="ds0/a"):
        import_sources(project, [path]).raise_if_nothing()
    assert files_of(project) == before
    assert import_sources(project, [path], name="b").added[0].label == "ds0/b"


def test_the_parts_of_one_series_are_all_taken_and_known_again(tmp_path):
    first = Series(numbers((4, 5, 6)))
    first.write(tmp_path / "ct" / "a")
    Series(numbers((4, 5, 3)), spacing=(2.0, 2.0), uid=first.uid).write(tmp_path / "ct" / "b")
    project = new_project(tmp_path / "p")
    assert len(import_sources(project, [tmp_path / "ct"]).added) == 2
    again = import_sources(project, [tmp_path / "ct"])
    assert (len(again.added), len(again.duplicates)) == (0, 2)


def test_files_of_one_name_in_one_import_get_names_of_their_own(tmp_path):
    for folder in ("one", "two"):
        array = numbers((3, 4, 5), seed=len(folder))
        write_nrrd(tmp_path / "in" / folder / "scan.nrrd", array, VolumeGeometry((3, 4, 5), np.eye(4)))
    report = import_sources(new_project(tmp_path / "p"), [tmp_path / "in"])
    assert [volume.name for volume in report.added] == ["scan", "scan-2"]


def test_a_bad_file_is_listed_and_the_rest_is_taken(tmp_path):
    series = Series(numbers((4, 5, 6)))
    paths = series.write(tmp_path / "in" / "ct")
    paths[2].unlink()
    (tmp_path / "in" / "text.dcm").write_text("milk, bread and a dozen eggs for the weekend")
    (tmp_path / "in" / "cut.nrrd").write_bytes(b"NRRD0004\ntype: short\n")
    rtstruct([np.zeros((3, 3))]).save_as(tmp_path / "in" / "rt.dcm", enforce_file_format=True)
    report = import_sources(new_project(tmp_path / "p"), [tmp_path / "in", tmp_path / "none"])
    assert len(report.added) == 1
    assert sorted(path.name for path, _ in report.failed) == ["cut.nrrd", "none", "rt.dcm", "text.dcm"]
    assert report.others == []
    assert [label for label, _ in report.warnings] == [report.added[0].label]
    assert "1 slice is missing between slice 2 and 3" in report.warnings[0][1]
    assert report.added[0].geometry().is_uneven


@pytest.mark.parametrize(("content", "error"), [(b"text", FileFormatError), (None, NotFoundError)])
def test_when_nothing_could_be_taken_the_cause_is_raised_and_nothing_written(tmp_path, content, error):
    (tmp_path / "in").mkdir()
    if content:
        (tmp_path / "in" / "a.dcm").write_bytes(content)
    project = new_project(tmp_path / "p")
    before = files_of(project)
    with pytest.raises(error):
        import_sources(project, [tmp_path / "in"]).raise_if_nothing()
    assert files_of(project) == before
    assert project.datasets() == []


def test_a_name_is_for_one_scan(tmp_path):
    for name in "ab":
        write_nrrd(tmp_path / f"{name}.nrrd", numbers((3, 4, 5)), VolumeGeometry((3, 4, 5), np.eye(4)))
    with pytest.raises(AmbiguousError):
        import_sources(new_project(tmp_path / "p"), [tmp_path / "a.nrrd", tmp_path / "b.nrrd"], name="c")


def test_the_project_never_names_the_patient(tmp_path):
    Series(numbers((4, 5, 6))).write(tmp_path / "ct")
    project = new_project(tmp_path / "p")
    import_sources(project, [tmp_path / "ct"])
    for path in project.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PATIENT.encode() not in content
            assert PATIENT_ID.encode() not in content


def test_a_supervisely_project_comes_with_its_labels(tmp_path):
    random = np.random.default_rng(3)
    other = Project.create(
        tmp_path / "other",
        Definitions().with_class("tumour").with_tag(TagDefinition("seen", color="#112233")),
    )
    array = numbers((6, 7, 8))
    path = write_nrrd(tmp_path / "a.nrrd", array, VolumeGeometry(array.shape, np.diag([1.0, -2, 3, 1])))
    import_sources(other, [path], "deep/er")
    volume = other.find_volume("a")
    mask = random_mask(random, volume.geometry().shape)
    key = add_object(volume, "tumour", mask)
    annotation = volume.read_annotation()
    annotation.tags.append(Tag("seen"))
    annotation.objects[0].tags.append(Tag("seen"))
    volume.write_annotation(annotation)

    project = new_project(tmp_path / "p", "node")
    report = import_sources(project, [tmp_path / "other"])
    assert [volume.label for volume in report.added] == ["deep/er/a"]
    assert [entry.name for entry in project.definitions.classes] == ["node", "tumour"]
    taken = project.find_volume("deep/er/a")
    labels = taken.read_annotation()
    assert labels.object(key).mask == mask
    assert [tag.name for tag in labels.tags + labels.objects[0].tags] == ["seen", "seen"]
    assert np.array_equal(taken.read_image().array, volume.read_image().array)

    again = import_sources(project, [tmp_path / "other"])
    assert (again.added, len(again.duplicates)) == ([], 1)


def test_a_class_of_both_projects_stays_as_it_is_here(tmp_path):
    Project.create(tmp_path / "other", Definitions().with_class("tumour", "polygon", "#112233"))
    project = new_project(tmp_path / "p", "tumour")
    report = import_sources(project, [tmp_path / "other"])
    assert project.definitions.label_class("tumour").shape == "mask_3d"
    assert "'tumour' is polygon, ours is mask_3d" in report.warnings[0][1]


def test_a_damaged_project_is_named(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "meta.json").write_text(json.dumps({"classes": [{}], "tags": []}))
    with pytest.raises(FileFormatError, match=r"meta\.json"):
        import_sources(new_project(tmp_path / "p"), [tmp_path / "other"]).raise_if_nothing()
