"""A live interpolation: proposals follow edits gap by gap, and are applied in one step or leave no trace."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from MedLabelInterpolateLib.errors import InterpolationError
from MedLabelInterpolateLib.key_slices import drawn_slices
from MedLabelInterpolateLib.labels import SessionLabels
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelInterpolateLib.live_worker import LiveWorker
from MedLabelInterpolateLib.methods import METHODS
from MedLabelInterpolateLib.shape_based import ShapeBased
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.session import VolumeSession
from support.small_project import small_volume

SHAPE = (40, 36, 24)
KEYS = (2, 8, 14, 20)


class Drawn:
    """A session with one object drawn on four axial slices, and what is made of it."""

    def __init__(self, folder: Path) -> None:
        self.volume = small_volume(folder / "project", SHAPE)
        self.session = VolumeSession.open(self.volume, "ada", "browser")
        self.locked: set[str] = set()
        self.labels = SessionLabels(self.session, lambda: self.locked)
        self.key = self.new()
        for index in KEYS:
            self.draw(index)

    def new(self) -> str:
        with self.session.edit("New") as edit:
            return edit.add_object(LabelObject("tumour")).key

    def draw(self, index: int, low: int = 10, high: int = 24, value: bool = True, key: str = "") -> None:
        box = Box((low, low, index), (high, high, index + 1))
        with self.session.edit(f"Brush on {index}", tool="brush") as edit:
            edit.write_mask(key or self.key, box, np.full(box.shape, value))

    def live(self, *keys: str, method: str = "shape", **options) -> LiveInterpolation:
        image = np.asfortranarray(np.zeros(SHAPE, np.int16))
        geometry = self.volume.geometry()
        return LiveInterpolation(self.labels, geometry, image, keys or (self.key,), method=method, **options)

    def voxels(self, key: str = "") -> np.ndarray:
        mask = self.session.annotation.object(key or self.key).mask
        return np.zeros(SHAPE, bool) if mask is None else mask.full().astype(bool)

    @property
    def steps(self) -> int:
        return len(self.session.history())


@pytest.fixture
def drawn(tmp_path: Path):
    made = Drawn(tmp_path)
    yield made
    made.session.close()


def computed(live: LiveInterpolation) -> LiveInterpolation:
    live.compute()
    return live


def between(live: LiveInterpolation) -> list[tuple[int, int]]:
    return [(each.gap.before, each.gap.after) for each in live.gaps]


def test_proposals_are_no_labels_until_they_are_applied_in_one_step(drawn) -> None:
    before, steps = drawn.voxels(), drawn.steps
    live = computed(drawn.live())
    assert between(live) == [(2, 8), (8, 14), (14, 20)]
    proposal = live.proposals()[drawn.key]
    assert np.array_equal(drawn.voxels(), before)
    assert drawn.steps == steps
    assert live.apply() == {drawn.key: proposal.count}
    assert drawn.steps == steps + 1
    assert np.array_equal(drawn.voxels(), before | proposal.full().astype(bool))
    kinds = {index: origin.kind for index, origin in drawn.session.provenance(drawn.key).items()}
    assert kinds == {at: "drawn" if at in KEYS else "interpolated" for at in range(2, 21)}
    drawn.session.undo()
    assert np.array_equal(drawn.voxels(), before)


def test_cancelling_leaves_no_trace(drawn) -> None:
    before, steps = drawn.voxels(), drawn.session.history()
    live = computed(drawn.live())
    box = Box((5, 5, 4), (12, 12, 5))
    live.draw(drawn.key, box, np.ones(box.shape, bool), add=True)
    live.compute()
    live.close()
    assert np.array_equal(drawn.voxels(), before)
    assert drawn.session.history() == steps
    drawn.draw(5)
    assert live.gaps == computed(live).gaps


def test_an_edited_key_slice_makes_only_the_gaps_beside_it_anew(drawn) -> None:
    live = computed(drawn.live())
    fills = [each.fill for each in live.gaps]
    drawn.draw(8, 4, 30)
    assert [each.made_by for each in live.gaps] == ["", "", "shape"]
    # the old proposal is shown until the new one is there
    assert [each.fill for each in live.gaps] == fills
    live.compute()
    assert [each.fill is fill for each, fill in zip(live.gaps, fills, strict=True)] == [False, False, True]
    drawn.session.undo()
    assert [each.made_by for each in live.gaps] == ["", "", "shape"]
    live.compute()
    assert np.array_equal(live.gaps[0].fill.voxels, fills[0].voxels)


def test_an_edit_in_a_gap_of_the_labels_parts_it(drawn) -> None:
    live = computed(drawn.live())
    drawn.draw(11)
    assert between(live) == [(2, 8), (8, 11), (11, 14), (14, 20)]
    assert [bool(each.made_by) for each in live.gaps] == [True, False, False, True]


def test_an_edit_of_the_preview_makes_its_slice_a_key_slice_and_is_kept(drawn) -> None:
    before = drawn.voxels()
    live = computed(drawn.live())
    box = Box((24, 24, 5), (30, 30, 6))
    left = live.draw(drawn.key, box, np.ones(box.shape, bool), add=True, edit_id="one")
    assert not left.any()
    assert np.array_equal(drawn.voxels(), before)
    assert between(live) == [(2, 5), (5, 8), (8, 14), (14, 20)]
    assert live.draw(drawn.key, box, np.ones(box.shape, bool), add=True, edit_id="one").sum() == 0
    live.compute()
    drawn.draw(8, 9, 25)
    live.compute()
    expected = before[:, :, 2].copy()
    expected[24:30, 24:30] = True
    assert np.array_equal(live.proposals()[drawn.key].full()[:, :, 5].astype(bool), expected)
    live.apply()
    assert np.array_equal(drawn.voxels()[:, :, 5], expected)
    assert drawn.session.provenance(drawn.key)[5].kind == "drawn"
    assert drawn.session.provenance(drawn.key)[6].kind == "interpolated"
    assert drawn_slices(drawn.session, drawn.key) == {Plane.AXIAL: (2, 5, 8, 14, 20)}


def test_a_cut_through_the_preview_in_another_plane_takes_from_it_and_from_the_labels(drawn) -> None:
    live = computed(drawn.live())
    box = Box((10, 15, 0), (24, 16, SHAPE[2]))
    left = live.draw(drawn.key, box, np.ones(box.shape, bool), add=False)
    kept = [index for index in range(SHAPE[2]) if left[:, :, index].any()]
    assert kept == [0, 1, *KEYS, 21, 22, 23]
    assert not live.proposals()[drawn.key].full()[10:24, 15].any()


def test_edits_of_the_preview_are_taken_back_in_order_with_the_steps_of_the_labels(drawn) -> None:
    live = computed(drawn.live())
    assert live.take_back() is None
    box = Box((24, 24, 5), (30, 30, 6))
    live.draw(drawn.key, box, np.ones(box.shape, bool), add=True, name="Brush on the preview")
    drawn.draw(14, 9, 25)
    assert live.take_back() is None
    drawn.session.undo()
    assert live.take_back() == "Brush on the preview"
    assert between(live) == [(2, 8), (8, 14), (14, 20)]


def test_the_preview_follows_a_stroke_while_it_is_drawn_and_nothing_of_that_stays(drawn) -> None:
    live = computed(drawn.live())
    before, fills = drawn.voxels(), [each.fill for each in live.gaps]
    box = Box((24, 24, 8), (30, 30, 9))
    for size in (2, 4, 6):
        voxels = np.zeros(box.shape, bool)
        voxels[:size] = True
        live.hint(drawn.key, box, voxels, add=True, edit_id="stroke")
    assert [bool(each.made_by) for each in live.gaps] == [False, False, True]
    followed = computed(live).proposals()[drawn.key]
    assert np.array_equal(drawn.voxels(), before)
    # the stroke itself, and a hint of it that comes late
    assert live.draw(drawn.key, box, voxels, add=True, edit_id="stroke").all()
    with drawn.session.edit("Brush", tool="brush") as edit:
        edit.write_mask(drawn.key, box, np.ones(box.shape, bool))
    live.hint(drawn.key, box, voxels[::-1], add=False, edit_id="stroke")
    assert computed(live).proposals()[drawn.key] == followed
    drawn.session.undo()
    live.compute()
    assert all(
        np.array_equal(each.fill.voxels, old.voxels) for each, old in zip(live.gaps, fills, strict=True)
    )
    # on a slice that is drawn only now, and on one that is proposed
    live.hint(drawn.key, Box((12, 12, 22), (16, 16, 23)), np.ones((4, 4, 1), bool), add=True)
    assert between(live)[-1] == (20, 22)
    live.hint(drawn.key, Box((12, 12, 5), (16, 16, 6)), np.ones((4, 4, 1), bool), add=False)
    assert between(live)[0] == (2, 8)
    # a key slice that is being erased is none
    live.hint(drawn.key, Box((0, 0, 14), (36, 36, 15)), np.ones((36, 36, 1), bool), add=False)
    assert between(live) == [(2, 8), (8, 20)]


def test_gaps_are_locked_and_left(drawn) -> None:
    live = computed(drawn.live())
    first, second, third = live.gaps
    live.choose(first.id, "lock")
    live.choose(second.id, "leave")
    kept = first.fill.voxels.copy()
    drawn.draw(2, 4, 30)
    drawn.draw(8, 4, 30)
    live.compute()
    assert np.array_equal(live.gaps[0].fill.voxels, kept)
    live.apply()
    inside = drawn.voxels()
    assert inside[:, :, 3:8].sum() == kept.sum()
    assert not inside[:, :, 9:14].any()
    assert inside[:, :, 15:20].any()
    with pytest.raises(InterpolationError, match="accept, lock, leave"):
        live.choose(third.id, "perhaps")


def test_applying_anew_replaces_what_was_interpolated_and_no_drawn_slice(drawn) -> None:
    computed(drawn.live()).apply()
    drawn.draw(8, 10, 24, value=False)
    drawn.draw(8, 15, 18)
    live = computed(drawn.live())
    expected = live.proposals()[drawn.key].full().astype(bool)
    keys = drawn.voxels()[:, :, list(KEYS)]
    live.apply()
    assert np.array_equal(drawn.voxels()[:, :, list(KEYS)], keys)
    for index in set(range(2, 21)) - set(KEYS):
        assert np.array_equal(drawn.voxels()[:, :, index], expected[:, :, index])
    assert drawn.voxels()[:, :, 7].sum() < 14 * 14


def test_objects_keep_off_each_other_and_off_locked_ones(drawn) -> None:
    other, third = drawn.new(), drawn.new()
    for index in KEYS:
        drawn.draw(index, 20, 30, key=other)
    with drawn.session.edit("Lock") as edit:
        edit.write_mask(third, Box((10, 10, 5), (14, 14, 6)), np.ones((4, 4, 1), bool))
    drawn.locked.add(third)
    live = computed(drawn.live(drawn.key, other))
    live.apply()
    gaps = [index for index in range(2, 21) if index not in KEYS]
    mine, theirs = drawn.voxels()[:, :, gaps], drawn.voxels(other)[:, :, gaps]
    assert mine.any()
    assert theirs.any()
    assert not (mine & theirs).any()
    assert not (drawn.voxels() & drawn.voxels(third)).any()


def test_what_cannot_be_filled_is_said(drawn) -> None:
    empty = drawn.new()
    live = drawn.live(empty)
    assert live.problem == "tumour #2 is drawn on no slice."
    drawn.draw(4, key=empty)
    assert "one axial slice only" in live.problem
    with pytest.raises(InterpolationError, match="one axial slice only"):
        live.check()
    drawn.draw(5, key=empty)
    assert "no gap" in live.problem
    with pytest.raises(InterpolationError, match="nothing to apply"):
        live.apply()
    assert "no slice in the coronal plane" in drawn.live(drawn.key, plane=Plane.CORONAL).problem
    with pytest.raises(NotFoundError, match="no method 'magic'"):
        drawn.live(method="magic")
    with pytest.raises(NotFoundError):
        drawn.live("nothing")


def test_an_object_that_is_deleted_meanwhile_is_left_out(drawn) -> None:
    live = computed(drawn.live())
    with drawn.session.edit("Delete") as edit:
        edit.remove_object(drawn.key)
    assert live.gaps == []
    assert live.proposals() == {}


@pytest.mark.prove
def test_whatever_is_drawn_undone_and_hinted_the_proposal_is_as_if_begun_anew(proof, tmp_path: Path) -> None:
    for number, random in enumerate(proof.cases(sample=6, full=300)):
        drawn = Drawn(tmp_path / str(number))
        live = computed(drawn.live())
        for _ in range(12):
            _random_act(random, drawn, live)
            live.compute()
        key_slices = set(live.objects[0].key_slices)
        assert live.objects[0].hint is None
        fresh = computed(drawn.live())
        assert live.proposals() == fresh.proposals()
        before = drawn.voxels()
        fresh.close()
        if live.gaps:
            step = drawn.session.last_step
            live.apply()
            axis = live.plane.axis
            kept = sorted(key_slices)
            assert np.array_equal(drawn.voxels().take(kept, axis), before.take(kept, axis))
            # where it was applied before there is nothing to do again
            if drawn.session.last_step != step:
                drawn.session.undo()
        assert np.array_equal(drawn.voxels(), before)
        live.close()
        drawn.session.close()


def _random_act(random: np.random.Generator, drawn: Drawn, live: LiveInterpolation) -> None:
    """One thing that a user does with a live interpolation open; a stroke is hinted before it is drawn."""
    what = random.choice(["stroke", "stroke", "undo", "redo", "coronal", "taken back", "applied"])
    if what in ("undo", "redo"):
        getattr(drawn.session, what)()
    elif what == "applied":
        other = computed(drawn.live())
        if other.gaps:
            other.apply()
        other.close()
    else:
        low = random.integers(0, 20, 3)
        high = low + random.integers(4, 14, 3)
        axis = 1 if what == "coronal" else 2
        low[axis] = random.integers(2, SHAPE[axis] - 2)
        high[axis] = low[axis] + 1
        box = Box(tuple(low.tolist()), tuple(np.minimum(high, SHAPE).tolist()))
        add = bool(random.integers(4))
        voxels = random.random(box.shape) < 0.9
        name = str(random.integers(2**40))
        live.hint(drawn.key, box, voxels, add, name)
        left = live.draw(drawn.key, box, voxels, add, name)
        if what == "taken back" or not np.array_equal(left, voxels):
            # what the proposal took goes again
            live.take_back()
        with drawn.session.edit("Brush", tool="brush") as edit:
            mask = drawn.session.annotation.object(drawn.key).mask
            before = np.zeros(box.shape, bool) if mask is None else mask.read(box)
            edit.write_mask(drawn.key, box, before | left if add else before & ~left)


class Slow(ShapeBased):
    """The method that follows once edits rest."""

    name = "slow"
    title = "Slow"


def test_a_worker_follows_edits_and_ends(drawn, monkeypatch) -> None:
    monkeypatch.setitem(METHODS, "slow", Slow())
    live = drawn.live(method="slow")
    shown = threading.Event()
    live.listen(lambda work: work or shown.set())
    worker = LiveWorker(live, rest_seconds=0.05)
    live.refresh()

    def until(done) -> None:
        for _ in range(200):
            if done():
                return
            shown.wait(0.05)
            shown.clear()
        raise AssertionError([each.made_by for each in live.gaps])

    until(lambda: live.is_ready and all(each.error is not None for each in live.gaps))
    assert live.next_slice() is not None
    for index in (8, 11, 14):
        drawn.draw(index, 6, 28)
    until(lambda: live.is_ready and len(live.gaps) == 4)
    assert worker.failure == ""
    expected = computed(drawn.live(method="slow")).proposals()[drawn.key]
    assert live.proposals()[drawn.key] == expected
    worker.close()
    live.close()
