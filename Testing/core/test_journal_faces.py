"""One journal under all faces: imports, deletions and restores, from one process into another."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.storage import volumes_journal
from MedLabelLib.storage.check import check_project, repair
from MedLabelLib.storage.following import bring_up_to_date
from MedLabelLib.storage.history_log import log_rows
from MedLabelLib.storage.journal.database import FILE_NAME
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.storage.volumes_journal import delete_volume, deleted_volumes, restore_volume
from support.commands import medlabel
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers
from support.plain_model import PlainModel, choose, do_in_session, plain, same
from support.small_project import SHAPE, add_small_volume, reopened, small_volume

# paints in the browser's name, says what it did, and is killed before it can write a file
PAINTER = """
import os, signal, sys
import numpy as np
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
session = VolumeSession.open(next(Project.open(sys.argv[1]).volumes()), "Ada", "browser", rest_seconds=1000)
with session.edit("New tumour", "objects") as edit:
    edit.add_object(LabelObject("tumour", key="a" * 32))
for k in range(3):
    with session.edit(f"Brush on tumour #1, axial {k}", "brush") as edit:
        edit.write_mask("a" * 32, Box((0, 0, k), (5, 4, k + 1)), np.ones((5, 4, 1), bool))
with session.edit("Segment", "segment") as edit:
    edit.set_provenance("model", "lungs 1.2")
    edit.write_mask("a" * 32, Box((0, 0, 5), (5, 4, 6)), np.ones((5, 4, 1), bool))
