"""Push and pull against a real Orthanc."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from MedLabelLib.curation.work import change_work, work_of
from MedLabelLib.model.annotation import LabelObject, PlaneFigure, Tag
from MedLabelLib.model.figures import Bitmap
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelSyncLib.errors import AccessError, StoreError
from MedLabelSyncLib.local import LocalState
from MedLabelSyncLib.others import pull_others
from MedLabelSyncLib.pulling import ADDED, MERGED, PULLED
from MedLabelSyncLib.pushing import FAILED, PUSHED, UP_TO_DATE
from MedLabelSyncLib.stores.address import parse_address
from MedLabelSyncLib.stores.configured import ConfiguredStore
from MedLabelSyncLib.stores.dicomweb import DicomWebStore
from MedLabelSyncLib.stores.secret import Secret
from MedLabelSyncLib.stores.store import Progress
from support.dicom_files import Series
from support.needs import lacking
from support.orthanc import Orthanc
from support.sync_projects import BOX, Person, dicom_person, label_everything

OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory):
    server = Orthanc(tmp_path_factory.mktemp("orthanc"), "ada", "swordfish")
    yield server
    server.stop()


def store_at(url: str, password: str = "swordfish") -> DicomWebStore:
    address = parse_address(f"dicomweb+{url}")
    return DicomWebStore(ConfiguredStore("pacs", address, "ada", "basic"), Secret(password))


@pytest.fixture
def store(orthanc: Orthanc) -> DicomWebStore:
    return store_at(orthanc.url)


@pytest.fixture(params=["axial", "oblique"])
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A series of its own for each test, so that one server serves all."""
    random = np.random.default_rng(3)
    values = random.integers(-500, 500, (24, 20, 12)).astype(np.int16)
    options = {} if request.param == "axial" else {"orientation": OBLIQUE}
    Series(values, **options).write(tmp_path / "dicom")
    return tmp_path / "dicom"


@pytest.fixture
def ada(tmp_path: Path, store: DicomWebStore, files: Path) -> Person:
    return dicom_person(tmp_path, "ada", store, files)


@pytest.fixture
def bob(tmp_path: Path, store: DicomWebStore, files: Path) -> Person:
    return dicom_person(tmp_path, "bob", store, files)


def test_labels_of_every_kind_go_there_and_into_an_empty_project(
    tmp_path: Path, ada: Person, store: DicomWebStore
) -> None:
    label_everything(ada)
    with VolumeSession.open(ada.volume, "ada", "command") as session:
        change_work(session, "rejected", "bob", "Rand zu groß 結節")
    assert ada.status == "not there"
    assert ada.push(with_scans=True).outcome == PUSHED
    assert ada.status == "same"
    eve = Person(tmp_path, "eve", store, ada.volume)
    eve.project = Project.create(tmp_path / "empty")
    results = {result.label: result for result in eve.pull_new()}
    assert results[ada.volume.label].outcome == ADDED, results
    eve.volume = eve.project.find_volume(ada.volume.label)
    assert eve.digest == ada.digest
    assert work_of(eve.labels).remark == "Rand zu groß 結節"
    for mine, theirs in zip(ada.labels.objects, eve.labels.objects, strict=True):
        assert mine.mask == theirs.mask
    assert np.array_equal(eve.volume.read_image().array, ada.volume.read_image().array)
    assert eve.status == "same"


def test_a_second_push_sends_nothing(ada: Person, orthanc: Orthanc) -> None:
    label_everything(ada)
    ada.push(with_scans=True)
    count, progress = orthanc.count(), Progress()
    assert ada.push(progress, with_scans=True).outcome == UP_TO_DATE
    (ada.project.private / "sync.sqlite3").unlink()
    assert ada.push(progress, with_scans=True).outcome == UP_TO_DATE
    assert (orthanc.count(), progress.bytes) == (count, 0)


def test_push_sends_only_the_masks_that_changed(ada: Person, orthanc: Orthanc) -> None:
    ada.add()
    ada.push(with_scans=True)
    count = orthanc.count()
    ada.add(class_name="node")
    ada.push()
    # the new object's segmentation, and the report
    assert orthanc.count() == count + 2


def test_two_people_merge_through_the_server(ada: Person, bob: Person) -> None:
    first = ada.add()
    ada.push(with_scans=True)
    assert bob.status == "behind"
    assert bob.pull().outcome == PULLED
    second = bob.add(class_name="node")
    with ada.edit() as edit:
        edit.write_mask(first, BOX, np.zeros(BOX.shape, bool))
        edit.change_object(first, class_name="node")
    ada.push()
    bob.push()
    assert ada.status == "behind"
    result = ada.pull(lambda merge: merge.resolve("both"))
    assert result.outcome == MERGED
    assert {entry.key for entry in ada.labels.objects} == {first, second}
    ada.push()
    assert bob.pull().outcome == PULLED
    assert ada.digest == bob.digest


