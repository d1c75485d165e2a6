"""What ``check`` sees and ``--repair`` mends: flipped bytes, torn journals, missing files, tampering."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from MedLabelApp.command import history_commands
from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output
from MedLabelLib.model.errors import LockedError, NotFoundError
from MedLabelLib.storage.check import check_project, repair
from MedLabelLib.storage.following import bring_up_to_date, volumes_behind
from MedLabelLib.storage.history_log import as_csv, as_json_lines, log_rows
from MedLabelLib.storage.journal.coding import decode_voxels, encode_voxels
from MedLabelLib.storage.journal.database import FILE_NAME
from MedLabelLib.storage.journal.errors import JournalDamagedError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import change_definitions, definitions_at
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.storage.volumes_journal import (
    delete_volume,
    deleted_volumes,
    record_import,
    restore_volume,
)
from support.plain_model import PlainModel, choose, do_in_session, plain, same
from support.small_project import SHAPE, add_small_volume, reopened, small_volume


def labeled(folder: Path, count: int, seed: int = 5) -> tuple[Volume, PlainModel]:
    """A volume after ``count`` random actions, and what it must hold."""
    volume = small_volume(folder)
    random, model = np.random.default_rng(seed), PlainModel(SHAPE)
    with VolumeSession.open(volume, "Ada", "browser", rest_seconds=1000) as session:
        for _ in range(count):
            action = choose(random, model)
            model.do(action)
            do_in_session(session, action)
    return volume, model


def journal_of(volume: Volume) -> Path:
    return volume.dataset.project.private / FILE_NAME


def drawn_in(volume: Volume) -> dict:
    return plain(reopened(volume).read_annotation())


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.001, 0.03, 0.5, 0.999, 1.0]))
def test_voxels_come_back_from_their_bytes(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(1, 60, 3))
    voxels = np.asfortranarray(random.random(shape) < density)
    code, body = encode_voxels(voxels)
    assert np.array_equal(decode_voxels(code, body, shape), voxels)


def test_long_runs_come_back_too() -> None:
    voxels = np.zeros((300, 300, 3), bool, order="F")
    voxels[:, :, 1] = True
    code, body = encode_voxels(voxels)
    assert code.startswith("runs32")
    assert np.array_equal(decode_voxels(code, body, voxels.shape), voxels)


@pytest.mark.prove
def test_a_flipped_byte_anywhere_in_a_mask_is_found_and_mended(tmp_path: Path, proof) -> None:
    volume, model = labeled(tmp_path / "p", 30)
    path = next(volume.mask_folder.glob("*.nrrd"))
    good = path.read_bytes()
    for random in proof.cases(sample=25, full=1000):
        bad = bytearray(good)
        bad[int(random.integers(len(bad)))] ^= 1 << int(random.integers(8))
        path.write_bytes(bad)
        found = check_project(volume.dataset.project)
        assert [item.path for item in found] == [path]
        if found[0].kind == "damage":
            assert [item.mended for item in repair(volume.dataset.project)] == [True]
            assert path.read_bytes() == good
            assert same(drawn_in(volume), model.now)
        path.write_bytes(good)


@pytest.mark.prove
def test_a_torn_journal_loses_no_label(tmp_path: Path, proof) -> None:
    """The journal cut anywhere, or overwritten anywhere: the newest labels are those of the files."""
    for number, random in enumerate(proof.cases(sample=12, full=400)):
        volume, model = labeled(tmp_path / f"p{number}", 60, int(random.integers(1000)))
        path = journal_of(volume)
        size = path.stat().st_size
        if random.random() < 0.5:
            with path.open("r+b") as stream:
                stream.truncate(int(random.integers(size)))
        else:
            with path.open("r+b") as stream:
                stream.seek(int(random.integers(size)))
                stream.write(random.bytes(5000))
        with VolumeSession.open(reopened(volume), "Ada", "browser") as session:
            if session.read_only:
                # damage that shows only in use is left to the repair
                assert "damaged" in session.read_only_reason
            else:
                assert same(plain(session.annotation), model.now), session.notes
        repair(volume.dataset.project)
        assert check_project(volume.dataset.project) == []
        assert same(drawn_in(volume), model.now)
        with VolumeSession.open(reopened(volume), "Ada", "browser") as session:
            assert not session.read_only
            assert same(plain(session.annotation), model.now)


def test_a_missing_journal_is_said(tmp_path: Path) -> None:
    volume, model = labeled(tmp_path / "p", 20)
    journal_of(volume).unlink()
    assert [item.problem for item in check_project(volume.dataset.project)] == ["the journal is missing"]
    with VolumeSession.open(volume, "Ada", "browser") as session:
        assert any(note.startswith("lost are its entries 1 to") for note in session.notes)
        assert same(plain(session.annotation), model.now)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE entries SET author = 'Eve' WHERE seq = 4",
        "UPDATE entries SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 9",
        "DELETE FROM entries WHERE seq = 6",
        "UPDATE entries SET ops = zeroblob(40) WHERE seq = 5 AND ops IS NOT NULL",
        "DELETE FROM entries WHERE seq > 12",
    ],
)
def test_tampering_shows(tmp_path: Path, tampering: str) -> None:
    volume, _ = labeled(tmp_path / "p", 20, seed=8)
    connection = sqlite3.connect(journal_of(volume), isolation_level=None)
    assert connection.execute(tampering).rowcount > 0
    connection.close()
    found = check_project(volume.dataset.project)
    assert any(item.what == "journal" and item.kind == "damage" for item in found)


def test_a_missing_annotation_is_written_again(tmp_path: Path) -> None:
    volume, model = labeled(tmp_path / "p", 20)
    volume.annotation_path.unlink()
    assert list(volume.dataset.project.volumes()) == []
    assert [item.problem for item in check_project(volume.dataset.project)] == [
        "the volume's annotation is missing"
    ]
    assert [item.mended for item in repair(volume.dataset.project)] == [True]
    assert same(drawn_in(volume), model.now)


def test_a_deleted_volume_comes_back(tmp_path: Path) -> None:
    volume, model = labeled(tmp_path / "p", 20)
    project = volume.dataset.project
    with VolumeSession.open(volume, "Bob", "browser"), pytest.raises(LockedError, match="Bob"):
        delete_volume(volume, "Ada", "command")
    volume_id = delete_volume(volume, "Ada", "command")
    assert list(project.volumes()) == []
    assert check_project(project) == []
    assert deleted_volumes(project) == {volume_id: "scans/scan"}
    back = restore_volume(project, volume_id, "Ada", "command")
    assert same(drawn_in(back), model.now)
    with VolumeSession.open(back, "Ada", "command") as session:
        assert (session.can_undo is None) == (not model.past)
    assert [row["kind"] for row in log_rows(project)][-2:] == ["delete", "undelete"]


def test_a_renamed_volume_keeps_its_history_and_a_copy_has_its_own(tmp_path: Path) -> None:
    volume, _ = labeled(tmp_path / "p", 20)
    with VolumeSession.open(volume, "Ada", "command") as session:
        history = session.history()
    for path in (volume.path, volume.annotation_path, volume.mask_folder):
        if path.exists():
            path.rename(path.with_name(path.name.replace("scan.nrrd", "other.nrrd")))
    renamed = next(Project.open(tmp_path / "p").volumes())
    with VolumeSession.open(renamed, "Ada", "command") as session:
        assert session.history() == history
    copy = add_small_volume(renamed.dataset.project, name="copy")
    copy.annotation_path.write_bytes(renamed.annotation_path.read_bytes())
    copy.mask_folder.parent.mkdir(exist_ok=True)
    for path in renamed.mask_folder.glob("*"):
        copy.mask_folder.mkdir(exist_ok=True)
        (copy.mask_folder / path.name).write_bytes(path.read_bytes())
    with VolumeSession.open(copy, "Ada", "command") as session:
        assert len(session.history()) == 1
    with VolumeSession.open(renamed, "Ada", "command") as session:
        assert session.history() == history


def test_files_that_a_crash_left_behind_are_brought_up_to_date(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    record_import(volume, "scan.nrrd", "Ada", "command")
    assert volumes_behind(volume.dataset.project) == []
    session = VolumeSession.open(volume, "Ada", "command", rest_seconds=1000)
    random, model = np.random.default_rng(1), PlainModel(SHAPE)
    for _ in range(9):
        action = choose(random, model)
        model.do(action)
        do_in_session(session, action)
    assert not same(drawn_in(volume), model.now)
    session._journal.let_go(session._opened.volume_id, session._opened.token)
    session._journal.close()
    assert [found.label for found in volumes_behind(volume.dataset.project)] == ["scans/scan"]
    assert bring_up_to_date(volume.dataset.project, "command") == []
    assert same(drawn_in(volume), model.now)


def test_classes_are_journalled(tmp_path: Path) -> None:
    project = small_volume(tmp_path / "p").dataset.project
    before = project.definitions
    first = change_definitions(project, before.with_class("liver"), "Add liver", "Ada", "command")
    change_definitions(project, project.definitions.with_class("spleen"), "Add spleen", "Ada", "command")
    assert change_definitions(project, project.definitions, "nothing", "Ada", "command") is None
    assert [entry.name for entry in definitions_at(project, first).classes] == ["tumour", "node", "liver"]
    assert definitions_at(project, first - 1) == before


def test_the_log_as_csv_and_json_lines(tmp_path: Path) -> None:
    volume, _ = labeled(tmp_path / "p", 12)
    with VolumeSession.open(volume, "=1+1", "command") as session:
        session.undo()
    rows = list(log_rows(volume.dataset.project, volume))
    assert [json.loads(line) for line in as_json_lines(rows).splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [int(row["entry"]) for row in read] == [row["entry"] for row in rows]
    assert read[-1]["author"] == "'=1+1"
    assert rows[-1]["kind"] == "undo"
    assert {row["volume"] for row in rows} == {"scans/scan"}


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    volume, model = labeled(tmp_path / "p", 25, seed=2)
    parser = argparse.ArgumentParser()
    history_commands.register(parser.add_subparsers())
    path = str(tmp_path / "p")

    def run(*words: str) -> dict:
        args = parser.parse_args(list(words))
        return args.run(args, Output())

    assert run("check", path)["clean"]
    done = run("undo", path, "scan", "--steps", "2")
    assert len(done["steps"]) == 2
    model.do(("undo", {}))
    model.do(("undo", {}))
    assert same(drawn_in(volume), model.now)
    run("redo", path, "scan")
    model.do(("redo", {}))
    assert same(drawn_in(volume), model.now)
    first = run("log", path, "scan")["entries"][0]["entry"]
    run("restore", path, "scan", "--to", str(first))
    assert drawn_in(volume)["objects"] == []
    run("undo", path, "scan")
    assert same(drawn_in(volume), model.now)
    run("redo", path, "scan")
    with pytest.raises(NotFoundError, match="nothing to redo in scans/scan"):
        run("redo", path, "scan")
    run("undo", path, "scan")
    mask = next(volume.mask_folder.glob("*.nrrd"))
    mask.unlink()
    with pytest.raises(PartlyDoneError, match="1 things are damaged"):
        run("check", path)
    assert run("check", path, "--repair")["clean"]
    capsys.readouterr()
    run("log", path, "--csv")
    assert capsys.readouterr().out.startswith("entry,when,author")


def test_pruned_history_is_gone_and_the_rest_stays(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    random, model = np.random.default_rng(4), PlainModel(SHAPE)
    with VolumeSession.open(volume, "Ada", "browser", rest_seconds=1000) as session:
        while len(model.past) < 12:
            action = choose(random, model)
            model.do(action)
            do_in_session(session, action)
        steps = [entry for entry in session.history() if not entry.undone]
        until = steps[6].id
        assert session.prune(until) > 0
        with pytest.raises(JournalDamagedError, match="cannot be had"):
            session.preview(steps[3].id)
    with VolumeSession.open(reopened(volume), "Ada", "browser") as session:
        assert same(plain(session.annotation), model.now)
        undone = 0
        while session.undo():
            undone += 1
            model.do(("undo", {}))
        assert undone == len(steps) - 7
        assert same(plain(session.annotation), model.now)
    assert check_project(volume.dataset.project) == []


def test_many_entries_keep_few_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedLabelLib.storage.saving.CHECKPOINT_EVERY", 5)
    monkeypatch.setattr("MedLabelLib.storage.journal.pruning.CHECKPOINT_SPAN", 50)
    volume = small_volume(tmp_path / "p")
    random, model, states = np.random.default_rng(4), PlainModel(SHAPE), {}
    with VolumeSession.open(volume, "Ada", "browser", rest_seconds=1000) as session:
        for _ in range(200):
            action = choose(random, model)
            model.do(action)
            do_in_session(session, action)
            session.flush()
            states[session._state.seq] = model.now
        with session._journal.reading() as connection:
            assert connection.execute("SELECT count(*) FROM checkpoints").fetchone()[0] < 10
        for seq in random.choice(sorted(states), 20):
            assert same(plain(session.preview(int(seq))), states[int(seq)])