os.kill(os.getpid(), signal.SIGKILL)
"""


def painted(volume: Volume) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PAINTER, str(volume.dataset.project.path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL


def slices(volume: Volume) -> list[int]:
    """The axial slices of the tumour that have voxels; none when it is not there."""
    with VolumeSession.open(reopened(volume), "", "command", read_only=True) as session:
        if not session.annotation.objects:
            return []
        (entry,) = session.annotation.objects
        return np.flatnonzero(entry.mask.full().any(axis=(0, 1))).tolist()


def test_what_a_killed_browser_painted_the_command_line_undoes_and_restores(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    path = volume.dataset.project.path
    painted(volume)
    assert slices(volume) == [0, 1, 2, 5]
    done = medlabel("undo", path, "scan", "--json").document
    assert [step["name"] for step in done["steps"]] == ["Segment"]
    assert done["can_undo"] == "Brush on tumour #1, axial 2"
    assert slices(volume) == [0, 1, 2]
    medlabel("redo", path, "scan")
    assert slices(volume) == [0, 1, 2, 5]

    rows = medlabel("log", path, "scan", "--json").document["entries"]
    segment = next(row for row in rows if row["name"] == "Segment")
    assert (segment["tool"], segment["provenance"], segment["model"]) == ("segment", "model", "lungs 1.2")
    assert (segment["author"], segment["face"], segment["kind"]) == ("Ada", "browser", "edit")
    assert [(row["kind"], row["target"], row["face"]) for row in rows[-2:]] == [
        ("undo", segment["entry"], "command"),
        ("redo", segment["entry"], "command"),
    ]
    first = next(row["entry"] for row in rows if row["name"].endswith("axial 0"))

    # the whole, one object, and an object that was deleted: each can be undone
    medlabel("restore", path, "scan", "--to", str(first))
    assert slices(volume) == [0]
    medlabel("undo", path, "scan")
    assert slices(volume) == [0, 1, 2, 5]
    medlabel("restore", path, "scan", "--to", str(first), "--object", "tumour#1")
    assert slices(volume) == [0]
    medlabel("undo", path, "scan")
    with VolumeSession.open(reopened(volume), "Bob", "browser") as session, session.edit("Delete") as edit:
        edit.remove_object("a" * 32)
    assert slices(volume) == []
    medlabel("restore", path, "scan", "--to", str(segment["entry"]), "--object", "aaaa")
    assert slices(volume) == [0, 1, 2, 5]
    medlabel("undo", path, "scan")
    assert slices(volume) == []
    assert check_project(volume.dataset.project) == []


def test_a_volume_is_deleted_and_brought_back_by_the_command_line(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    path = volume.dataset.project.path
    painted(volume)
    answer = medlabel("delete", path, "scan", "--json").document
    assert answer["volume"] == "scans/scan"
    assert medlabel("list", path, "--json").document["datasets"][0]["volumes"] == []
    assert medlabel("check", path, "--json").document["findings"] == []
    back = medlabel("restore", path, "scan", "--json")
    assert (back.status, back.document["volume"]) == (0, "scans/scan")
    assert slices(volume) == [0, 1, 2, 5]
    medlabel("undo", path, "scan")
    assert slices(volume) == [0, 1, 2]
    kinds = [row["kind"] for row in log_rows(volume.dataset.project)]
    assert kinds[-3:] == ["delete", "undelete", "undo"]
    answer = medlabel("restore", path, "scan", "--json")
    assert answer.status == 1
    assert "--to" in answer.document["error"]


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("way", ["delete", "restore"])
@pytest.mark.parametrize("moves", [0, 1, 2])
@pytest.mark.parametrize("mender", ["opening", "repair"])
def test_an_interrupted_deletion_or_return_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, moves: int, mender: str
) -> None:
    volume, model = small_volume(tmp_path / "p"), PlainModel(SHAPE)
    project, random = volume.dataset.project, np.random.default_rng(5)
    with VolumeSession.open(volume, "Ada", "command") as session:
        for _ in range(25):
            action = choose(random, model)
            model.do(action)
            do_in_session(session, action)
    volume_id = delete_volume(volume, "Ada", "command") if way == "restore" else ""
    real, left = volumes_journal._move, [moves]

    def move(source: Path, target: Path) -> None:
        if left[0] == 0:
            raise Interrupted
        left[0] -= 1
        real(source, target)

    monkeypatch.setattr(volumes_journal, "_move", move)
    work = partial(delete_volume, volume) if way == "delete" else partial(restore_volume, project, volume_id)
    with pytest.raises(Interrupted):
        work("Ada", "command")
    monkeypatch.undo()
    found = check_project(project)
    assert "interrupted" in found[0].problem
    if mender == "opening":
        assert bring_up_to_date(project, "command") == []
    else:
        assert all(item.mended for item in repair(project))
    assert check_project(project) == []
    if way == "delete":
        assert list(project.volumes()) == []
        restore_volume(project, next(iter(deleted_volumes(project))), "Ada", "command")
    assert same(plain(reopened(volume).read_annotation()), model.now)
    assert deleted_volumes(project) == {}


def test_a_new_volume_in_the_place_of_a_deleted_one_stays(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    project = volume.dataset.project
    delete_volume(volume, "Ada", "command")
    add_small_volume(project)
    assert bring_up_to_date(project, "command") == []
    assert [v.label for v in project.volumes()] == ["scans/scan"]
    answer = medlabel("restore", project.path, "scans/scan", "--json")
    assert "there is a volume scans/scan now" in answer.document["error"]


def test_imports_are_journalled_and_name_no_path(tmp_path: Path) -> None:
    folder = tmp_path / "DOE^JANE 1960"
    Series(numbers((6, 5, 4)), every={"SeriesDescription": "Thorax"}).write(folder / "ct")
    other = small_volume(tmp_path / "other").dataset.project
    with VolumeSession.open(next(other.volumes()), "Cy", "browser") as session:
        random, model = np.random.default_rng(5), PlainModel(SHAPE)
        for _ in range(9):
            action = choose(random, model)
            model.do(action)
            do_in_session(session, action)
    project = Project.create(tmp_path / "p", Definitions((LabelClass("liver"),)))
    answer = medlabel("import", project.path, folder / "ct", tmp_path / "other", "--json")
    assert answer.status == 0, answer.complaints
    rows = list(log_rows(project))
    assert sorted(row["volume"] for row in rows if row["kind"] == "base") == sorted(answer.document["added"])
    assert {row["tool"] for row in rows if row["kind"] == "base"} == {"import"}
    assert all(row["name"].startswith("Import ") for row in rows if row["kind"] == "base")
    assert [row["name"] for row in rows if row["kind"] == "definitions"] == ["Classes and tags of other"]
    text = json.dumps(rows)
    with sqlite3.connect(project.private / FILE_NAME) as connection:
        text += "\n".join(connection.iterdump())
    for secret in ("DOE", "JANE", "1960", str(tmp_path), PATIENT, PATIENT_ID):
        assert secret not in text
    # its labels can be mended from the start
    copied = project.find_volume("scans/scan")
    for path in copied.mask_folder.glob("*.nrrd"):
        path.write_bytes(b"")
    assert all(item.mended for item in repair(project))
    assert same(plain(reopened(copied).read_annotation()), model.now)


def test_an_import_that_the_journal_cannot_take_in_is_there_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = small_volume(tmp_path / "other").path
    project = Project.create(tmp_path / "p")
    (project.private / FILE_NAME).mkdir()
    report = import_sources(project, [scan])
    assert [volume.label for volume in report.added] == ["ds0/scan"]
    assert any("journal" in text for _, text in report.warnings)


def test_the_log_has_the_same_in_every_form(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    path = volume.dataset.project.path
    painted(volume)
    medlabel("label", path, "scan", "node", "--from", volume.path)
    rows = medlabel("log", path, "--json").document["entries"]
    assert rows[-1]["provenance"] == "imported"
    lines = [json.loads(line) for line in medlabel("log", path, "--jsonl").lines]
    assert lines == rows
    table = list(csv.DictReader(io.StringIO("\n".join(medlabel("log", path, "--csv").lines))))
    assert [row["hash"] for row in table] == [row["hash"] for row in rows]
    assert list(table[0]) == list(rows[0])
    people = "\n".join(medlabel("log", path).lines)
    for word in ("brush", "model lungs 1.2", "imported", "Ada", "browser"):
        assert word in people

    with sqlite3.connect(volume.dataset.project.private / FILE_NAME) as connection:
        connection.execute("UPDATE entries SET author = 'Eve' WHERE seq = ?", (rows[1]["entry"],))
    answer = medlabel("check", path, "--json")
    assert answer.status == 1
    problems = [finding["problem"] for finding in answer.document["findings"]]
    assert problems[0] == f"entry {rows[1]['entry']} was altered"
