"""The three-way merge, over random edits on two sides of one base."""

from __future__ import annotations

import numpy as np
import pytest

from MedLabelLib.model.annotation import Annotation, LabelObject, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import AnnotationError
from MedLabelLib.model.mask import Mask
from MedLabelSyncLib.content import mask_reader
from MedLabelSyncLib.merge.merge import Merge, Side
from MedLabelSyncLib.merge.records import by_key
from MedLabelSyncLib.revision import Reference, common_ancestor, graph_of, heads
from support.sync_sides import SHAPE, copy_of, edit_labels, label_sets, random_labels, side

KEY = "a" * 32


def three_sides(random: np.random.Generator) -> tuple[Side, Side, Side]:
    base = random_labels(random)
    mine, theirs = copy_of(base), copy_of(base)
    for labels in (mine, theirs):
        for _ in range(int(random.integers(0, 4))):
            edit_labels(random, labels)
    return side(base), side(mine), side(theirs)


def reader(merge: Merge, made: dict[str, Mask]):
    def otherwise(digest: str) -> Mask:
        for other in (merge.mine, merge.theirs, merge.base):
            if digest in other.content.masks:
                return other.read_mask(digest)
        raise AssertionError("the merge names a mask that no side has")

    return mask_reader(made, otherwise=otherwise)


@pytest.mark.prove
def test_merges(proof) -> None:
    conflicts = clean = 0
    for random in proof.cases(sample=150, full=10_000):
        base, mine, theirs = three_sides(random)
        merge, other = Merge(base, mine, theirs), Merge(base, theirs, mine)
        assert bool(merge.open) == bool(other.open)
        assert len(merge.records) == len(other.records)
        content, made = merge.result()
        content.check()
        if merge.open:
            conflicts += 1
        else:
            clean += 1
            assert content.digest == other.result()[0].digest
        check_voxels(merge, content, made)
        check_records(merge, content)
        # whichever side is chosen for all, nothing stays open and the labels are whole
        choice = str(random.choice(["mine", "theirs", "base", "both"]))
        merge.resolve(choice)
        assert merge.open == []
        resolved, made = merge.result()
        resolved.check()
        resolved.annotation(reader(merge, made))
    assert conflicts > 5
    assert clean > 5


def check_voxels(merge: Merge, content, made) -> None:
    """Every voxel's objects are those of the base, mine or theirs, and where both changed it is reported.

    Objects that a side removed are gone as a whole, and count on no side."""
    settled = {c.object_key for c in merge.records if c.what == "object"}
    named = [{record["key"] for record in s.content.objects} for s in (merge.base, merge.mine, merge.theirs)]
    removed = {key for key in named[0] if key not in named[1] or key not in named[2]}
    keys = sorted(set.union(*named) - removed)
    b, m, t = (label_sets(s.content, s.read_mask, keys) for s in (merge.base, merge.mine, merge.theirs))
    got = label_sets(content, reader(merge, made), keys)
    by_mine, by_theirs = (b != m).any(axis=0), (b != t).any(axis=0)
    differ = (m != t).any(axis=0)
    wanted = np.where(by_theirs & ~by_mine, t, m)
    where = np.zeros(SHAPE, bool)
    if merge.voxels is not None:
        where[merge.voxels.box.slices] = merge.voxels.where
    if not settled:
        np.testing.assert_array_equal(where, by_mine & by_theirs & differ)
        np.testing.assert_array_equal(got, wanted)
    else:
        # an object that is kept though one side removed it may be in conflict with others as well
        assert not (by_mine & by_theirs & differ & ~where).any()
        assert np.logical_or((got == b), (got == m) | (got == t)).all()


def check_records(merge: Merge, content) -> None:
    """Each object's class is one side's, by the rule; each conflict that there is was reported."""
    sides = [
        {record["key"]: record for record in s.content.objects}
        for s in (merge.base, merge.mine, merge.theirs)
    ]
    got = by_key(content.objects)
    reported = {(c.what, c.object_key) for c in merge.records}
    for key in set().union(*sides):
        b, m, t = (s.get(key) for s in sides)
        if b is not None and m is not None and t is not None:
            names = [record["class_name"] for record in (b, m, t)]
            in_conflict = names[1] != names[2] and names[0] not in names[1:]
            assert (("class name", key) in reported) == in_conflict
            assert got[key]["class_name"] == (names[2] if names[1] == names[0] else names[1])
        elif b is None:
            assert key in got
        elif (m is None) != (t is None):
            assert (key in got) == (("object", key) in reported)
            if (m or t) != b:
                assert ("object", key) in reported
        else:
            assert key not in got


def labels(box: Box | None = None, tags=(), class_name: str = "tumour", keys=(KEY,)) -> Side:
    annotation = Annotation(SHAPE)
    for key in keys:
        entry = LabelObject(class_name, key, [Tag(name, value) for name, value in tags])
        if box is not None:
            entry.mask = Mask.from_box(SHAPE, box, np.ones(box.shape, bool))
        annotation.objects.append(entry)
    return side(annotation)


