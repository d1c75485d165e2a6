"""Push, pull and status of several people through a folder."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.storage.mask_file import write_mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import change_definitions
from MedLabelLib.storage.session import VolumeSession
from MedLabelSyncLib.content import mask_digest
from MedLabelSyncLib.errors import CancelledError, StoreDataError, StoreError
from MedLabelSyncLib.local import LocalState
from MedLabelSyncLib.looking import look
from MedLabelSyncLib.pulling import ADDED, CONFLICTS, FAILED, MERGED, PULLED
from MedLabelSyncLib.pushing import PUSHED, UP_TO_DATE
from MedLabelSyncLib.stores.folder import FolderStore
from MedLabelSyncLib.stores.store import Progress
from support.commands import tree
from support.small_project import small_volume
from support.sync_projects import BOX, Person, label_everything

OTHER_BOX = Box((10, 10, 6), (14, 14, 9))
CROSSING = Box((5, 5, 2), (12, 11, 6))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "store")
    made.create()
    return made


@pytest.fixture
def ada(tmp_path: Path, store: FolderStore) -> Person:
    return Person(tmp_path, "ada", store)


@pytest.fixture
def bob(tmp_path: Path, store: FolderStore) -> Person:
    return Person(tmp_path, "bob", store)


def test_what_one_pushes_the_other_has(ada: Person, bob: Person) -> None:
    assert (ada.status, bob.status) == ("not there", "not there")
    label_everything(ada)
    assert ada.push().outcome == PUSHED
    assert (ada.status, bob.status) == ("same", "behind")
    assert bob.pull().outcome == PULLED
    assert bob.status == "same"
    assert bob.digest == ada.digest
    assert bob.labels.objects[0].mask == ada.labels.objects[0].mask


def test_a_second_push_sends_nothing(ada: Person, store: FolderStore) -> None:
    label_everything(ada)
    ada.push()
    before = tree(store.path)
    progress = Progress()
    assert ada.push(progress).outcome == UP_TO_DATE
    assert (progress.bytes, tree(store.path)) == (0, before)
    # nor does one that has forgotten that it pushed
    (ada.project.private / "sync.sqlite3").unlink()
    assert ada.status == "same"
    assert ada.push(progress).outcome == UP_TO_DATE
    assert (progress.bytes, tree(store.path)) == (0, before)


def test_push_sends_only_what_changed(ada: Person, store: FolderStore) -> None:
    ada.add()
    ada.push()
    before = set(tree(store.path))
    ada.add(OTHER_BOX)
    assert ada.status == "ahead"
    ada.push()
    new = {Path(name) for name in set(tree(store.path)) - before if (store.path / name).is_file()}
    assert sorted(path.parts[0] for path in new) == ["masks", "revisions"]


def test_two_sides_are_merged(ada: Person, bob: Person) -> None:
    ada.add()
    ada.push()
    bob.pull()
    first, second = ada.add(OTHER_BOX), bob.add(Box((0, 0, 0), (2, 2, 1)), "node")
    ada.push()
    assert bob.status == "diverged"
    before = bob.labels
    assert bob.pull().outcome == MERGED
    assert {entry.key for entry in bob.labels.objects} >= {first, second}
    assert bob.status == "ahead"
    bob.push()
    assert ada.pull().outcome == PULLED
    assert ada.digest == bob.digest
    assert (ada.status, bob.status) == ("same", "same")
    # the merge is one step of the journal
    with VolumeSession.open(bob.volume, "bob", "command") as session:
        assert session.can_undo == "Merge labels of ada"
        session.undo()
        assert [entry.key for entry in session.annotation.objects] == [e.key for e in before.objects]


def test_conflicts_leave_the_volume_alone_until_they_are_resolved(ada: Person, bob: Person) -> None:
    ada.add()
    bob.add(CROSSING)
    ada.push()
    mine = bob.digest
    result = bob.pull()
    assert result.outcome == CONFLICTS
    assert "voxels were changed on both sides" in result.conflicts[0]
    assert bob.digest == mine
    assert bob.pull(lambda merge: merge.resolve("theirs")).outcome == MERGED
    masks = [entry.mask for entry in bob.labels.objects]
    common = BOX.intersection(CROSSING).size
    assert sorted(mask.count for mask in masks) == sorted([BOX.size, CROSSING.size - common])
    # what bob had is in the journal still, and what ada had in the store
    with VolumeSession.open(bob.volume, "bob", "command") as session:
        session.undo()
        assert session.annotation.objects[0].mask.count == CROSSING.size


def test_undoing_a_pull_is_a_change_to_push(ada: Person, bob: Person) -> None:
    ada.add()
    ada.push()
    bob.pull()
    with VolumeSession.open(bob.volume, "bob", "command") as session:
        session.undo()
    assert bob.status == "ahead"
    bob.push()
    ada.pull()
    assert ada.labels.objects == []


def test_both_push_without_seeing_each_other_and_the_next_pull_merges(ada: Person, bob: Person) -> None:
    one, other = ada.add(), bob.add(OTHER_BOX)
    ada.push()
    bob.push()
    assert (ada.status, bob.status) == ("behind", "behind")
    assert ada.pull().outcome == MERGED
    assert {entry.key for entry in ada.labels.objects} == {one, other}
    ada.push()
    assert bob.pull().outcome == PULLED
    assert bob.digest == ada.digest


def test_an_edit_of_another_program_is_pushed(ada: Person, bob: Person) -> None:
    key = ada.add()
    ada.push()
    entry = ada.labels.object(key)
    entry.mask.write(OTHER_BOX, np.ones(OTHER_BOX.shape, bool))
    write_mask(ada.volume.mask_path(entry.mask_key), entry.mask, ada.volume.geometry())
    assert ada.status == "ahead"
    ada.push()
    bob.pull()
    assert bob.labels.object(key).mask == entry.mask


def test_a_volume_that_is_being_edited_is_not_pulled_into(ada: Person, bob: Person) -> None:
    ada.add()
    ada.push()
    with VolumeSession.open(bob.volume, "eve", "browser", rest_seconds=1000) as session:
        with session.edit("not written yet") as edit:
            edit.add_object(LabelObject("node"))
        result = bob.pull()
        assert (result.outcome, "eve" in result.note) == (FAILED, True)
        # what she has saved can be pushed all the same
        assert bob.push().outcome == PUSHED
        assert len(session.annotation.objects) == 1


def test_an_empty_project_gets_scans_and_labels(tmp_path: Path, ada: Person, store: FolderStore) -> None:
    label_everything(ada)
    ada.push(with_scans=True)
    project = Project.create(tmp_path / "empty")
    eve = Person(tmp_path, "eve", store, ada.volume)
    eve.project = project
    (result,) = eve.pull_new()
    assert (result.outcome, result.label) == (ADDED, "scans/scan")
    eve.volume = next(project.volumes())
    assert eve.digest == ada.digest
    assert np.array_equal(eve.volume.read_image().array, ada.volume.read_image().array)
    assert eve.status == "same"


def test_a_scan_that_is_nowhere_is_said(tmp_path: Path, ada: Person, store: FolderStore) -> None:
    ada.add()
    ada.push()
    eve = Person(tmp_path, "eve", store, ada.volume)
    eve.project = Project.create(tmp_path / "empty")
    (result,) = eve.pull_new()
    assert (result.outcome, "neither" in result.note) == (FAILED, True)


def test_classes_and_their_changes_come_along(ada: Person, bob: Person) -> None:
    label_everything(ada)
    ada.push()
    bob.pull()
    assert Project.open(bob.project.path).definitions.tag("stage").values == ("T1", "T2")
    definitions = Project.open(ada.project.path).definitions
    changed = [type(e)(e.name, e.shape, "#112233") if e.name == "tumour" else e for e in definitions.classes]
    recoloured = type(definitions)(tuple(changed), definitions.tags)
    change_definitions(ada.project, recoloured, "colour", "ada", "command")
    assert ada.status == "ahead"
    ada.push()
    bob.pull()
    assert Project.open(bob.project.path).definitions.label_class("tumour").color == "#112233"


def test_cancelled_it_goes_on_later_and_doubles_nothing(ada: Person, bob: Person, store: FolderStore) -> None:
    ada.add()
    ada.add(OTHER_BOX)
    steps: list[int] = []
    progress = Progress(lambda what, count: steps.append(count), lambda: bool(steps))
    with pytest.raises(CancelledError):
        ada.push(progress)
    assert bob.status == "not there"
    first = {name for name in tree(store.path) if name.startswith("masks/") and len(Path(name).parts) == 3}
    assert len(first) == 1
    ada.push()
    masks = {name for name in tree(store.path) if name.startswith("masks/") and len(Path(name).parts) == 3}
    assert (len(masks), first < masks) == (2, True)


@pytest.mark.parametrize("harm", ["cut", "altered", "renamed", "mask"])
def test_what_is_damaged_in_the_store_is_refused(
    ada: Person, bob: Person, store: FolderStore, harm: str
) -> None:
    ada.add()
    ada.push()
    (revision,) = (store.path / "revisions").glob("*/*.json")
    if harm == "cut":
        revision.write_bytes(revision.read_bytes()[:100])
    elif harm == "altered":
        data = json.loads(revision.read_bytes())
        data["content"]["objects"][0]["class_name"] = "node"
        revision.write_text(json.dumps(data))
    elif harm == "renamed":
        scan, _, rest = revision.name.partition("-")
        revision.rename(revision.with_name(f"{scan}-{'0' * 32}{rest[32:]}"))
    else:
        (mask,) = (store.path / "masks").glob("*/*")
        content = bytearray(mask.read_bytes())
        content[-3] ^= 255
        mask.write_bytes(content)
    before = bob.digest
    result = bob.pull()
    assert (result.outcome, type(result.error)) == (FAILED, StoreDataError)
    assert str(store.path) in result.note
    assert bob.digest == before


def test_a_folder_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(StoreError, match="not empty"):
        FolderStore(tmp_path / "full").create()
    with pytest.raises(StoreError, match="no store") as raised:
        FolderStore(tmp_path / "gone").references()
    assert raised.value.temporary


def test_foreign_files_in_the_store_are_passed_over(ada: Person, bob: Person, store: FolderStore) -> None:
    ada.add()
    ada.push()
    (revision,) = (store.path / "revisions").glob("*/*.json")
    for name in (".DS_Store", "Thumbs.db", "copy of x.json", revision.name + "~"):
        revision.with_name(name).write_text("x")
    assert bob.status == "behind"


def test_what_was_looked_at_is_not_read_again(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.add()
    with LocalState(ada.project) as state:
        first = look(ada.project, state, [ada.volume])
        monkeypatch.setattr(type(ada.volume), "read_annotation", None)
        assert look(ada.project, state, [ada.volume]).seen == first.seen


def test_tags_of_volume_and_objects_merge(ada: Person, bob: Person) -> None:
    key = label_everything(ada)
    ada.push()
    bob.pull()
    with ada.edit() as edit:
        edit.change_object(key, tags=[Tag("solid"), Tag("stage", "T1"), Tag("grösse", 12.5)])
    with bob.edit() as edit:
        edit.set_volume_tags([Tag("befund", "kleiner")])
    ada.push()
    assert bob.pull().outcome == MERGED
    assert {tag.name: tag.value for tag in bob.labels.object(key).tags}["stage"] == "T1"
    assert bob.labels.tags[0].value == "kleiner"


def push_when_told(folder: str, name: str, store: str, gate) -> None:
    volume = next(Project.open(folder).volumes())
    person = Person(Path(folder).parent, name, FolderStore(Path(store)), volume)
    gate.wait()
    person.push()


@pytest.mark.prove
def test_two_push_at_the_same_instant(tmp_path: Path, proof) -> None:
    spawn = multiprocessing.get_context("fork")
    for number, random in enumerate(proof.cases(sample=3, full=100)):
        folder = tmp_path / str(number)
        store = FolderStore(folder / "store")
        store.create()
        ada, bob = Person(folder, "ada", store), Person(folder, "bob", store)
        ada.add(class_name="node")
        ada.push()
        bob.pull()
        same = bool(random.integers(2))
        keys = {ada.add(), bob.add(OTHER_BOX)} if not same else set()
        if same:
            key = ada.labels.objects[0].key
            for person in (ada, bob):
                with person.edit() as edit:
                    edit.change_object(key, class_name="tumour")
        gate = spawn.Barrier(2)
        both = [
            spawn.Process(target=push_when_told, args=(str(p.project.path), p.name, str(store.path), gate))
            for p in (ada, bob)
        ]
        for process in both:
            process.start()
        for process in both:
            process.join(60)
            assert process.exitcode == 0
        (references,) = store.references().values()
        assert len(references) == (2 if same else 3)
        assert not list(store.path.rglob(".*partial*"))
        for person in (ada, bob):
            person.pull()
            person.push()
        ada.pull()
        assert ada.digest == bob.digest
        assert {entry.key for entry in ada.labels.objects} >= keys
        for digest, mask in ((mask_digest(e.mask), e.mask) for e in ada.labels.objects):
            assert mask.count > 0
            assert (store.path / "masks" / digest[:2] / digest).exists()


def test_a_read_only_store_can_be_pulled_from(ada: Person, bob: Person, store: FolderStore) -> None:
    ada.add()
    ada.push()
    for path in sorted(store.path.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    store.path.chmod(0o555)
    try:
        assert bob.pull().outcome == PULLED
    finally:
        for path in (store.path, *store.path.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_the_same_scan_is_known_by_its_voxels(tmp_path: Path, ada: Person, bob: Person) -> None:
    other = small_volume(tmp_path / "other", (24, 20, 13))
    scans = []
    for volume in (ada.volume, bob.volume, other):
        with LocalState(volume.dataset.project) as state:
            (seen,) = look(volume.dataset.project, state, [volume]).seen.values()
        scans.append(seen.scan.id)
    assert scans[0] == scans[1] != scans[2]
