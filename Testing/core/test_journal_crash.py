"""Whatever kills the writer, every edit that was acknowledged is there, and the project checks clean."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.storage.check import check_project, repair
from MedLabelLib.storage.journal.errors import JournalError
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from support.needs import lacking
from support.plain_model import PlainModel, choose, do_in_session, plain, same
from support.power_cut import Disk
from support.small_project import SHAPE, reopened, small_volume

WRITER = Path(__file__).resolve().parents[1] / "support" / "journal_writer.py"


def write(volume: Volume, seed: int, begin: int, acknowledge: int, flush_every: int = 7) -> None:
    """Do action after action of a seed, from action ``begin`` on; each is acknowledged when it is done."""
    random, model = np.random.default_rng(seed), PlainModel(SHAPE)
    for _ in range(begin):
        model.do(choose(random, model))
    session = VolumeSession.open(volume, "writer", "command", rest_seconds=0.005)
    assert not session.read_only, session.read_only_reason
    number = begin
    while True:
        action = choose(random, model)
        model.do(action)
        do_in_session(session, action)
        number += 1
        os.write(acknowledge, number.to_bytes(4, "little"))
        if number % flush_every == 0:
            session.flush()


def killed_writer(volume: Volume, seed: int, begin: int, after: float) -> int:
    """Let a writer work in a process of its own, kill it; the number of the last acknowledged action."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(volume, seed, begin, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer failed before it was killed"
    with os.fdopen(read_end, "rb") as stream:
        content = stream.read()
    return int.from_bytes(content[-4:], "little") if content else begin


def model_after(seed: int, count: int) -> PlainModel:
    random, model = np.random.default_rng(seed), PlainModel(SHAPE)
    for _ in range(count):
        model.do(choose(random, model))
    return model


def arrived(volume: Volume, seed: int, acknowledged: int) -> int:
    """How many actions the volume holds: those acknowledged, and perhaps the one under way."""
    with VolumeSession.open(volume, "reader", "command") as session:
        assert not session.read_only, session.read_only_reason
        now = plain(session.annotation)
    for count in (acknowledged, acknowledged + 1):
        if same(now, model_after(seed, count).now):
            break
    else:
        pytest.fail(f"after {acknowledged} acknowledged actions the volume holds something else")
    assert same(plain(reopened(volume).read_annotation()), now), "the files do not follow"
    return count


@pytest.mark.prove
def test_killed_at_random_moments(tmp_path: Path, proof) -> None:
    for number, random in enumerate(proof.cases(sample=25, full=1000)):
        volume = small_volume(tmp_path / f"p{number}")
        seed, done = int(random.integers(2**31)), 0
        for _ in range(2):
            done = arrived(volume, seed, killed_writer(volume, seed, done, random.uniform(0.004, 0.08)))
            assert check_project(volume.dataset.project) == []
        shutil.rmtree(tmp_path / f"p{number}")


@pytest.mark.prove
def test_killed_and_a_mask_file_gone(tmp_path: Path, proof) -> None:
    for number, random in enumerate(proof.cases(sample=8, full=200)):
        volume = small_volume(tmp_path / f"p{number}")
        seed = int(random.integers(2**31))
        done = killed_writer(volume, seed, 0, random.uniform(0.03, 0.08))
        masks = sorted(volume.mask_folder.glob("*.nrrd"))
        for path in masks[:1]:
            if random.random() < 0.5:
                path.unlink()
            else:
                content = bytearray(path.read_bytes())
                content[len(content) // 2 :] = b""
                path.write_bytes(content)
        repair(volume.dataset.project)
        assert check_project(volume.dataset.project) == []
        arrived(volume, seed, done)
        shutil.rmtree(tmp_path / f"p{number}")


@pytest.mark.prove
def test_power_cut(tmp_path: Path, proof) -> None:
    """Every write, sync and rename of a real writer is recorded; a cut drops or tears what was not synced."""
    if shutil.which("strace") is None:
        lacking("strace is not installed: make setup-test")
    volume = small_volume(tmp_path / "p")
    VolumeSession.open(volume, "writer", "command").close()
    root = volume.dataset.project.path
    before = Disk.of_folder(root)
    seed, trace = 11, tmp_path / "trace"
    with (tmp_path / "acks").open("wb") as acks:
        subprocess.run(
            ["strace", "-xx", "-y", "-s", "10000000", "-o", str(trace), "-e",
             "trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,unlink",
             sys.executable, str(WRITER), str(root), str(seed), "60"],
            stdout=acks, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    events = before.events(trace, acks=tmp_path / "acks")
    assert sum(event.kind == "ack" for event in events) == 60
    assert sum(event.kind == "sync" for event in events) > 60
    for random in proof.cases(sample=25, full=1000):
        cut = int(random.integers(len(events) + 1))
        disk, acknowledged = before.copy(), 0
        for event in events[:cut]:
            if event.kind == "ack":
                acknowledged = event.number
            else:
                disk.take(event)
        shutil.rmtree(root)
        disk.cut(random).write(root)
        arrived(reopened(volume), seed, acknowledged)
        assert check_project(volume.dataset.project) == [], cut


def test_disk_full(tmp_path: Path) -> None:
    """A write that fails leaves the labels as they were and says so; when there is room again it goes on."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            _fill_disk(small_volume(tmp_path / "p"))
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def _fill_disk(volume: Volume) -> None:
    session = VolumeSession.open(volume, "writer", "command", rest_seconds=1000)
    random, model = np.random.default_rng(3), PlainModel(SHAPE)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    failures = 0
    for number in range(60):
        action = choose(random, model)
        model.do(action)
        if number % 3 == 2:
            wal = session.volume.dataset.project.private / "journal.sqlite3-wal"
            resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100, hard))
            before = plain(session.annotation)
            try:
                do_in_session(session, action)
            except JournalError:
                failures += 1
                assert same(plain(session.annotation), before)
                assert session.saved.state == "not saved"
                assert session.saved.reason
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
                do_in_session(session, action)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        else:
            do_in_session(session, action)
        assert session.saved.state == "saved"
        assert same(plain(session.annotation), model.now)
    assert failures > 5
    session.close()
    assert check_project(volume.dataset.project) == []
    with VolumeSession.open(reopened(volume), "reader", "command") as again:
        assert same(plain(again.annotation), model.now)
