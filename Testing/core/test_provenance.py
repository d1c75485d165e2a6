"""Who made which part of an object: asked headless, and in a Supervisely export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.model.annotation import LabelObject, PlaneFigure
from MedLabelLib.model.box import Box
from MedLabelLib.model.figures import Rectangle
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.provenance import volume_provenance
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from support.small_project import reopened, small_volume


def fill(
    session: VolumeSession, key: str, first: int, last: int, kind: str, model: str | None = None
) -> None:
    box = Box((2, 3, first), (6, 8, last + 1))
    with session.edit(f"{kind} {first}", kind) as edit:
        edit.set_provenance(kind, model)
        edit.write_mask(key, box, np.ones(box.shape, bool))


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """An object drawn, interpolated and segmented by three people, a model's own object, and a figure."""
    volume = small_volume(tmp_path / "p")
    with VolumeSession.open(volume, "Ada", "browser") as session:
        with session.edit("New tumour") as edit:
            key = edit.add_object(LabelObject("tumour", key="a" * 32)).key
            rectangle = Rectangle(((1, 1), (4, 5)))
            edit.put_figure(PlaneFigure(key, Plane.AXIAL, 2, rectangle, key="f" * 32))
        fill(session, key, 2, 3, "drawn")
        session.author = "Bob"
        fill(session, key, 4, 6, "interpolated")
        session.author = "Cy"
        fill(session, key, 7, 7, "model", "lungs 1.2")
        fill(session, key, 10, 10, "drawn")
        with session.edit("Segment", "segment") as edit:
            edit.set_provenance("model", "lungs 1.2")
            edit.add_object(LabelObject("node", key="b" * 32))
            edit.write_mask("b" * 32, Box((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), bool))
    return reopened(volume)


def test_slices_say_who_made_them_and_how(volume: Volume) -> None:
    known = volume_provenance(volume)
    tumour = known.of("a" * 32)
    assert [(r.first, r.last, r.kind, r.model, r.author) for r in tumour.ranges] == [
        (2, 3, "drawn", None, "Ada"),
        (4, 6, "interpolated", None, "Bob"),
        (7, 7, "model", "lungs 1.2", "Cy"),
        (10, 10, "drawn", None, "Cy"),
    ]
    day = f"{tumour.ranges[0].when:%Y-%m-%d}"
    assert tumour.text() == (
        f"axial 2–3 drawn, Ada, {day}; 4–6 interpolated, Bob, {day}; "
        f"7 by the model lungs 1.2, Cy, {day}; 10 drawn, Cy, {day}"
    )
    assert (tumour.authors, tumour.models) == (("Ada", "Bob", "Cy"), ("lungs 1.2",))
    assert (tumour.created_by, tumour.updated_by) == ("Ada", "Cy")
    assert tumour.created_at < tumour.updated_at
    assert tumour.algorithm_type == "SEMIAUTOMATIC"
    assert known.of("b" * 32).algorithm_type == "AUTOMATIC"
    sagittal = volume_provenance(volume, Plane.SAGITTAL).of("a" * 32)
    assert [(r.first, r.last, r.author) for r in sagittal.ranges] == [(2, 5, "Cy")]
    assert json.loads(json.dumps(tumour.to_json()))["slices"][1]["kind"] == "interpolated"


def test_a_session_tells_the_same_and_in_short(volume: Volume) -> None:
    with VolumeSession.open(volume, "Dan", "browser") as session:
        for plane in Plane:
            known = volume_provenance(volume, plane)
            for key in ("a" * 32, "b" * 32):
                assert session.object_provenance(key, plane) == known.of(key)
        tumour = session.object_provenance("a" * 32)
        assert tumour.slice_counts == {"drawn": 3, "interpolated": 3, "model": 1}
        assert tumour.summary() == "axial 3 drawn · 3 interpolated · 1 by a model"
        session.undo()
        assert session.object_provenance("b" * 32).summary() == ""


def test_what_was_deleted_and_brought_back_keeps_its_maker(volume: Volume) -> None:
    before = volume_provenance(volume).of("a" * 32)
    with VolumeSession.open(volume, "Dan", "command") as session:
        entry = session.history()[-1].id
        with session.edit("Delete") as edit:
            edit.remove_object("a" * 32)
        session.restore_object("a" * 32, entry)
    after = volume_provenance(volume).of("a" * 32)
    assert after.ranges == before.ranges
    assert (after.created_by, after.created_at) == (before.created_by, before.created_at)
    assert after.updated_by == "Dan"


def test_without_a_journal_nothing_is_known(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "p")
    assert volume_provenance(volume).of("a" * 32).text() == ""
    VolumeSession.open(volume, "Ada", "command").close()
    (volume.dataset.project.private / "journal.sqlite3").write_bytes(b"torn" * 999)
    assert volume_provenance(volume).objects == {}


def test_a_supervisely_export_carries_it(volume: Volume, tmp_path: Path) -> None:
    export_project(volume.dataset.project, tmp_path / "out", "supervisely")
    data = json.loads((tmp_path / "out/scans/ann/scan.nrrd.json").read_bytes())
    tumour = data["objects"][0]
    assert tumour["labelerLogin"] == "Ada"
    assert tumour["createdAt"] < tumour["updatedAt"]
    assert tumour["createdAt"].endswith("Z")
    masks = {figure["objectKey"]: figure for figure in data["spatialFigures"]}
    drawn, segmented = masks["a" * 32], masks["b" * 32]
    assert (drawn["nnCreated"], segmented["nnCreated"], segmented["nnUpdated"]) == (False, True, True)
    slices = drawn["customData"]["provenance"]["slices"]
    assert [(row["first"], row["last"], row["kind"]) for row in slices][:2] == [
        (2, 3, "drawn"),
        (4, 6, "interpolated"),
    ]
    (figure,) = (f for plane in data["planes"] for s in plane["slices"] for f in s["figures"])
    assert (figure["labelerLogin"], figure["nnCreated"]) == ("Ada", False)
