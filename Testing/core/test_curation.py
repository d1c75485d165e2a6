"""Classes, tags and the state of work across a project's volumes, by the command and in the journal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.curation.changing_classes import change_class, merge_classes
from MedLabelLib.curation.work import work_of
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.errors import AnnotationError, LockedError
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from support.commands import medlabel_here, tree

SHAPE = (6, 7, 8)


@pytest.fixture
def project(tmp_path) -> Path:
    """Volumes a, b and c; two lesions in a, one in b; the first lesion of a carries a grade."""
    tags = (
        TagDefinition(
            "grade", "oneof_string", ("low", "high"), applicable_type="objectsOnly", classes=("lesion",)
        ),
        TagDefinition("age", "any_number", applicable_type="imagesOnly"),
    )
    made = Project.create(tmp_path / "p", Definitions((LabelClass("lesion"), LabelClass("liver")), tags))
    dataset = made.dataset("ds", create=True)
    geometry = VolumeGeometry(SHAPE, np.diag([1.0, 1.0, 2.0, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, SHAPE))
    for name, count in (("a", 2), ("b", 1), ("c", 0)):
        image = VolumeImage(np.zeros(SHAPE, np.int16, order="F"), geometry, source, "CT")
        with VolumeSession.open(dataset.add_volume(name, image), "ada", "command") as session:
            for number in range(count):
                with session.edit("draw") as edit:
                    key = edit.add_object(LabelObject("lesion")).key
                    edit.write_mask(key, Box((number, 0, 0), (number + 1, 2, 2)), np.ones((1, 2, 2), bool))
    assert medlabel_here("tag", made.path, "ds/a", "grade=low", "--object", "lesion#1").status == 0
    return made.path


def said(*arguments) -> dict:
    answer = medlabel_here(*arguments, "--json")
    assert answer.status == 0, answer.lines
    return answer.document


def refused(*arguments) -> str:
    answer = medlabel_here(*arguments, "--json")
    assert answer.status == 1
    return answer.document["error"]


def objects(project: Path, volume: str) -> list[tuple[str, int]]:
    annotation = Project.open(project).find_volume(volume).read_annotation()
    return [(entry.class_name, entry.mask.count if entry.mask else 0) for entry in annotation.objects]


def test_a_renamed_class_takes_its_objects_masks_tags_and_label_value_along(project):
    before = Project.open(project).definitions.class_value("lesion")
    assert said("class", "change", project, "lesion", "--name", "tumour", "--color", "#112233") == {
        "count": 3,
        "volumes": ["ds/a", "ds/b"],
    }
    definitions = Project.open(project).definitions
    assert [entry.name for entry in definitions.classes] == ["tumour", "liver"]
    assert definitions.label_class("tumour").color == "#112233"
    assert definitions.class_value("tumour") == before
    assert definitions.tag("grade").classes == ("tumour",)
    assert objects(project, "ds/a") == [("tumour", 4), ("tumour", 4)]
    assert said("check", project)["clean"]
    names = [row["name"] for row in said("log", project)["entries"]]
    assert names.count("Rename class lesion to tumour") == 4


def test_merged_classes_leave_the_other_values_as_they_were(project):
    said("class", "add", project, "node", "--color", "#445566")
    node = Project.open(project).definitions.class_value("node")
    assert said("class", "merge", project, "lesion", "liver")["count"] == 3
    definitions = Project.open(project).definitions
    assert [entry.name for entry in definitions.classes] == ["liver", "node"]
    assert definitions.class_value("node") == node == 3
    assert definitions.with_class("new").class_value("new") == 4
    assert objects(project, "ds/b") == [("liver", 4)]


def test_a_class_in_use_goes_only_when_its_objects_may_go_too(project):
    before = tree(project)
    assert "3 objects in 2 volumes (ds/a, ds/b)" in refused("class", "remove", project, "lesion")
    assert tree(project) == before
    assert said("class", "remove", project, "lesion", "--all")["count"] == 3
    assert objects(project, "ds/a") == []
    # the objects are in the journal; they come back once their class does
    assert "not defined" in refused("undo", project, "ds/a")
    said("class", "add", project, "lesion")
    said("undo", project, "ds/a")
    assert objects(project, "ds/a") == [("lesion", 4), ("lesion", 4)]


def test_a_shape_that_cannot_hold_what_is_there_is_refused(project):
    error = refused("class", "change", project, "lesion", "--shape", "polygon")
    assert "lesion#1 of ds/a, which has mask_3d" in error
    said("class", "change", project, "lesion", "--shape", "any")


def test_nothing_is_changed_while_one_of_the_volumes_is_edited(project):
    made = Project.open(project)
    with VolumeSession.open(made.find_volume("ds/b"), "bea", "browser"):
        with pytest.raises(LockedError, match="ds/b"):
            merge_classes(made, "lesion", "liver", "ada", "command")
        assert Project.open(project).definitions.has_class("lesion")
        assert objects(project, "ds/a") == [("lesion", 4), ("lesion", 4)]


def test_a_rename_that_was_interrupted_leaves_a_whole_project_and_can_be_ended(project, monkeypatch):
    made = Project.open(project)
    whole = VolumeSession.flush

    def stop_at_b(session):
        if session.volume.name == "b":
            raise KeyboardInterrupt
        whole(session)

    monkeypatch.setattr(VolumeSession, "flush", stop_at_b)
    wanted = LabelClass("tumour", color="#112233")
    with pytest.raises(KeyboardInterrupt):
        change_class(made, "lesion", wanted, "ada", "command")
    monkeypatch.undo()
    assert said("check", project)["clean"]
    assert said("class", "merge", project, "lesion", "tumour")["count"] <= 1
    assert {name for name, _ in objects(project, "ds/a") + objects(project, "ds/b")} == {"tumour"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["grade=medium", "--object", "lesion#1"], "one of low, high"),
        (["grade=low"], "for objects, not for volumes"),
        (["age=4", "--object", "lesion#1"], "for volumes, not for objects"),
        (["age=old"], "any_number"),
        (["age"], "any_number"),
        (["size=4"], "no tag 'size'"),
        (["age=4", "--remove"], "no tag age=4 on ds/a"),
    ],
)
def test_a_tag_that_its_definition_does_not_allow_is_refused(project, arguments, reason):
    before = tree(project)
    assert reason in refused("tag", project, "ds/a", *arguments)
    assert tree(project) == before


def test_a_tag_is_put_replaced_removed_and_undone(project):
    assert said("tag", project, "ds/a", "age=41")["tags"] == [{"name": "age", "value": 41}]
    assert said("tag", project, "ds/a", "age=42.5")["tags"] == [{"name": "age", "value": 42.5}]
    assert said("tag", project, "ds/a", "age=42.5")["changed"] is False
    said("tagdef", "change", project, "age", "--multiple")
    assert len(said("tag", project, "ds/a", "age=43")["tags"]) == 2
    assert said("tag", project, "ds/a", "age=43", "--remove")["tags"] == [{"name": "age", "value": 42.5}]
    said("undo", project, "ds/a")
    annotation = Project.open(project).find_volume("ds/a").read_annotation()
    assert [tag.value for tag in annotation.tags] == [42.5, 43]


def test_a_change_of_a_tag_that_its_uses_do_not_allow_is_refused(project):
    before = tree(project)
    error = refused("tagdef", "change", project, "grade", "--values", "high")
    assert "ds/a, lesion#1" in error
    assert "not 'low'" in error
    assert "liver" in refused("tagdef", "change", project, "grade", "--classes", "liver")
    assert tree(project) == before


def test_a_tag_is_renamed_merged_and_removed_where_it_is_put(project):
    assert said("tagdef", "change", project, "grade", "--name", "severity")["count"] == 1
    annotation = Project.open(project).find_volume("ds/a").read_annotation()
    assert [tag.name for tag in annotation.objects[0].tags] == ["severity"]
    said("tagdef", "add", project, "grade", "--type", "any_string")
    assert said("tagdef", "merge", project, "severity", "grade")["count"] == 1
    assert "1 times in 1 volumes (ds/a)" in refused("tagdef", "remove", project, "grade")
    assert said("tagdef", "remove", project, "grade", "--all")["count"] == 1
    assert not Project.open(project).find_volume("ds/a").read_annotation().objects[0].tags
    assert said("check", project)["clean"]


def test_the_work_on_a_volume_is_kept_listed_and_undone(project):
    assert said("work", project, "ds/a", "--status", "in-progress", "--assign", "bea") == {
        "volume": "ds/a",
        "status": "in progress",
        "assignee": "bea",
        "remark": "",
    }
    assert "remark" in refused("work", project, "ds/a", "--status", "rejected")
    said("work", project, "ds/a", "--status", "rejected", "--remark", "the caudal end is missing")
    (dataset,) = said("list", project, "ds/a")["datasets"]
    assert dataset["volumes"][0]["status"] == "rejected"
    said("undo", project, "ds/a")
    assert said("work", project, "ds/a")["status"] == "in progress"


def test_a_required_tag_is_needed_before_a_volume_is_done(project):
    said("tagdef", "change", project, "age", "--required")
    assert "needs the tags age" in refused("work", project, "ds/c", "--status", "done")
    said("tag", project, "ds/c", "age=50")
    assert said("work", project, "ds/c", "--status", "done")["status"] == "done"


def test_what_another_program_wrote_in_the_place_of_the_work_counts_as_nothing(project):
    path = Project.open(project).find_volume("ds/c").annotation_path
    data = json.loads(path.read_bytes())
    path.write_text(json.dumps({**data, "medlabelWork": {"status": "finished", "assignee": 4}}))
    annotation = Project.open(project).find_volume("ds/c").read_annotation()
    assert work_of(annotation).status == "to do"
    assert work_of(annotation).assignee == ""


def test_a_tag_for_one_class_does_not_become_one_for_all_when_the_class_goes():
    definitions = Definitions((LabelClass("a"), LabelClass("b")), (TagDefinition("t", classes=("a",)),))
    assert definitions.without_class("a").tag("t").classes == ("a",)
    assert definitions.without_class("a", instead="b").tag("t").classes == ("b",)
    with pytest.raises(AnnotationError):
        TagDefinition("t", "oneof_string")
