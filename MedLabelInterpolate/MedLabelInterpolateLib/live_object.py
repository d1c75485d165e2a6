"""One object of a live interpolation: its key slices, its gaps, and what was drawn on the proposal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane

from .gaps import Gap
from .key_slices import slice_of
from .labels import Labels, Target
from .methods import GapFill
from .problem import Forbidden, Problem
from .weakness import ExpectedError

ACCEPT, LOCK, LEAVE = "accept", "lock", "leave"
CHOICES = (ACCEPT, LOCK, LEAVE)


@dataclass
class LiveGap:
    """A gap between two key slices, what is proposed for it, and what the user chose.

    ``accept``: it follows its key slices, and applying fills it; ``lock``: it stays as it is now, and
    applying fills it; ``leave``: it is not filled. ``made_by`` is the method of ``fill``, empty for one that
    is out of date; ``error`` how wrong it may be, None while that is not known.
    """

    object_key: str
    gap: Gap
    signature: tuple
    choice: str = ACCEPT
    made: GapFill | None = None
    fill: GapFill | None = None
    made_by: str = ""
    error: ExpectedError | None = None

    @property
    def id(self) -> str:
        return f"{self.object_key}:{self.gap.plane.value}:{self.gap.start}-{self.gap.stop}"

    @property
    def is_filling(self) -> bool:
        return self.choice != LEAVE and self.fill is not None

    def lacks(self, method: str) -> bool:
        """Whether it is still to be filled by a method."""
        if self.choice == LEAVE or (self.choice == LOCK and self.fill is not None):
            return False
        return self.made_by != method


@dataclass(frozen=True)
class Hint:
    """Voxels ``[i, j, k]`` of ``box`` that are being added, or erased."""

    box: Box
    voxels: NDArray[np.bool_]
    add: bool


@dataclass
class LiveObject:
    """What is known of one object. ``edits`` are slices of ``plane`` that were drawn on the proposal.

    They are key slices of ``problem``, which is None while there is none.
    ``reach`` holds all that is on the slices now, so that filling them anew leaves nothing of it; ``hint``
    is a stroke that is still being drawn, which counts as if it were in the labels.
    """

    key: str
    wanted_plane: Plane | None
    edits: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    gaps: list[LiveGap] = field(default_factory=list)
    problem: Problem | None = None
    reach: Box | None = None
    hint: Hint | None = None

    @property
    def plane(self) -> Plane | None:
        """The plane whose gaps are filled; None while nothing is drawn."""
        return None if self.problem is None else self.problem.plane

    @property
    def key_slices(self) -> tuple[int, ...]:
        return () if self.problem is None else self.problem.key_slices[self.plane]

    @property
    def is_filling(self) -> bool:
        return bool(self.edits) or any(live.is_filling for live in self.gaps)

    def replan(
        self,
        labels: Labels,
        geometry: VolumeGeometry,
        image: NDArray | None,
        forbidden: Forbidden | None,
        caps: bool,
    ) -> None:
        """Look at the key slices anew; gaps whose key slices are as before keep what they have."""
        mask = labels.mask(self.key)
        planes = labels.drawn(self.key, self.wanted_plane)
        if mask is None or not planes:
            self.gaps, self.edits, self.problem = [], {}, None
            return
        before = self.plane
        problem = Problem(geometry, planes, mask.copy(), image, forbidden)
        plane = problem.plane
        if self.hint is not None:
            planes[plane] = self._hinted(problem)
            problem = Problem(geometry, planes, problem.mask, image, forbidden)
        if plane is not before:
            self.edits, self.gaps = {}, []
        # a slice that was drawn in the labels meanwhile is theirs
        drawn = problem.key_slices[plane]
        self.edits = {index: voxels for index, voxels in self.edits.items() if index not in drawn}
        if self.edits:
            planes[plane] = (*drawn, *self.edits)
            for index, voxels in self.edits.items():
                write_slice(problem.mask, plane, index, voxels)
            problem = Problem(geometry, planes, problem.mask, image, forbidden)
        self.problem, self.reach = problem, mask.box
        self._take_gaps(caps)

    def _take_gaps(self, caps: bool) -> None:
        mask, plane = self.problem.mask, self.plane
        prints = {index: _print(slice_of(mask, plane, index)) for index in self.key_slices}
        others = tuple(
            (other, index, _print(slice_of(mask, other, index)))
            for other in self.problem.other_planes
            for index in self.problem.key_slices[other]
        )
        known = {live.gap: live for live in self.gaps}
        gaps = []
        for gap in self.problem.gaps(caps=caps):
            signature = (*(prints[key] for key in gap.keys), others)
            old = known.get(gap)
            if old is not None and (old.signature == signature or old.choice == LOCK):
                gaps.append(old)
            elif old is not None:
                # what it was is shown until the new one is made
                gaps.append(LiveGap(self.key, gap, signature, old.choice, old.made, old.fill))
            else:
                gaps.append(LiveGap(self.key, gap, signature))
        self.gaps = gaps

    def _hinted(self, problem: Problem) -> tuple[int, ...]:
        """Put the hint into a problem's mask; returns the key slices of its plane as they then are."""
        hint, plane, mask = self.hint, problem.plane, problem.mask
        before = mask.read(hint.box)
        mask.write(hint.box, before | hint.voxels if hint.add else before & ~hint.voxels)
        touched = {
            index
            for index in range(hint.box.start[plane.axis], hint.box.stop[plane.axis])
            if hint.voxels[plane.slice_index(index - hint.box.start[plane.axis])].any()
        }
        filled = {index for index in touched if slice_of(mask, plane, index).any()}
        return tuple(sorted((set(problem.key_slices[plane]) - touched) | filled))

    # -- edits of the proposal ---------------------------------------------------------------------------

    def draw(self, box: Box, voxels: NDArray[np.bool_], add: bool) -> NDArray[np.bool_]:
        """Add or erase ``voxels`` ``[i, j, k]`` of ``box`` on proposed slices; what is left of them."""
        left = voxels.copy()
        axis = self.plane.axis
        edits = dict(self.edits)
        self.hint = None
        window = tuple(cut for other, cut in enumerate(box.slices) if other != axis)
        for index in range(box.start[axis], box.stop[axis]):
            here = self.plane.slice_index(index - box.start[axis])
            if not voxels[here].any() or not self._is_proposed(index):
                continue
            before = edits[index] if index in edits else self._proposed_slice(index)
            after = before.copy()
            after[window] = after[window] | voxels[here] if add else after[window] & ~voxels[here]
            left[here] = False
            if not np.array_equal(after, before):
                edits[index] = after
        self.edits = edits
        return left

    def off_proposal(self, box: Box, voxels: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of ``voxels`` ``[i, j, k]`` of ``box`` those on slices that are not proposed."""
        left = voxels.copy()
        for index in range(box.start[self.plane.axis], box.stop[self.plane.axis]):
            if self._is_proposed(index):
                left[self.plane.slice_index(index - box.start[self.plane.axis])] = False
        return left

    def _is_proposed(self, index: int) -> bool:
        return index in self.edits or any(live.is_filling and index in live.gap.slices for live in self.gaps)

    def _proposed_slice(self, index: int) -> NDArray[np.bool_]:
        return slice_of(self.proposal(), self.plane, index)

    # -- what is proposed --------------------------------------------------------------------------------

    def proposal(self) -> Mask:
        """The slices of the gaps as they are proposed, those drawn on the proposal included."""
        result = Mask(self.problem.mask.shape)
        for target in self.targets():
            result.write(target.box, target.voxels)
        return result

    def targets(self) -> Iterator[Target]:
        """What the slices of the gaps are to become."""
        plane = self.plane
        for live in self.gaps:
            if live.is_filling:
                box = slice_box(self.problem.mask.shape, plane, live.gap.slices)
                fill = live.fill
                reach = self.reach if fill.box.is_empty else self.reach.union(fill.box)
                box = box.intersection(_opened(reach, plane))
                voxels = np.zeros(box.shape, dtype=bool, order="F")
                if not fill.box.is_empty:
                    voxels[fill.box.within(box)] = fill.voxels
                yield Target(self.key, plane, box, voxels, tuple(live.gap.slices))
        for index, drawn in self.edits.items():
            box = slice_box(self.problem.mask.shape, plane, (index,))
            yield Target(self.key, plane, box, np.expand_dims(drawn, plane.axis), (), (index,))


def slice_box(shape: tuple[int, int, int], plane: Plane, indices: Sequence[int]) -> Box:
    """The box of whole slices from the first to the last of ``indices``."""
    start, stop = [0, 0, 0], list(shape)
    start[plane.axis], stop[plane.axis] = indices[0], indices[-1] + 1
    return Box(tuple(start), tuple(stop))


def _opened(box: Box, plane: Plane) -> Box:
    """A box without limits along the plane's axis."""
    start, stop = list(box.start), list(box.stop)
    start[plane.axis], stop[plane.axis] = 0, np.iinfo(np.int32).max
    return Box(tuple(start), tuple(stop))


def write_slice(mask: Mask, plane: Plane, index: int, voxels: NDArray) -> None:
    """Make a slice of a mask what ``voxels`` ``[column, row]`` is."""
    mask.write(slice_box(mask.shape, plane, (index,)), np.expand_dims(voxels, plane.axis))


def _print(voxels: NDArray[np.bool_]) -> bytes:
    """What tells two slices apart."""
    return np.packbits(voxels).tobytes()
