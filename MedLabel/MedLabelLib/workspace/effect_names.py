"""How the steps of Slicer's Segment Editor are named: by the effect, the object, and the slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.edits import MaskOp
from ..model.planes import Plane

# effects whose result lies between what the user drew
_INTERPOLATING = ("Fill between slices",)


@dataclass(frozen=True)
class DoneBy:
    """The effect that was active when segments changed, and the segment it worked on; empty if unknown."""

    effect: str = ""
    segment_id: str = ""

    @property
    def provenance(self) -> str:
        return "interpolated" if self.effect in _INTERPOLATING else "drawn"


def step_name(done_by: DoneBy, names: Mapping[str, str], operations: Mapping[str, MaskOp]) -> str:
    """As ``Paint on tumour #2, axial 71``; empty where the effect is not known.

    ``names`` and ``operations`` are those of the segments that changed, by their ids. A slice is told when
    all that changed lies on it; slices count from 1, as on the screen.
    """
    if not done_by.effect:
        return ""
    main = done_by.segment_id if done_by.segment_id in names else next(iter(names))
    others = len(names) - 1
    if others and done_by.segment_id not in names:
        return f"{done_by.effect} on {len(names)} objects"
    name = f"{done_by.effect} on {names[main]}{_slice_of(operations[main])}"
    return f"{name}, and {others} other object{'s' if others > 1 else ''}" if others else name


def _slice_of(operation: MaskOp) -> str:
    box = operation.box
    thin = [axis for axis in range(3) if box.stop[axis] - box.start[axis] == 1]
    if len(thin) != 1:
        return ""
    return f", {Plane.of_axis(thin[0]).value} {box.start[thin[0]] + 1}"
