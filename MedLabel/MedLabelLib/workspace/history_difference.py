"""What going back to an earlier state of a volume would change, object by object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..model.annotation import Annotation, LabelObject
from ..model.box import Box
from ..model.edits import MaskOp, RecordOp, difference
from ..model.mask import Mask

CHANGES, COMES_BACK, GOES = "changes", "comes back", "goes"


@dataclass(frozen=True)
class ObjectDifference:
    """One object: the voxels that it would gain, lose and keep.

    ``box`` holds all that the object has or would have; ``added``, ``removed`` and ``kept`` are boolean
    ``[i, j, k]`` of its shape; an object without voxels has none of them. ``how`` is ``changes``,
    ``comes back`` (it was deleted since) or ``goes`` (it was made since). ``records`` counts the changes
    that are no voxels: class, tags, figures on slices.
    """

    key: str
    title: str
    how: str
    records: int = 0
    box: Box | None = None
    added: NDArray | None = field(default=None, repr=False)
    removed: NDArray | None = field(default=None, repr=False)
    kept: NDArray | None = field(default=None, repr=False)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many voxels are added, removed and kept."""
        if self.box is None:
            return (0, 0, 0)
        return tuple(int(np.count_nonzero(part)) for part in (self.added, self.removed, self.kept))

    @property
    def can_come_back(self) -> bool:
        """Whether the earlier state has the object, so that it can be brought back alone."""
        return self.how != GOES

    def text(self, voxel_ml: float) -> str:
        """As ``tumour #1 gains 1.20 ml and loses 0.30 ml``."""
        added, removed, kept = (count * voxel_ml for count in self.counts)
        if self.how == COMES_BACK:
            return f"{self.title} comes back with {_ml(added)}"
        if self.how == GOES:
            return f"{self.title} goes with its {_ml(removed)}"
        parts = [f"gains {_ml(added)}"] if added else []
        parts += [f"loses {_ml(removed)}"] if removed else []
        if self.records:
            parts.append("gets other tags, class or figures")
        return f"{self.title} {' and '.join(parts)}" + (f", keeps {_ml(kept)}" if added or removed else "")


@dataclass(frozen=True)
class StateDifference:
    """What a whole volume would change. ``others`` counts what belongs to no object: tags, the order."""

    objects: tuple[ObjectDifference, ...]
    others: int = 0

    @property
    def any(self) -> bool:
        return bool(self.objects or self.others)

    def sentence(self, voxel_ml: float) -> str:
        """In words and millilitres, for the user who decides by it."""
        if not self.any:
            return "Nothing would change: the labels are as they were then."
        parts = [entry.text(voxel_ml) for entry in self.objects]
        if self.others:
            parts.append("the volume's tags or the objects' order change")
        return f"{'; '.join(parts)}."


def state_difference(now: Annotation, then: Annotation) -> StateDifference:
    """What making ``now`` equal to ``then`` would change; neither is changed. Safe on any thread."""
    operations = difference(now, then)
    masks = {operation.object_key for operation in operations if isinstance(operation, MaskOp)}
    records: dict[str, int] = {}
    others = 0
    for operation in operations:
        if not isinstance(operation, RecordOp):
            continue
        if operation.target == "object":
            records[operation.key] = records.get(operation.key, 0) + 1
        elif operation.target == "figure":
            key = (operation.after or operation.before)["object_key"]
            records[key] = records.get(key, 0) + 1
        else:
            others += 1
    before = {entry.key: entry for entry in now.objects}
    after = {entry.key: entry for entry in then.objects}
    touched = [key for key in {**before, **after} if key in masks or key in records]
    return StateDifference(
        tuple(_object_difference(key, before, after, records.get(key, 0), now, then) for key in touched),
        others,
    )


def _object_difference(
    key: str,
    before: dict[str, LabelObject],
    after: dict[str, LabelObject],
    records: int,
    now: Annotation,
    then: Annotation,
) -> ObjectDifference:
    old, new = before.get(key), after.get(key)
    home = now if old is not None else then
    shown = old or new
    title = f"{shown.class_name} #{home.number(shown)}"
    how = COMES_BACK if old is None else GOES if new is None else CHANGES
    masks = [entry.mask if entry is not None and entry.mask else Mask(now.shape) for entry in (old, new)]
    boxes: Sequence[Box] = [box for box in (mask.box for mask in masks) if box is not None]
    if not boxes:
        return ObjectDifference(key, title, how, records)
    box = boxes[0].union(boxes[-1])
    was, will = masks[0].read(box), masks[1].read(box)
    return ObjectDifference(key, title, how, records, box, will & ~was, was & ~will, was & will)


def _ml(amount: float) -> str:
    if 0 < amount < 0.01:
        return f"{amount:.4f} ml"
    return f"{amount:.2f} ml" if amount < 10 else f"{amount:.1f} ml"