def test_what_was_written_is_right_by_the_standard(ada: Person, orthanc: Orthanc) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        lacking("dciodvfy is not installed: make setup-test")
    label_everything(ada)
    with ada.edit() as edit:
        edit.add_object(LabelObject("node", tags=[Tag("solid"), Tag("befund", "nur ein Wort")]))
        # a bitmap has no outline
        pixels = np.ones((2, 2), bool)
        alone = edit.add_object(LabelObject("node")).key
        edit.put_figure(PlaneFigure(alone, Plane.CORONAL, 3, Bitmap((1, 1), pixels)))
    ada.push(with_scans=True)
    with ada.edit() as edit:
        for entry in list(ada.labels.objects):
            edit.remove_object(entry.key)
    ada.push()
    study = ada.volume.source().study_instance_uid
    kinds = set()
    for uid, content in orthanc.files().items():
        dataset = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        if dataset.StudyInstanceUID != study or dataset.Modality == "CT":
            continue
        kinds.add(dataset.Modality)
        assert dataset.SpecificCharacterSet == "ISO_IR 192"
        path = ada.project.private / f"{uid}.dcm"
        path.write_bytes(content)
        said = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
        errors = [line for line in said.stderr.splitlines() if line.startswith("Error")]
        assert errors == [], dataset.Modality
    assert kinds == {"SEG", "SR"}


def test_what_other_programs_wrote_comes_in_as_objects(
    tmp_path: Path, ada: Person, bob: Person, orthanc: Orthanc
) -> None:
    key = ada.add()
    ada.push(with_scans=True)
    source = ada.labels.object(key).mask
    series = [pydicom.dcmread(path) for path in sorted((tmp_path / "dicom").iterdir())]
    seg = other_programs_seg(series, ada, source)
    content = BytesIO()
    seg.save_as(content)
    orthanc.upload(content.getvalue())
    with LocalState(bob.project) as state:
        asked = (bob.project, state, bob.store, [bob.volume], "bob", "command")
        (taken,) = pull_others(*asked)
        assert (taken.objects, taken.error) == (1, None)
        assert pull_others(*asked) == []
    (entry,) = bob.labels.objects
    assert (entry.class_name, entry.mask) == ("foreign lesion", source)


def other_programs_seg(series: list[pydicom.Dataset], person: Person, mask) -> highdicom.seg.Segmentation:
    """A segmentation as another program writes it, by highdicom alone."""
    record = person.volume.source()
    places = {str(image.SOPInstanceUID): image for image in series}
    images = [places[entry.sop_instance_uid] for entry in record.slices]
    for image in images:
        image.SliceThickness = 2.5
        for keyword in ("BirthDate", "Sex"):
            setattr(image, f"Patient{keyword}", None)
        for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            if keyword not in image:
                setattr(image, keyword, None)
    voxels = record.axis_map.inverse().apply(mask.full()).transpose(2, 1, 0)
    code = highdicom.sr.CodedConcept("M-01000", "SRT", "Morphologically Altered Structure")
    description = highdicom.seg.SegmentDescription(1, "foreign lesion", code, code, "MANUAL")
    return highdicom.seg.Segmentation(
        images, np.ascontiguousarray(voxels).astype(np.uint8), "BINARY", [description], generate_uid(), 7,
        generate_uid(), 1, "Another", "Another", "1", "1",
    )  # fmt: skip


def test_a_server_without_the_series_is_told_of(ada: Person) -> None:
    ada.add()
    result = ada.push()
    assert (result.outcome, "--scans" in result.note) == (FAILED, True)


def test_a_wrong_secret_is_told_of_and_not_shown(orthanc: Orthanc) -> None:
    with pytest.raises(AccessError, match="401") as raised:
        store_at(orthanc.url, "sword-wrong").test()
    assert "sword-wrong" not in str(raised.value)


def test_no_server_is_told_of() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        store_at("http://127.0.0.1:9/dicom-web").test()
    assert raised.value.temporary


def test_a_scan_that_came_from_no_dicom_is_refused(tmp_path: Path, store: DicomWebStore) -> None:
    eve = Person(tmp_path, "nrrd", store)
    eve.add()
    result = eve.push(with_scans=True)
    assert (result.outcome, "no DICOM" in result.note) == (FAILED, True)
