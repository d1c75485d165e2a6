"""A live interpolation: proposals for the gaps of objects, which follow every edit until they are applied."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane

from .errors import InterpolationError
from .labels import Labels
from .live_object import ACCEPT, CHOICES, Hint, LiveGap, LiveObject
from .methods import InterpolationCancelled, interpolate, method_named
from .problem import Forbidden, Problem
from .report import report_json
from .several import keep_apart
from .weakness import expected_errors

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class NextSlice:
    """Where a drawing would gain most."""

    object_key: str
    plane: Plane
    index: int


@dataclass(frozen=True)
class _ProposalEdit:
    """An edit of a proposal: its object's drawn slices before it, and the labels' last step then."""

    name: str
    object_key: str
    step: int
    before: dict[int, NDArray[np.bool_]]


class LiveInterpolation:
    """Proposals for objects. Nothing of them is in the labels before :meth:`apply`.

    It listens to the labels: an edit of a key slice makes the gaps beside it anew, and no others. The work
    is done by :meth:`compute` and :meth:`judge`, which whoever runs this calls: a ``LiveWorker`` on a thread
    of its own, or a face between events. ``listen`` tells them when there is something to do (``True``) and
    when there is something new to show.

    It is a ``PreviewProvider`` of the workspace. Safe to use from several threads.

    ``method`` None is the one that is best for this scan; ``caps`` fills beyond the outermost key slices too.
    Raises NotFoundError for an object or a method that there is not.
    """

    def __init__(
        self,
        labels: Labels,
        geometry: VolumeGeometry,
        image: NDArray | None,
        object_keys: Sequence[str],
        plane: Plane | None = None,
        method: str | None = None,
        caps: bool = False,
        follows: bool = True,
    ) -> None:
        self._labels = labels
        self.geometry = geometry
        self.image = image
        self.method = self._checked(method)
        self.caps = caps
        self.follows = follows
        self._lock = threading.RLock()
        self._listeners: list[Callable[[bool], None]] = []
        self._edits: list[_ProposalEdit] = []
        self._taken: dict[str, NDArray[np.bool_]] = {}
        self._ended_strokes: set[str] = set()
        self._applying = False
        # grows with every request: work for an older one is given up
        self.generation = 0
        there = labels.keys()
        for key in object_keys:
            if key not in there:
                raise NotFoundError(f"there is no object {key} in the volume")
        self._objects = {key: LiveObject(key, plane) for key in object_keys}
        self._next: NextSlice | None = None
        self._replan(self._objects)
        self._stop_listening = labels.listen(self._on_change)

    # -- what there is -----------------------------------------------------------------------------------

    @property
    def objects(self) -> list[LiveObject]:
        with self._lock:
            return list(self._objects.values())

    @property
    def gaps(self) -> list[LiveGap]:
        """The gaps of all objects, object after object, from the first slice to the last."""
        return [live for entry in self.objects for live in entry.gaps]

    @property
    def plane(self) -> Plane | None:
        """The plane of the first object that has key slices."""
        return next((entry.plane for entry in self.objects if entry.plane is not None), None)

    @property
    def problem(self) -> str:
        """Why nothing can be filled; empty when something can."""
        for entry in self.objects:
            if entry.gaps:
                return ""
        return " ".join(self._problem_of(entry) for entry in self.objects)

    @property
    def is_ready(self) -> bool:
        """Whether every gap that is to be filled is, by the chosen method."""
        return not any(live.lacks(self.method) for live in self.gaps)

    def proposals(self) -> dict[str, Mask]:
        """By object key: the slices of its gaps as they are proposed."""
        with self._lock:
            return {entry.key: entry.proposal() for entry in self.objects if entry.is_filling}

    def next_slice(self) -> NextSlice | None:
        """Where a drawing would gain most, as :meth:`judge` found; None when it is not known."""
        return self._next

    def report(self) -> list[dict[str, Any]]:
        """For each object what is, or is to be, filled, as plain data for JSON."""
        with self._lock:
            return [self._report_of(entry) for entry in self.objects]

    def check(self) -> None:
        """Raises InterpolationError where an object has nothing to fill, with the reason."""
        for entry in self.objects:
            if not entry.gaps:
                raise InterpolationError(self._problem_of(entry))

    # -- what the user asks for --------------------------------------------------------------------------

    def choose(self, gap_id: str, choice: str) -> None:
        """``accept``, ``lock`` or ``leave`` a gap. Raises InterpolationError for another word or gap."""
        if choice not in CHOICES:
            raise InterpolationError(f"a gap is to {', '.join(CHOICES)}, not {choice!r}")
        with self._lock:
            live = next((live for live in self.gaps if live.id == gap_id), None)
            if live is None:
                raise InterpolationError("this gap is there no more")
            live.choice = choice
            if choice == ACCEPT:
                # its key slices may have changed meanwhile
                self._replan([live.object_key])
            self._part()
        self._tell(True)

    def set_method(self, method: str) -> None:
        """Fill all gaps by another method, the locked ones not. Raises NotFoundError for an unknown one."""
        method = self._checked(method)
        with self._lock:
            self.method = method
            self.generation += 1
        self._tell(True)

    def set_follows(self, follows: bool) -> None:
        """Whether the proposals follow every edit, or :meth:`refresh` alone."""
        self.follows = follows
        if follows:
            self.refresh()

    def refresh(self) -> None:
        """Look at the key slices of all objects anew."""
        with self._lock:
            self._replan(self._objects)
        self._tell(True)

    def draw(
        self,
        object_key: str,
        box: Box,
        voxels: NDArray[np.bool_],
        add: bool,
        edit_id: str | None = None,
        name: str = "Edit of the preview",
    ) -> NDArray[np.bool_]:
        """Take the part of an edit that falls on proposed slices, which are key slices from then on.

        ``voxels`` is boolean ``[i, j, k]`` of ``box``: what is to be added or erased. Returns of it what is
        left for the labels. An edit whose ``edit_id`` was taken before is taken and ignored.
        """
        with self._lock:
            entry = self._objects.get(object_key)
            if entry is None or entry.plane is None:
                return voxels
            if edit_id is not None and edit_id in self._taken:
                return self._taken[edit_id]
            if edit_id is not None:
                self._ended_strokes.add(edit_id)
            before = entry.edits
            left = entry.draw(box, voxels, add)
            if edit_id is not None and not np.array_equal(left, voxels):
                self._taken[edit_id] = left
            if entry.edits.keys() == before.keys() and all(entry.edits[at] is before[at] for at in before):
                return left
            self._edits.append(_ProposalEdit(name, object_key, self._labels.last_step, before))
            self._replan([object_key])
        self._tell(True)
        return left

    def hint(
        self, object_key: str, box: Box, voxels: NDArray[np.bool_], add: bool, edit_id: str | None = None
    ) -> None:
        """Follow an edit that is still being made, as a stroke while the brush moves.

        It counts as if it were in the labels, on slices that are not proposed, until the next one, or until
        :meth:`draw` ends it. Late hints of an edit that has ended are ignored.
        """
        with self._lock:
            entry = self._objects.get(object_key)
            if entry is None or entry.plane is None or not self.follows or edit_id in self._ended_strokes:
                return
            # what the edit will not change is no edit: no step of the labels would end the hint
            there = self._labels.mask(object_key).read(box)
            left = entry.off_proposal(box, voxels) & (~there if add else there)
            if not left.any():
                return
            entry.hint = Hint(box, left, add)
            self._replan([object_key])
        self._tell(True)

    def take_back(self) -> str | None:
        """Take the newest edit of the proposals back if no step of the labels is newer; its name, or None."""
        with self._lock:
            if not self._edits or self._edits[-1].step != self._labels.last_step:
                return None
            edit = self._edits.pop()
            self._objects[edit.object_key].edits = edit.before
            self._replan([edit.object_key])
        self._tell(True)
        return edit.name

    def apply(self) -> dict[str, int]:
        """Put the proposals into the labels as one undo step, and end; how many voxels changed by object.

        What is still to be filled is filled first. Slices that were filled are ``interpolated`` to the
        journal, those drawn on the proposal ``drawn``. Raises InterpolationError when there is nothing to
        put there, and what the labels raise.
        """
        self.compute()
        with self._lock:
            targets = [target for entry in self.objects if entry.is_filling for target in entry.targets()]
            if not targets:
                raise InterpolationError("there is nothing to apply: every gap is left as it is")
            titles = ", ".join(self._labels.title(entry.key) for entry in self.objects if entry.is_filling)
            self._applying = True
            try:
                changed = self._labels.write(f"Interpolate {titles}, {self.plane.value}", targets)
            finally:
                self._applying = False
        self.close()
        return changed

    def close(self) -> None:
        """End: nothing of what was not applied stays anywhere."""
        self._stop_listening()
        self._listeners.clear()
        self.generation += 1

    # -- the work ----------------------------------------------------------------------------------------

    def compute(
        self,
        method: str | None = None,
        only_new: bool = False,
        progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        """Fill the gaps that lack it by a method (else the chosen one).

        ``only_new`` leaves those alone that another method has filled.
        """
        method = method or self.method
        for entry in self.objects:
            with self._lock:
                problem = entry.problem
                gaps = [live for live in entry.gaps if live.lacks(method) and not (only_new and live.made_by)]
            if problem is None or not gaps or (cancel is not None and cancel()):
                continue
            try:
                fills = interpolate(problem, method, [live.gap for live in gaps], progress, cancel)
            except InterpolationCancelled:
                return
            found = {fill.gap: fill for fill in fills}
            with self._lock:
                # a gap that is there no more is nobody's: what was made for it shows nowhere
                for live in gaps:
                    live.made = live.fill = found[live.gap]
                    live.made_by = method
                self._part()
            self._tell(False)

    def judge(self, cancel: Callable[[], bool] | None = None, method: str | None = None) -> None:
        """Find out how wrong each gap may be, and which slice to draw next, by a method or the chosen one."""
        best: tuple[float, NextSlice] | None = None
        for entry in self.objects:
            with self._lock:
                problem, gaps = entry.problem, [live for live in entry.gaps if live.is_filling]
                fills = [live.fill for live in gaps]
            if not gaps:
                continue
            errors = expected_errors(problem, fills, method or self.method, cancel)
            if cancel is not None and cancel():
                return
            for live in gaps:
                live.error = errors[live.gap]
                place = NextSlice(entry.key, problem.plane, live.error.slice_index)
                if best is None or live.error.gain > best[0]:
                    best = (live.error.gain, place)
        self._next = None if best is None else best[1]
        self._tell(False)

    def listen(self, callback: Callable[[bool], None]) -> None:
        """Call back on every change, on the thread that makes it: with True where there is work to do."""
        self._listeners.append(callback)

    def tell(self) -> None:
        """Let those who listen look again."""
        self._tell(False)

    # -- inside ------------------------------------------------------------------------------------------

    def _replan(self, keys: Sequence[str] | dict[str, LiveObject]) -> None:
        for key in keys:
            forbidden = self._forbidden(key)
            self._objects[key].replan(self._labels, self.geometry, self.image, forbidden, self.caps)
        self.generation += 1

    def _checked(self, method: str | None) -> str:
        """The name of a method, of the best one for None."""
        nothing = Problem(self.geometry, {}, Mask(self.geometry.shape), self.image)
        return method_named(method, nothing).name

    def _forbidden(self, key: str) -> Forbidden:
        """Where an object may not grow: locked objects, and what is drawn of those filled beside it."""
        masks = [self._labels.mask(other) for other in self._labels.locked() if other not in self._objects]
        # copied, for the work on another thread
        masks = [mask.copy() for mask in masks if mask is not None and mask.count]
        beside = [entry for entry in self.objects if entry.key != key]

        def forbidden(box: Box) -> NDArray[np.bool_]:
            result = np.zeros(box.shape, dtype=bool, order="F")
            for mask in masks:
                result |= mask.read(box)
            for entry in beside:
                if (problem := entry.problem) is not None:
                    result |= problem.known(box) & problem.mask.read(box)
            return result

        return forbidden

    def _report_of(self, entry: LiveObject) -> dict[str, Any]:
        filling = [live for live in entry.gaps if live.is_filling]
        errors = {live.gap: live.error for live in filling if live.error is not None}
        report = report_json(entry.key, self.method, [live.fill for live in filling], errors)
        following = self._next
        if errors and following is not None and following.object_key == entry.key:
            report["next_slice"] = {"axis": following.plane.value, "slice": following.index}
        return report

    def _part(self) -> None:
        """Give no voxel to two objects."""
        filling = {entry.key: [live for live in entry.gaps if live.is_filling] for entry in self.objects}
        problems = {entry.key: entry.problem for entry in self.objects}
        raw = {key: [live.made for live in gaps] for key, gaps in filling.items()}
        for key, fills in keep_apart(raw, problems).items():
            for live, fill in zip(filling[key], fills, strict=True):
                live.fill = fill

    def _on_change(self, touched: set[str]) -> None:
        if self._applying:
            return
        with self._lock:
            there = set(self._labels.keys())
            for key in set(self._objects) - there:
                del self._objects[key]
            self._edits = [edit for edit in self._edits if edit.object_key in there]
            for key in touched & set(self._objects):
                self._objects[key].hint = None
            if not self.follows:
                return
            all_touched = touched & {*self._labels.locked(), *self._objects}
            keys = self._objects if all_touched - set(self._objects) else touched & set(self._objects)
            if not keys:
                return
            self._replan(keys)
        self._tell(True)

    def _problem_of(self, entry: LiveObject) -> str:
        title = self._labels.title(entry.key)
        drawn = len(entry.key_slices)
        if drawn == 0:
            where = f" in the {entry.wanted_plane.value} plane" if entry.wanted_plane else ""
            return f"{title} is drawn on no slice{where}."
        if drawn == 1:
            return f"{title} is drawn on one {entry.plane.value} slice only; draw it on another one too."
        return f"{title} has no gap between its {drawn} {entry.plane.value} slices: there is nothing to fill."

    def _tell(self, work: bool) -> None:
        for callback in list(self._listeners):
            callback(work)
