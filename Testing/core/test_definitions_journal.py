"""Classes and tags in the journal: two processes at once, kills, other programs' changes, damage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from MedLabelLib.model.errors import FileFormatError, ProjectError
from MedLabelLib.storage.check import check_project, repair
from MedLabelLib.storage.following import bring_up_to_date
from MedLabelLib.storage.history_log import log_rows
from MedLabelLib.storage.project import META, Project
from MedLabelLib.storage.project_journal import add_classes, change_definitions, definitions_at
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from support.commands import medlabel
from support.small_project import small_volume

ADDER = """
import os, sys
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import add_classes
project = Project.open(sys.argv[1])
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    add_classes(project, {f"{sys.argv[2]} {number}": None}, sys.argv[2], "command")
    os.write(1, b".")
"""


def adder(project: Project, name: str, count: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", ADDER, str(project.path), name, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return small_volume(tmp_path / "p")


def outside(project: Project, edit) -> bytes:
    """What another program makes of meta.json."""
    data = json.loads((project.path / META).read_bytes())
    edit(data)
    content = json.dumps(data).encode()
    (project.path / META).write_bytes(content)
    return content


def without_node(data: dict) -> None:
    data["classes"] = [entry for entry in data["classes"] if entry["title"] != "node"]
    data["classes"][0]["color"] = "#112233"


def test_of_two_processes_that_add_classes_at_once_none_is_lost(volume: Volume) -> None:
    project, count = volume.dataset.project, 40
    adders = [adder(project, name, count) for name in ("ada", "bob")]
    for process in adders:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[0] for process in adders] == ["." * count] * 2
    names = [entry.name for entry in Project.open(project.path).definitions.classes]
    wanted = {f"{name} {number}" for name in ("ada", "bob") for number in range(count)}
    assert sorted(names) == sorted({"tumour", "node"} | wanted)
    rows = [row for row in log_rows(project) if row["kind"] == "definitions"]
    assert sorted(row["name"] for row in rows) == sorted(f"New class {name}" for name in wanted)
    # both were at it at the same time
    assert len({row["author"] for row in rows[: count + 5]}) == 2
    assert check_project(project) == []


@pytest.mark.prove
def test_killed_while_classes_are_added(tmp_path: Path, proof) -> None:
    project = small_volume(tmp_path / "p").dataset.project
    process, here = None, 0
    for number, random in enumerate(proof.cases(sample=6, full=200)):
        process = adder(project, f"run {number}", 10_000)
        process.stdin.write("go\n")
        process.stdin.flush()
        process.stdout.read(1)
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        acknowledged = 1 + len(process.communicate()[0])
        found = [entry.name for entry in Project.open(project.path).definitions.classes]
        here = sum(name.startswith(f"run {number} ") for name in found)
        assert here in (acknowledged, acknowledged + 1)
        assert bring_up_to_date(project, "command") == []
        assert check_project(project) == []
        # small again, so that a run of a thousand takes no longer at its end
        change_definitions(project, lambda now: type(now)(now.classes[:2]), "Reset", "", "command")


def test_a_valid_change_of_another_program_is_journalled_and_kept(volume: Volume) -> None:
    project = volume.dataset.project
    VolumeSession.open(volume, "Ada", "command").close()
    before, entry = project.definitions, list(log_rows(project))[-1]["entry"]
    content = outside(project, without_node)
    (found,) = check_project(project)
    assert (found.kind, found.what, found.path) == ("outside", "classes and tags", project.path / META)
    assert bring_up_to_date(project, "command") == []
    assert (project.path / META).read_bytes() == content
    row = list(log_rows(project))[-1]
    assert (row["kind"], row["author"], row["volume"]) == ("outside", "outside", "")
    assert definitions_at(project, entry) == before
    assert [c.name for c in project.definitions.classes] == ["tumour"]
    assert check_project(project) == []
    # opening a volume takes it in just as well, and a change of ours is added to it
    outside(project, lambda data: data["classes"].append({**data["classes"][0], "title": "cyst"}))
    with VolumeSession.open(volume, "Ada", "command") as session:
        assert session.notes == ["Classes and tags changed by another program"]
    outside(project, lambda data: data["classes"].append({**data["classes"][0], "title": "duct"}))
    add_classes(project, {"vein": None}, "Ada", "command")
    assert [c.name for c in project.definitions.classes] == ["tumour", "cyst", "duct", "vein"]
    assert [row["kind"] for row in log_rows(project)][-3:] == ["outside", "outside", "definitions"]


@pytest.mark.parametrize("damage", ["torn", "no classes", "missing"])
def test_a_damaged_file_is_mended_from_the_journal(volume: Volume, damage: str) -> None:
    project = volume.dataset.project
    VolumeSession.open(volume, "Ada", "command").close()
    add_classes(project, {"liver": None}, "Ada", "command")
    path = project.path / META
    good = path.read_bytes()
    bad = {"torn": good[: len(good) // 2], "no classes": b"{}", "missing": None}[damage]
    if bad is None:
        path.unlink()
    else:
        path.write_bytes(bad)
    with pytest.raises((FileFormatError, ProjectError)):
        Project.open(project.path)
    answer = medlabel("check", project.path, "--json")
    assert answer.status == 1
    (finding,) = answer.document["findings"]
    assert (finding["kind"], finding["what"]) == ("damage", "classes and tags")
    answer = medlabel("check", project.path, "--repair", "--json")
    assert (answer.status, answer.document["clean"]) == (0, True)
    assert path.read_bytes() == good
    kept = [kept.read_bytes() for kept in (project.private / "damaged").glob("*")]
    assert kept == ([] if bad is None else [bad])
    assert medlabel("check", project.path, "--json").document["findings"] == []


def test_an_older_content_is_stale_and_without_a_journal_nothing_mends(volume: Volume) -> None:
    project = volume.dataset.project
    VolumeSession.open(volume, "Ada", "command").close()
    path = project.path / META
    old = path.read_bytes()
    add_classes(project, {"liver": None}, "Ada", "command")
    new = path.read_bytes()
    path.write_bytes(old)
    bring_up_to_date(project, "command")
    assert path.read_bytes() == new
    (project.private / "journal.sqlite3").unlink()
    (project.private / "journal.head.json").unlink(missing_ok=True)
    path.write_bytes(b"{")
    (found,) = repair(Project.open_damaged(project.path))
    assert (found.kind, found.mended) == ("damage", False)
    assert found.reason == "there is no journal that holds it"


def test_a_change_that_cannot_be_written_is_not_there(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = volume.dataset.project
    before = project.definitions

    def full(path: Path, content: bytes) -> None:
        raise ProjectError("it cannot be written: no space left", path)

    monkeypatch.setattr("MedLabelLib.storage.project_journal.write_bytes", full)
    with pytest.raises(ProjectError, match="no space left"):
        add_classes(project, {"liver": None}, "Ada", "command")
    monkeypatch.undo()
    assert Project.open(project.path).definitions == before
    assert list(log_rows(project)) == []
    add_classes(project, {"liver": None}, "Ada", "command")
    assert len(list(log_rows(project))) == 1
