"""Any sequence of edits, undos, redos, restores and restarts equals the same sequence on plain arrays."""

from __future__ import annotations

import copy
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from MedLabelLib.model.edits import apply, difference, invert
from MedLabelLib.storage.check import check_project
from MedLabelLib.storage.session import VolumeSession
from support.plain_model import PlainModel, choose, do_in_session, plain, same
from support.small_project import reopened, small_volume

SHAPE = (7, 6, 5)
FACES = ("browser", "desktop", "command")


class SessionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.volume = small_volume(self.folder / "p", SHAPE)
        self.model = PlainModel(SHAPE)
        self.session = self._open(0)
        self.states = {self.session.history()[0].id: copy.deepcopy(self.model.now)}
        self.edits: list = []
        self.number = 0

    def _open(self, face: int) -> VolumeSession:
        self.volume = reopened(self.volume)
        session = VolumeSession.open(self.volume, "tester", FACES[face], rest_seconds=1000)
        assert not session.read_only, session.read_only_reason
        return session

    def teardown(self) -> None:
        self.session.close()
        assert same(plain(reopened(self.volume).read_annotation()), self.model.now)
        assert check_project(self.volume.dataset.project) == []
        shutil.rmtree(self.folder)

    def _remember(self, before: int) -> None:
        history = self.session.history()
        if len(history) > before:
            self.states[history[-1].id] = copy.deepcopy(self.model.now)

    @rule(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 4))
    def edit(self, seed: int, count: int) -> None:
        for _ in range(count):
            # the number keeps keys and ids of edits from coming twice
            self.number += 1
            random = np.random.default_rng([seed, self.number])
            action = choose(random, self.model)
            before = len(self.session.history())
            edit_id = random.bytes(8).hex()
            do_in_session(self.session, action, edit_id)
            self.model.do(action)
            self._remember(before)
            if action[0] not in ("undo", "redo") and len(self.session.history()) > before:
                self.edits.append((action, edit_id))

    @rule()
    def undo(self) -> None:
        name = self.session.can_undo
        step = self.session.undo()
        assert (step is None) == (not self.model.past)
        assert (step.name if step else None) == name
        self.model.do(("undo", {}))

    @rule()
    def redo(self) -> None:
        name = self.session.can_redo
        step = self.session.redo()
        assert (step is None) == (not self.model.future)
        assert (step.name if step else None) == name
        self.model.do(("redo", {}))

    @precondition(lambda self: self.edits)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A client that heard no answer sends the same edit once more."""
        action, edit_id = data.draw(st.sampled_from(self.edits))
        before = len(self.session.history())
        do_in_session(self.session, action, edit_id)
        assert len(self.session.history()) == before

    @rule(data=st.data())
    def preview_and_restore(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.states)))
        assert same(plain(self.session.preview(entry)), self.states[entry])
        before = len(self.session.history())
        step = self.session.restore(entry)
        assert (step is None) == same(self.model.now, self.states[entry])
        self.model.change(copy.deepcopy(self.states[entry]))
        self._remember(before)

    @rule(data=st.data())
    def restore_object(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.states)))
        objects = self.states[entry]["objects"]
        if not objects:
            return
        place = data.draw(st.integers(0, len(objects) - 1))
        key = objects[place][0]
        after = copy.deepcopy(self.model.now)
        keys = self.model.keys()
        if key in keys:
            after["objects"][keys.index(key)] = copy.deepcopy(objects[place])
        else:
            after["objects"].insert(min(place, len(keys)), copy.deepcopy(objects[place]))
        others = {name: f for name, f in after["figures"].items() if f[0] != key}
        back = {name: f for name, f in self.states[entry]["figures"].items() if f[0] == key}
        if set(back) & set(others):
            return
        after["figures"] = {**others, **back}
        before = len(self.session.history())
        self.session.restore_object(key, entry)
        self.model.change(after)
        self._remember(before)

    @rule(face=st.integers(0, 2))
    def restart(self, face: int) -> None:
        self.session.close()
        assert same(plain(reopened(self.volume).read_annotation()), self.model.now)
        self.session = self._open(face)

    @rule(face=st.integers(0, 2))
    def crash(self, face: int) -> None:
        """The session is simply gone: another takes the volume over with what is in the journal."""
        self.session._journal.close()
        self.volume = reopened(self.volume)
        self.session = VolumeSession.open(
            self.volume, "tester", FACES[face], take_over=True, rest_seconds=1000
        )

    @rule()
    def save(self) -> None:
        self.session.save()
        assert same(plain(reopened(self.volume).read_annotation()), self.model.now)

    @rule()
    def checkpoint(self) -> None:
        self.session._journal.checkpoint(self.session._opened.volume_id, self.session._state)

    @invariant()
    def equal(self) -> None:
        assert same(plain(self.session.annotation), self.model.now)
        assert (self.session.can_undo is None) == (not self.model.past)
        assert (self.session.can_redo is None) == (not self.model.future)


TestSession = SessionMachine.TestCase
TestSession.settings = settings(stateful_step_count=20)
TestSession = pytest.mark.prove(TestSession)


@pytest.mark.prove
def test_difference_is_exact_and_invertible(proof) -> None:
    for random in proof.cases(sample=100, full=3000):
        model, states = PlainModel(SHAPE), []
        folder = Path(tempfile.mkdtemp())
        with VolumeSession.open(small_volume(folder / "p", SHAPE), "", "command") as session:
            for _ in range(12):
                action = choose(random, model)
                model.do(action)
                do_in_session(session, action)
                states.append(copy.deepcopy(session.annotation))
        shutil.rmtree(folder)
        for _ in range(6):
            one, other = (states[int(random.integers(len(states)))] for _ in range(2))
            work = copy.deepcopy(one)
            operations = difference(work, other)
            apply(work, operations)
            assert same(plain(work), plain(other))
            apply(work, invert(operations))
            assert same(plain(work), plain(one))
