"""Drawn slices are told from interpolated ones: by the journal, in each plane, over undo and reopening."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from MedLabelInterpolateLib.key_slices import drawn_slices, key_slices_in
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.session import VolumeSession
from support.small_project import reopened, small_volume

SHAPE = (24, 20, 12)


@pytest.fixture
def session(tmp_path: Path):
    with VolumeSession.open(small_volume(tmp_path / "project", SHAPE), "ada", "browser") as opened:
        yield opened


def new_object(session: VolumeSession, mask: Mask | None = None) -> str:
    with session.edit("New") as edit:
        return edit.add_object(LabelObject("tumour", mask=mask)).key


def block(plane: Plane, index: int, low: int = 4, high: int = 9) -> Box:
    start, stop = [low, low, low], [high, high, high]
    start[plane.axis], stop[plane.axis] = index, index + 1
    return Box(tuple(start), tuple(stop))


def write(session: VolumeSession, key: str, box: Box, kind: str = "drawn", value: bool = True) -> None:
    with session.edit(f"{kind} {box}") as edit:
        edit.set_provenance(kind)
        edit.write_mask(key, box, np.full(box.shape, value))


def test_strokes_are_key_slices_of_the_plane_they_were_drawn_in(session) -> None:
    key = new_object(session)
    for index in (2, 6, 10):
        write(session, key, block(Plane.AXIAL, index))
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 6, 10)}
    assert key_slices_in(session, key, Plane.CORONAL) == ()


def test_what_was_interpolated_is_no_key_slice_until_it_is_edited(session) -> None:
    key = new_object(session)
    for index in (2, 6):
        write(session, key, block(Plane.AXIAL, index))
    write(session, key, Box((4, 4, 3), (9, 9, 6)), "interpolated")
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 6)}
    write(session, key, block(Plane.AXIAL, 4, 6, 12))
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 4, 6)}
    session.undo()
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 6)}
    session.redo()
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 4, 6)}


def test_slices_of_two_planes_are_both_kept_where_they_cross(session) -> None:
    key = new_object(session)
    for index in (2, 6, 10):
        write(session, key, block(Plane.AXIAL, index))
    write(session, key, Box((4, 6, 2), (9, 7, 11)))
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 6, 10), Plane.CORONAL: (6,)}


def test_a_stroke_that_only_crosses_drawn_slices_is_no_key_slice_of_its_own_plane(session) -> None:
    key = new_object(session)
    for index in (2, 6, 10):
        write(session, key, block(Plane.AXIAL, index))
    write(session, key, Box((4, 6, 0), (9, 7, 12)), value=False)
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 6, 10)}


def test_an_imported_mask_of_every_nth_slice_is_drawn_in_that_plane(session) -> None:
    full = np.zeros(SHAPE, bool)
    full[4:12:4, 3:9, 2:9] = True
    key = new_object(session, Mask.from_array(full))
    assert drawn_slices(session, key) == {Plane.SAGITTAL: (4, 8)}
    body = np.zeros(SHAPE, bool)
    body[4:12, 3:9, 2:9] = True
    whole = new_object(session, Mask.from_array(body))
    assert key_slices_in(session, whole, Plane.AXIAL) == tuple(range(2, 9))


def test_an_emptied_slice_is_none(session) -> None:
    key = new_object(session)
    for index in (2, 6, 10):
        write(session, key, block(Plane.AXIAL, index))
    write(session, key, block(Plane.AXIAL, 6), value=False)
    assert drawn_slices(session, key) == {Plane.AXIAL: (2, 10)}
    assert drawn_slices(session, new_object(session)) == {}


def test_one_step_may_hold_drawn_slices_among_filled_ones_and_says_so_for_good(tmp_path: Path) -> None:
    volume = small_volume(tmp_path / "mixed", SHAPE)
    with VolumeSession.open(volume, "ada", "browser") as session:
        key = new_object(session)
        for index in (2, 8):
            write(session, key, block(Plane.AXIAL, index))
        with session.edit("Interpolate") as edit:
            edit.set_provenance("interpolated")
            edit.keep_drawn(key, Plane.AXIAL, [5])
            edit.write_mask(key, Box((4, 4, 3), (9, 9, 8)), np.ones((5, 5, 5), bool))
        kinds = {index: origin.kind for index, origin in session.provenance(key).items()}
        assert kinds == {2: "drawn", 3: "interpolated", 4: "interpolated", 5: "drawn",
                         6: "interpolated", 7: "interpolated", 8: "drawn"}  # fmt: skip
        assert drawn_slices(session, key) == {Plane.AXIAL: (2, 5, 8)}
    with VolumeSession.open(reopened(volume), "ada", "browser") as session:
        assert drawn_slices(session, key) == {Plane.AXIAL: (2, 5, 8)}
        session.undo()
        assert drawn_slices(session, key) == {Plane.AXIAL: (2, 8)}


def test_a_pruned_history_still_knows_them(session) -> None:
    key = new_object(session)
    for index in (2, 6):
        write(session, key, block(Plane.AXIAL, index))
    write(session, key, Box((4, 4, 3), (9, 9, 6)), "interpolated")
    session.prune(session.history()[-1].id)
    session._history._marks.clear()
    assert key_slices_in(session, key, Plane.AXIAL) == (2, 6)
