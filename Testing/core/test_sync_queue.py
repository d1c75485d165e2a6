"""The queue of what is to be pushed and pulled."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedLabelLib.storage.project import Project
from MedLabelSyncLib.errors import AccessError, CancelledError, StoreError
from MedLabelSyncLib.queue import LONGEST_PAUSE, PULL, PUSH, Queue
from MedLabelSyncLib.stores.folder import FolderStore
from MedLabelSyncLib.working_off import worker
from support.commands import medlabel
from support.sync_projects import Person


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p")


def failing(*errors: Exception | None):
    left = list(errors)

    def do(item) -> None:
        error = left.pop(0)
        if error is not None:
            raise error

    return do


def test_what_was_asked_survives_and_is_asked_once(project: Project, clock: Clock) -> None:
    with Queue(project, clock) as queue:
        for verb, volume in ((PUSH, "a"), (PULL, "a"), (PUSH, "a"), (PUSH, "b")):
            queue.ask(verb, "house", volume)
    with Queue(project, clock) as queue:
        assert [(item.verb, item.volume) for item in queue.waiting()] == [
            (PUSH, "a"), (PULL, "a"), (PUSH, "b"),
        ]  # fmt: skip
        assert queue.work(failing(None, None, None)) == []
        assert queue.pause() is None


def test_pauses_double_and_end(project: Project, clock: Clock) -> None:
    with Queue(project, clock) as queue:
        queue.ask(PUSH, "house", "a")
        pauses = []
        for _ in range(12):
            queue.work(failing(StoreError("offline", temporary=True)))
            pauses.append(queue.pause())
            # before it is due nothing is tried
            queue.work(failing())
            clock.now += pauses[-1]
        assert pauses[:4] == [2, 4, 8, 16]
        assert max(pauses) == pauses[-1] == LONGEST_PAUSE
        assert queue.work(failing(None)) == []


def test_retry_after_is_honoured(project: Project, clock: Clock) -> None:
    with Queue(project, clock) as queue:
        queue.ask(PUSH, "house", "a")
        queue.work(failing(StoreError("busy", temporary=True, retry_after=90)))
        assert queue.pause() == 90


def test_what_only_the_user_can_help_waits_and_stops_no_other(project: Project, clock: Clock) -> None:
    with Queue(project, clock) as queue:
        queue.ask(PUSH, "house", "a")
        queue.ask(PUSH, "house", "b")
        (left,) = queue.work(failing(AccessError("wrong secret"), None))
        assert (left.volume, left.due, left.error) == ("a", None, "wrong secret")
        assert queue.pause() is None
        queue.ask(PUSH, "house", "a")
        assert queue.pause() == 0


def test_cancelling_keeps_what_is_left(project: Project, clock: Clock) -> None:
    with Queue(project, clock) as queue:
        for volume in "abc":
            queue.ask(PUSH, "house", volume)
        with pytest.raises(CancelledError):
            queue.work(failing(None, CancelledError("stopped")))
        assert [item.volume for item in queue.waiting()] == ["b", "c"]
        queue.cancel(queue.waiting()[0])
        assert [item.volume for item in queue.waiting()] == ["c"]


def test_asked_offline_and_done_when_the_store_is_back(tmp_path: Path, clock: Clock) -> None:
    store = FolderStore(tmp_path / "store")
    store.create()
    ada, bob = Person(tmp_path, "ada", store), Person(tmp_path, "bob", store)
    ada.add()
    store.path.rename(tmp_path / "away")
    do = worker(ada.project, lambda name: FolderStore(tmp_path / "store"), "ada", "command")
    with Queue(ada.project, clock) as queue:
        queue.ask(PUSH, "house", "scans/scan")
        (left,) = queue.work(do)
        assert "no store in this folder now" in left.error
        (tmp_path / "away").rename(store.path)
        clock.now += queue.pause()
        assert queue.work(do) == []
    assert bob.status == "behind"


def test_the_command_queues_and_goes_on(tmp_path: Path) -> None:
    environment = {"MEDLABEL_CONFIG": str(tmp_path / "config")}
    ada = Person(tmp_path, "ada", FolderStore(tmp_path / "house"))
    ada.add()
    medlabel("store", "add", "house", tmp_path / "house", environment=environment)
    (tmp_path / "house").rename(tmp_path / "away")
    offline = medlabel("push", ada.project.path, environment=environment)
    assert offline.status == 1
    assert any("--queued tries again" in line for line in offline.complaints)
    (tmp_path / "away").rename(tmp_path / "house")
    back = medlabel("push", ada.project.path, "--queued", "--json", environment=environment)
    assert back.document == {"waiting": []}
    assert ada.status == "same"
