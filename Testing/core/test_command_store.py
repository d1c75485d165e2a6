"""``medlabel store``, ``push``, ``pull`` and ``status``, run as a user does."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedLabelLib.model.errors import FileFormatError
from MedLabelLib.storage.project import Project
from MedLabelSyncLib.stores.address import parse_address
from MedLabelSyncLib.stores.configured import ConfiguredStore, StoreList
from MedLabelSyncLib.stores.secret import find_secret
from support.commands import Answer, medlabel
from support.sync_projects import Person, label_everything

SECRET = "hunter2-not-to-be-seen"


@pytest.fixture
def run(tmp_path: Path):
    environment = {
        "MEDLABEL_CONFIG": str(tmp_path / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "MEDLABEL_STORE_PACS_SECRET": SECRET,
    }

    def run(*arguments: str | Path) -> Answer:
        return medlabel(*arguments, environment=environment)

    return run


def test_from_one_project_to_another(tmp_path: Path, run) -> None:
    ada, bob = Person(tmp_path, "ada", None), Person(tmp_path, "bob", None)
    label_everything(ada)
    assert run("store", "add", "house", tmp_path / "house").status == 0
    assert run("status", ada.project.path, "--json").document["volumes"][0]["status"] == "not there"
    pushed = run("push", ada.project.path, "--json").document
    assert (pushed["volumes"][0]["outcome"], pushed["volumes"][0]["bytes"] > 0) == ("pushed", True)
    assert run("push", ada.project.path).lines == ["scans/scan: nothing to push (same)"]
    assert run("status", bob.project.path).lines[1].split() == ["scans/scan", "behind"]
    assert run("pull", bob.project.path).lines == ["scans/scan: pulled"]
    assert bob.digest == ada.digest
    log = run("log", bob.project.path, "--json").document["entries"]
    assert any(row["name"].startswith("Pull labels of") for row in log)


def test_conflicts_are_listed_and_resolved(tmp_path: Path, run) -> None:
    ada, bob = Person(tmp_path, "ada", None), Person(tmp_path, "bob", None)
    ada.add()
    bob.add(class_name="node")
    run("store", "add", "house", tmp_path / "house")
    run("push", ada.project.path)
    refused = run("pull", bob.project.path, "--json")
    assert refused.status == 1
    assert "voxels were changed on both sides" in refused.document["volumes"][0]["conflicts"][0]
    assert run("pull", bob.project.path, "--prefer", "both").lines == ["scans/scan: merged"]
    assert len(Project.open(bob.project.path).find_volume("scan").read_annotation().objects) == 2


def test_stores_are_listed_tested_and_removed(tmp_path: Path, run) -> None:
    run("store", "add", "house", tmp_path / "house")
    assert run("store", "test", "house").lines == ["house: it can be read and written"]
    assert run("store", "add", "house", tmp_path / "other").status == 1
    (tmp_path / "house" / "medlabel-store.json").unlink()
    (tmp_path / "house").rmdir()
    gone = run("store", "test", "--json")
    assert (gone.status, gone.document["stores"][0]["works"]) == (1, False)
    assert run("store", "remove", "house").status == 0
    assert run("store", "list", "--json").document == {"stores": []}
    assert run("status", tmp_path).status == 1


@pytest.mark.parametrize(
    "address",
    ["ftp://host/x", "dicomweb+ftp://host", "dicomweb+https://u:p@host", "dicomweb+https://host?a=b",
     "supervisely+https://", "dicomweb+http://host:99999", "https://host"],
)  # fmt: skip
def test_what_is_no_address_is_refused(run, address: str) -> None:
    answer = run("store", "add", "x", address)
    assert (answer.status, len(answer.complaints)) == (1, 1)
    assert ":p@" not in answer.complaints[0]


def test_no_secret_is_written_or_said(tmp_path: Path, run) -> None:
    added = run("store", "add", "pacs", "dicomweb+http://127.0.0.1:9/dicom-web", "--user", "ada")
    tested = run("store", "test", "pacs")
    assert tested.status == 1
    files = [path.read_text() for path in (tmp_path / "config").rglob("*") if path.is_file()]
    assert not any(SECRET in text for text in [*files, *map(str, (added, tested))])


def test_plain_http_to_another_machine_is_warned_of(run) -> None:
    assert "use https" in run("store", "add", "far", "dicomweb+http://pacs.example/dicom-web").complaints[0]
    assert run("store", "add", "near", "dicomweb+http://localhost/dicom-web").complaints == []


def test_a_secret_shows_itself_to_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDLABEL_STORE_MY_PACS_SECRET", SECRET)
    secret = find_secret("my-pacs")
    assert secret.reveal() == SECRET
    assert SECRET not in f"{secret} {secret!r} {[secret]}"


def test_the_list_survives_what_is_damaged(tmp_path: Path) -> None:
    stores = StoreList(tmp_path)
    stores.add(ConfiguredStore("a", parse_address(str(tmp_path / "x")), user="ada", login="basic"))
    assert stores.find(None) == stores.all()[0]
    assert stores.find("a").user == "ada"
    (tmp_path / "stores.json").write_text("{")
    with pytest.raises(FileFormatError, match="the list of stores cannot be read"):
        stores.all()
