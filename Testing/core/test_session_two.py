"""Two who want the same volume, on a disk and on a network folder; and what other programs change."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.model.annotation import LabelObject, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import AnnotationError
from MedLabelLib.storage.check import check_project
from MedLabelLib.storage.journal import leases, network
from MedLabelLib.storage.journal.errors import JournalError, TakenOverError
from MedLabelLib.storage.journal.process import ProcessIdentity, this_process
from MedLabelLib.storage.mask_file import write_mask
from MedLabelLib.storage.session import ReadOnlyError, VolumeSession
from MedLabelLib.storage.volume import Volume
from support.small_project import reopened, small_volume

HOLDER = """
import sys
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.model.annotation import LabelObject
volume = next(Project.open(sys.argv[1]).volumes())
session = VolumeSession.open(volume, "Ada", "browser", rest_seconds=1000)
print(session.read_only_reason or "editing", flush=True)
for line in sys.stdin:
    try:
        with session.edit("from the other process") as edit:
            edit.add_object(LabelObject("node"))
        print("done", flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


class Other:
    """A session on the same volume in a process of its own."""

    def __init__(self, volume: Volume) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(volume.dataset.project.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        self.said = self.hear()

    def hear(self) -> str:
        return self.process.stdout.readline().strip()

    def edit(self) -> str:
        self.process.stdin.write("edit\n")
        self.process.stdin.flush()
        return self.hear()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return small_volume(tmp_path / "p")


@pytest.fixture
def other(volume: Volume):
    found = Other(volume)
    yield found
    found.kill()


def drawn(session: VolumeSession, name: str = "Brush", edit_id: str | None = None) -> str:
    with session.edit(name, "brush", edit_id) as edit:
        key = edit.add_object(LabelObject("tumour")).key
        edit.write_mask(key, Box((2, 3, 4), (6, 8, 6)), np.ones((4, 5, 2), bool))
    return key


def test_the_second_looks_on_and_may_take_over(volume: Volume, other: Other) -> None:
    assert other.said == "editing"
    assert other.edit() == "done"
    second = VolumeSession.open(volume, "Bob", "command")
    assert "Ada (browser, process" in second.read_only_reason
    assert str(other.process.pid) in second.read_only_reason
    assert len(second.annotation.objects) == 1
    with pytest.raises(ReadOnlyError, match="Ada"), second.edit("no"):
        pass
    second.close()
    with VolumeSession.open(volume, "Bob", "command", take_over=True) as taker:
        assert not taker.read_only
        drawn(taker)
        assert other.edit() == "TakenOverError"
        assert other.edit() == "ReadOnlyError"
        assert len(taker.annotation.objects) == 2
    assert check_project(volume.dataset.project) == []


def test_the_first_learns_of_a_takeover_without_an_edit(volume: Volume) -> None:
    first = VolumeSession.open(volume, "Ada", "browser")
    drawn(first)
    assert not first.notice_takeover()
    second = VolumeSession.open(volume, "Bob", "desktop", take_over=True)
    assert first.notice_takeover()
    assert "Bob" in first.read_only_reason
    assert "desktop" in first.read_only_reason
    assert not first.notice_takeover()
    with pytest.raises(ReadOnlyError):
        drawn(first)
    assert not second.notice_takeover()
    first.close()
    assert not second.notice_takeover()
    second.close()


def test_a_dead_process_holds_nothing(volume: Volume, other: Other) -> None:
    assert other.edit() == "done"
    other.kill()
    with VolumeSession.open(volume, "Bob", "command") as session:
        assert not session.read_only
        assert len(session.annotation.objects) == 1


def test_a_number_that_is_used_again_is_another_process() -> None:
    mine = this_process()
    assert mine.alive() is True
    assert ProcessIdentity(mine.host, mine.pid, mine.started + "1").alive() is False
    assert ProcessIdentity("elsewhere", mine.pid, mine.started).alive() is None


def test_a_network_folder_has_no_wal_and_one_lease(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    first = Other(volume)
    assert first.said == "editing"
    assert first.edit() == "done"
    private = volume.dataset.project.private
    assert not (private / "journal.sqlite3-wal").exists()
    with sqlite3.connect(private / "journal.sqlite3") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
    connection.close()
    looker = VolumeSession.open(volume, "Bob", "command")
    assert "one process edits at a time, and Ada" in looker.read_only_reason
    looker.close()
    assert first.edit() == "done"
    first.kill()
    with VolumeSession.open(volume, "Bob", "command") as session:
        assert not session.read_only, session.read_only_reason
        assert len(session.annotation.objects) == 2
        second = Other(volume)
        assert "Bob" in second.said
        second.kill()
    assert not (private / leases.LEASE_NAME).exists()


def test_a_network_lease_of_a_silent_host_is_taken(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    path = volume.dataset.project.private / leases.LEASE_NAME
    holder = {
        "token": "x",
        "face": "browser",
        "author": "Eve",
        "since": "2026-01-01T00:00:00+00:00",
        "beat": 0,
    }
    path.write_text(json.dumps({**holder, "process": {"host": "far", "pid": 1, "started": "1"}}))
    session = VolumeSession.open(volume, "Bob", "command")
    assert "Eve" in session.read_only_reason
    session.close()
    long_ago = path.stat().st_mtime - leases.GONE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    with VolumeSession.open(volume, "Bob", "command") as session:
        assert not session.read_only


@pytest.mark.parametrize(
    ("folder", "remote"), [("/data/share/p", True), ("/data/other", False), ("/home/x", False), ("/n", True)]
)
def test_the_table_of_mounts_tells_network_folders(folder: str, remote: bool) -> None:
    mounts = [("/", "ext4"), ("/data", "xfs"), ("/data/share", "nfs4"), ("/n", "ext4"), ("/n", "cifs")]
    assert (network._kind_of_mount(Path(folder), mounts) in network._KINDS) is remote


def test_a_valid_change_from_outside_is_taken_in_and_can_be_undone(volume: Volume) -> None:
    with VolumeSession.open(volume, "Ada", "command") as session:
        key = drawn(session)
    annotation = reopened(volume).read_annotation()
    entry = annotation.object(key)
    entry.mask.write(Box((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), bool))
    write_mask(volume.mask_path(entry.mask_key), entry.mask, volume.geometry())
    data = json.loads(volume.annotation_path.read_bytes())
    data["objects"][0]["classTitle"] = "node"
    volume.annotation_path.write_text(json.dumps(data))
    assert {item.kind for item in check_project(volume.dataset.project)} == {"outside"}
    with VolumeSession.open(volume, "Ada", "command") as session:
        now = session.annotation.object(key)
        assert now.class_name == "node"
        assert now.mask == entry.mask
        assert session.history()[-1].author == "outside"
        session.undo()
        assert session.annotation.object(key).mask.count == 40
    assert reopened(volume).read_annotation().object(key).class_name == "tumour"
    assert check_project(volume.dataset.project) == []


def test_an_invalid_change_is_mended_and_kept_aside(volume: Volume) -> None:
    with VolumeSession.open(volume, "Ada", "command") as session:
        key = drawn(session)
    volume.annotation_path.write_text("{ torn")
    assert [item.kind for item in check_project(volume.dataset.project)] == ["damage"]
    with VolumeSession.open(volume, "Ada", "command") as session:
        assert session.annotation.object(key).mask.count == 40
        assert any("written anew" in note for note in session.notes)
    assert check_project(volume.dataset.project) == []
    kept = list((volume.dataset.project.private / "damaged").iterdir())
    assert [path.read_text() for path in kept] == ["{ torn"]


def test_an_edit_sent_again_after_a_restart_is_known(volume: Volume) -> None:
    with VolumeSession.open(volume, "Ada", "browser") as session:
        drawn(session, edit_id="stroke-1")
    with VolumeSession.open(reopened(volume), "Ada", "browser") as session:
        with session.edit("Brush", "brush", "stroke-1") as edit:
            assert edit.repeated
            edit.add_object(LabelObject("node"))
        assert len(session.annotation.objects) == 1


def test_a_failing_block_leaves_nothing(volume: Volume) -> None:
    with VolumeSession.open(volume, "Ada", "browser") as session:
        heard: list = []
        session.listen(heard.append)

        def half() -> None:
            with session.edit("half") as edit:
                edit.set_volume_tags([Tag("t")])
                edit.add_object(LabelObject("node"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            half()
        with pytest.raises(AnnotationError, match="not defined"), session.edit("unknown") as edit:
            edit.add_object(LabelObject("liver"))
        with session.edit("nothing"):
            pass
        assert session.annotation.objects == []
        assert session.annotation.tags == []
        assert heard == []
        assert len(session.history()) == 1


def test_a_locked_journal_is_said_and_the_edit_works_later(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MedLabelLib.storage.journal.database.BUSY_SECONDS", 0.1)
    with VolumeSession.open(volume, "Ada", "browser") as session:
        blocker = sqlite3.connect(volume.dataset.project.private / "journal.sqlite3", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another process is holding it"):
            drawn(session)
        assert session.annotation.objects == []
        assert (session.saved.state, bool(session.saved.reason)) == ("not saved", True)
        blocker.execute("ROLLBACK")
        blocker.close()
        drawn(session)
        assert session.saved.state == "saved"


def test_provenance_follows_undo_and_restore(volume: Volume) -> None:
    with VolumeSession.open(volume, "Ada", "browser") as session:
        key = drawn(session)
        first = session.history()[-1].id
        session.author = "Bob"
        with session.edit("Fill", "interpolate") as edit:
            edit.set_provenance("interpolated")
            edit.write_mask(key, Box((2, 3, 5), (6, 8, 8)), np.zeros((4, 5, 3), bool) | (np.arange(3) > 0))
        origins = {index: (o.kind, o.author) for index, o in session.provenance(key).items()}
        ada, bob = ("drawn", "Ada"), ("interpolated", "Bob")
        assert origins == {4: ada, 5: bob, 6: bob, 7: bob}
        session.undo()
        assert {o.entry for o in session.provenance(key).values()} == {first}
        session.redo()
        session.restore(first)
        assert {index: o.entry for index, o in session.provenance(key).items()} == {4: first, 5: first}


def test_the_taken_over_session_loses_nothing_acknowledged(volume: Volume) -> None:
    old = VolumeSession.open(volume, "Ada", "browser", rest_seconds=1000)
    key = drawn(old)
    new = VolumeSession.open(volume, "Bob", "desktop", take_over=True, rest_seconds=1000)
    assert new.annotation.object(key).mask.count == 40
    with pytest.raises(TakenOverError, match="Bob"):
        drawn(old)
    assert old.read_only
    assert len(old.annotation.objects) == 1
    old.close()
    drawn(new)
    new.close()
    assert len(reopened(volume).read_annotation().objects) == 2