def test_one_side_alone_is_taken() -> None:
    base, theirs = labels(), labels(Box((0, 0, 0), (2, 2, 2)), [("stage", "T1")], "node")
    assert Merge(base, base, theirs).result()[0].digest == theirs.content.digest
    assert Merge(base, theirs, base).result()[0].digest == theirs.content.digest


def test_tags_and_classes_in_conflict_are_resolved_one_by_one() -> None:
    base = labels(tags=[("stage", "T1")])
    merge = Merge(base, labels(tags=[("stage", "T2")]), labels(tags=[("stage", "T3"), ("solid", None)]))
    (conflict,) = merge.records
    assert (conflict.what, conflict.mine["value"], conflict.theirs["value"]) == ("tag", "T2", "T3")
    conflict.resolve("theirs")
    assert [tag["value"] for tag in merge.result()[0].objects[0]["tags"]] == ["T3", None]
    with pytest.raises(AnnotationError):
        conflict.resolve("both")


def test_the_same_tag_set_on_both_sides_is_one() -> None:
    merge = Merge(labels(), labels(tags=[("solid", None)]), labels(tags=[("solid", None)]))
    assert not merge.open
    assert len(merge.result()[0].objects[0]["tags"]) == 1


def two_objects_on_the_same_voxels() -> Merge:
    empty = side(Annotation(SHAPE))
    return Merge(
        empty,
        labels(Box((0, 0, 0), (4, 4, 2)), keys=["a" * 32]),
        labels(Box((2, 2, 0), (6, 5, 2)), keys=["b" * 32]),
    )


def test_voxels_are_resolved_by_region_and_voxel() -> None:
    merge = two_objects_on_the_same_voxels()
    assert merge.open == ["8 voxels were changed on both sides (objects aaaaaaaa, bbbbbbbb)"]
    (region,) = merge.voxels.regions()
    assert (region.voxels, region.box) == (8, Box((2, 2, 0), (4, 4, 2)))
    one = Box((2, 2, 0), (3, 3, 1))
    merge.voxels.resolve_voxels(region.box, region.where, "theirs")
    merge.voxels.resolve_voxels(one, np.ones(one.shape, bool), "mine")
    assert merge.open == []
    content, made = merge.result()
    a, b = (reader(merge, made)(record["mask"]) for record in content.objects)
    assert (a.count, b.count) == (32 - 7, 24 - 1 + 0)
    assert not (a.full() & b.full()).any()


def test_both_lets_objects_overlap() -> None:
    merge = two_objects_on_the_same_voxels()
    merge.resolve_object("a" * 32, "both")
    content, made = merge.result()
    masks = [reader(merge, made)(record["mask"]) for record in content.objects]
    assert [mask.count for mask in masks] == [32, 24]


def test_an_object_removed_here_and_changed_there_is_kept_until_it_is_resolved() -> None:
    base = labels(Box((0, 0, 0), (2, 2, 2)))
    merge = Merge(base, side(Annotation(SHAPE)), labels(Box((0, 0, 0), (3, 2, 2))))
    assert merge.open == ["the object tumour was changed on both sides"]
    assert len(merge.result()[0].objects) == 1
    merge.records[0].resolve("mine")
    assert merge.result()[0].objects == []


def work(**fields: str) -> Side:
    return side(Annotation(SHAPE, extra={"medlabelWork": fields}))


def test_status_and_remark_of_the_work_are_merged_each_for_itself() -> None:
    base = work(status="to do", remark="")
    merge = Merge(base, work(status="done", remark=""), work(status="to do", remark="look again"))
    assert merge.open == []
    assert merge.result()[0].extra == {"medlabelWork": {"status": "done", "remark": "look again"}}
    merge = Merge(base, work(status="done", remark=""), work(status="rejected", remark="no"))
    assert merge.open == ["the extra medlabelWork status was changed on both sides"]
    merge.resolve("theirs")
    assert merge.result()[0].extra == {"medlabelWork": {"status": "rejected", "remark": "no"}}
    # of another kind on one side, it is one thing
    merge = Merge(base, side(Annotation(SHAPE, extra={"medlabelWork": "x"})), work(status="done"))
    assert merge.open == ["the extra medlabelWork was changed on both sides"]
    merge.resolve("theirs")
    assert merge.result()[0].extra == {"medlabelWork": {"status": "done"}}


def test_labels_of_another_size_are_refused() -> None:
    with pytest.raises(AnnotationError, match="different size"):
        Merge(side(Annotation((2, 2, 2))), side(Annotation(SHAPE)), side(Annotation(SHAPE)))


def test_heads_and_ancestors() -> None:
    rows = [Reference("a"), Reference("b", ("a",)), Reference("c", ("a",)), Reference("d", ("b", "c"))]
    assert heads(graph_of(rows[:3])) == ["b", "c"]
    assert heads(graph_of(rows)) == ["d"]
    assert common_ancestor(graph_of(rows), ["b"], ["c"]) == "a"
    assert common_ancestor(graph_of(rows), ["d"], ["c"]) == "c"
    assert common_ancestor(graph_of([Reference("a"), Reference("b")]), ["a"], ["b"]) is None
