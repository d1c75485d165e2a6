"""Where the labels of a scan go that was opened with no project made first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedLabelApp.browser.workspace.opening import open_what
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import change_definitions


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """A scan in a folder that goes away, as an upload's does."""
    folder = tmp_path / "uploads" / "one"
    folder.mkdir(parents=True)
    sitk.WriteImage(
        sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(folder / "head.nrrd")
    )
    return folder


def _label(opened) -> None:
    session = opened.session or opened.make_session()
    project = session.volume.dataset.project
    if not project.definitions.has_class("lesion"):
        change_definitions(project, lambda now: now.with_class("lesion"), "New class", "", "browser")
    with session.edit("lesion", tool="test") as edit:
        edit.add_object(LabelObject("lesion"))
    session.close()


def test_an_uploaded_scan_leaves_no_trace_until_it_is_labeled(tmp_path: Path, upload: Path) -> None:
    Project.create(tmp_path / "project")
    opened = open_what({"file": str(upload), "upload": "one", "project": str(tmp_path / "project")})
    assert opened.session is None
    assert opened.image.array.shape == (5, 4, 3)
    assert list(Project.open(tmp_path / "project").volumes()) == []
    assert [path.name for path in upload.iterdir()] == ["head.nrrd"]


def test_labels_on_an_uploaded_scan_are_kept_in_the_served_project(tmp_path: Path, upload: Path) -> None:
    Project.create(tmp_path / "project")
    for _ in range(2):
        _label(open_what({"file": str(upload), "upload": "one", "project": str(tmp_path / "project")}))
    volumes = list(Project.open(tmp_path / "project").volumes())
    assert [volume.name for volume in volumes] == ["head", "head-2"]
    assert [len(volume.read_annotation().objects) for volume in volumes] == [1, 1]


def test_labels_on_an_uploaded_scan_without_a_project_are_kept_in_the_users_folder(
    tmp_path: Path, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    _label(open_what({"file": str(upload), "upload": "one"}))
    assert Project.open(tmp_path / "data" / "uploaded").find_volume("head")


def test_labels_on_a_scan_of_the_users_are_found_beside_it_again(upload: Path) -> None:
    for _ in range(2):
        _label(open_what({"file": str(upload / "head.nrrd")}))
    volume = Project.open(upload / "head labels").find_volume("head")
    assert len(volume.read_annotation().objects) == 2


def test_what_is_no_scan_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "shopping.dcm").write_text("milk")
    with pytest.raises(MedLabelError, match=r"shopping\.dcm"):
        open_what({"file": str(tmp_path / "shopping.dcm")})
