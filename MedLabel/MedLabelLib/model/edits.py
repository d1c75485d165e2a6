"""Edits as lists of invertible operations: the one form in which every change of labels is made and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .annotation import Annotation, LabelObject
from .box import Box
from .definitions import Definitions
from .errors import AnnotationError
from .mask import Mask
from .records import (
    Record,
    definitions_from_record,
    definitions_record,
    figure_from_record,
    figure_record,
    fill_object,
    head_record,
    object_from_record,
    object_record,
    plain,
    tag_from_record,
    tags_record,
)

# what a RecordOp may be about; the last two lie in the project's definitions
RECORD_TARGETS = ("object", "figure", "order", "tags", "head", "class", "tag_definition", "definitions")


@dataclass(frozen=True)
class MaskOp:
    """The voxels of an object's mask that change: ``xor`` is boolean ``[i, j, k]`` over ``box``.

    It is its own inverse. An object that has no mask counts as one with an empty mask.
    """

    object_key: str
    box: Box
    xor: NDArray[np.bool_]

    def inverted(self) -> MaskOp:
        return self

    @property
    def changed(self) -> int:
        return int(np.count_nonzero(self.xor))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MaskOp)
            and self.object_key == other.object_key
            and self.box == other.box
            and np.array_equal(self.xor, other.xor)
        )

    __hash__ = None


@dataclass(frozen=True)
class RecordOp:
    """A record that is added (``before`` None), removed (``after`` None) or changed.

    ``target`` is one of RECORD_TARGETS; ``key`` names the object or figure by its key, a class or tag
    definition by its name, and is empty for what there is one of. ``at`` is the place in its list that a
    record is added at or removed from.
    """

    target: str
    key: str
    before: Record | None
    after: Record | None
    at: int | None = None

    def inverted(self) -> RecordOp:
        return replace(self, before=self.after, after=self.before)


Operation = MaskOp | RecordOp


@dataclass(frozen=True)
class Change:
    """What a listener is told: the object concerned, the box for voxels, and what kind of thing changed.

    ``kind`` is ``mask``, ``object``, ``figure``, ``tags`` or ``definitions``. ``object_key`` is empty for
    what belongs to no object.
    """

    object_key: str
    box: Box | None
    kind: str


def invert(operations: Sequence[Operation]) -> list[Operation]:
    """The operations that take back ``operations``, in the order to apply them."""
    return [operation.inverted() for operation in reversed(operations)]


def apply(annotation: Annotation, operations: Iterable[Operation]) -> None:
    """Carry out operations on an annotation, in place.

    Raises AnnotationError at one that does not fit it; those before it stay carried out.
    """
    for operation in operations:
        if isinstance(operation, MaskOp):
            _apply_mask(annotation, operation)
        else:
            _apply_record(annotation, operation)


def apply_to_definitions(definitions: Definitions, operations: Iterable[Operation]) -> Definitions:
    """The definitions after those operations that are about them; others are passed over."""
    for operation in operations:
        if not isinstance(operation, RecordOp):
            continue
        if operation.target == "definitions":
            definitions = definitions_from_record(operation.after)
        elif operation.target in ("class", "tag_definition"):
            record = definitions_record(definitions)
            name = "classes" if operation.target == "class" else "tags"
            record[name] = _changed_list(record[name], operation, "name")
            definitions = definitions_from_record(record)
    return definitions


def changes_of(operations: Iterable[Operation]) -> list[Change]:
    """What listeners are told about operations; boxes of the same object are joined."""
    boxes: dict[str, Box] = {}
    others: dict[Change, None] = {}
    for operation in operations:
        if isinstance(operation, MaskOp):
            known = boxes.get(operation.object_key)
            boxes[operation.object_key] = operation.box if known is None else known.union(operation.box)
        elif operation.target == "figure":
            others[Change((operation.after or operation.before)["object_key"], None, "figure")] = None
        elif operation.target in ("object", "order"):
            others[Change(operation.key, None, "object")] = None
        elif operation.target in ("tags", "head"):
            others[Change("", None, "tags")] = None
        else:
            others[Change("", None, "definitions")] = None
    return [*others, *(Change(key, box, "mask") for key, box in boxes.items())]


def mask_difference(object_key: str, before: Mask | None, after: Mask | None) -> MaskOp | None:
    """The operation between two masks of an object, or None when they hold the same voxels."""
    masks = [mask for mask in (before, after) if mask is not None]
    boxes = [box for box in (mask.box for mask in masks) if box is not None]
    if not boxes:
        return None
    box = boxes[0] if len(boxes) == 1 else boxes[0].union(boxes[1])
    xor = masks[0].read(box)
    if len(masks) == 2:
        xor ^= masks[1].read(box)
    return cut_mask_op(object_key, box, xor)


def cut_mask_op(object_key: str, box: Box, xor: NDArray[np.bool_]) -> MaskOp | None:
    """A MaskOp of the smallest box that holds what changes, or None when nothing does."""
    inner = Box.around(xor)
    if inner is None:
        return None
    moved = Box(
        tuple(a + o for a, o in zip(inner.start, box.start, strict=True)),
        tuple(a + o for a, o in zip(inner.stop, box.start, strict=True)),
    )
    return MaskOp(object_key, moved, np.asfortranarray(xor[inner.slices]))


def add_object_ops(entry: LabelObject, at: int) -> list[Operation]:
    """The operations that put an object with its mask at a place in the list."""
    mask = mask_difference(entry.key, None, entry.mask)
    record = RecordOp("object", entry.key, None, object_record(entry), at)
    return [record] if mask is None else [record, mask]


def remove_object_ops(annotation: Annotation, key: str) -> list[Operation]:
    """The operations that take an object with its figures and mask away."""
    entry = annotation.object(key)
    kept = list(annotation.figures)
    operations: list[Operation] = []
    for figure in list(annotation.figures_of(entry)):
        at = next(index for index, other in enumerate(kept) if other is figure)
        operations.append(RecordOp("figure", figure.key, figure_record(figure), None, at))
        del kept[at]
    at = next(index for index, other in enumerate(annotation.objects) if other is entry)
    return [*operations, *invert(add_object_ops(entry, at))]


def difference(before: Annotation, after: Annotation) -> list[Operation]:
    """The operations that make ``before`` equal to ``after``; neither is changed."""
    work = Annotation(before.shape, objects=list(before.objects), figures=list(before.figures))
    operations: list[Operation] = []

    def do(steps: list[Operation]) -> None:
        # only lists are followed here, so that no voxel of ``before`` changes
        for step in steps:
            if isinstance(step, RecordOp) and step.target == "object":
                _follow(work.objects, step, object_from_record)
            elif isinstance(step, RecordOp) and step.target == "figure":
                _follow(work.figures, step, figure_from_record)
        operations.extend(steps)

    wanted = {entry.key: entry for entry in after.objects}
    wanted_figures = {figure.key: figure for figure in after.figures}
    for figure in list(work.figures):
        if figure.key not in wanted_figures:
            at = work.figures.index(figure)
            do([RecordOp("figure", figure.key, figure_record(figure), None, at)])
    for entry in list(work.objects):
        if entry.key not in wanted:
            at = next(index for index, other in enumerate(work.objects) if other is entry)
            do(invert(add_object_ops(entry, at)))
    known = {entry.key: entry for entry in work.objects}
    for at, entry in enumerate(after.objects):
        if entry.key in known:
            do(_object_difference(known[entry.key], entry))
        else:
            do(add_object_ops(entry, min(at, len(work.objects))))
    known_figures = {figure.key: figure for figure in work.figures}
    for at, figure in enumerate(after.figures):
        record = figure_record(figure)
        if figure.key not in known_figures:
            do([RecordOp("figure", figure.key, None, record, min(at, len(work.figures)))])
        elif (old := figure_record(known_figures[figure.key])) != record:
            do([RecordOp("figure", figure.key, old, record)])
    for name, old, new in (
        ("objects", work.objects, after.objects),
        ("figures", work.figures, after.figures),
    ):
        if [entry.key for entry in old] != [entry.key for entry in new]:
            operations.append(order_op(name, [e.key for e in old], [e.key for e in new]))
    if (old_tags := tags_record(before.tags)) != (new_tags := tags_record(after.tags)):
        operations.append(RecordOp("tags", "", old_tags, new_tags))
    if (old_head := head_record(before)) != (new_head := head_record(after)):
        operations.append(RecordOp("head", "", old_head, new_head))
    return operations


def definitions_difference(before: Definitions, after: Definitions) -> list[Operation]:
    """The operations that make definitions ``before`` equal to ``after``, entry by entry where it can."""
    old, new = definitions_record(before), definitions_record(after)
    if old == new:
        return []
    operations: list[Operation] = []
    for name, target in (("classes", "class"), ("tags", "tag_definition")):
        entries = list(old[name])
        wanted = {entry["name"]: entry for entry in new[name]}
        for entry in list(entries):
            if entry["name"] not in wanted:
                at = entries.index(entry)
                operations.append(RecordOp(target, entry["name"], entry, None, at))
                del entries[at]
        known = {entry["name"]: entry for entry in entries}
        for at, entry in enumerate(new[name]):
            if entry["name"] not in known:
                place = min(at, len(entries))
                operations.append(RecordOp(target, entry["name"], None, entry, place))
                entries.insert(place, entry)
            elif known[entry["name"]] != entry:
                operations.append(RecordOp(target, entry["name"], known[entry["name"]], entry))
    if definitions_record(apply_to_definitions(before, operations)) != new:
        return [RecordOp("definitions", "", old, new)]
    return operations


def order_op(what: str, before: list[str], after: list[str]) -> RecordOp:
    """The operation that gives ``what`` (``objects`` or ``figures``) another order; the keys are the same."""
    return RecordOp("order", "", {what: before}, {what: after})


def _object_difference(old: LabelObject, new: LabelObject) -> list[Operation]:
    mask = mask_difference(old.key, old.mask, new.mask)
    masks: list[Operation] = [] if mask is None else [mask]
    before, after = object_record(old), object_record(new)
    if before == after:
        return masks
    record = RecordOp("object", old.key, before, after)
    # an object without a mask key has no mask: voxels go before the key does, and come after it
    return [*masks, record] if new.mask_key is None else [record, *masks]


def _apply_mask(annotation: Annotation, operation: MaskOp) -> None:
    entry = annotation.object(operation.object_key)
    if not Box.whole(annotation.shape).holds(operation.box):
        raise AnnotationError(f"an edit's box leaves the volume of {tuple(annotation.shape)}")
    if entry.mask is None:
        entry.mask = Mask(annotation.shape)
    entry.mask.write(operation.box, entry.mask.read(operation.box) ^ operation.xor)


def _apply_record(annotation: Annotation, operation: RecordOp) -> None:
    if operation.target == "object":
        _follow(annotation.objects, operation, object_from_record, fill_object)
    elif operation.target == "figure":
        _follow(annotation.figures, operation, figure_from_record)
    elif operation.target == "tags":
        annotation.tags = [tag_from_record(record) for record in operation.after["tags"]]
    elif operation.target == "head":
        annotation.key = operation.after["key"]
        annotation.volume_meta = plain(operation.after["volume_meta"])
        annotation.extra = plain(operation.after["extra"])
    elif operation.target == "order":
        for name, keys in operation.after.items():
            _reorder(getattr(annotation, name), keys)


def _follow(entries: list, operation: RecordOp, make, fill=None) -> None:
    """Add, remove or change the entry of an operation in a list of objects or figures."""
    at = next((index for index, entry in enumerate(entries) if entry.key == operation.key), None)
    if operation.before is None:
        if at is not None:
            raise AnnotationError(f"there is a {operation.target} {operation.key} already")
        entries.insert(operation.at, make(operation.after))
        return
    if at is None:
        raise AnnotationError(f"there is no {operation.target} {operation.key}")
    if operation.after is None:
        del entries[at]
    elif fill is None:
        entries[at] = make(operation.after)
    else:
        fill(entries[at], operation.after)


def _reorder(entries: list, keys: list[str]) -> None:
    places = {key: at for at, key in enumerate(keys)}
    if sorted(places) != sorted(entry.key for entry in entries):
        raise AnnotationError("an order names other objects or figures than there are")
    entries.sort(key=lambda entry: places[entry.key])


def _changed_list(entries: list[Record], operation: RecordOp, name: str) -> list[Record]:
    at = next((index for index, entry in enumerate(entries) if entry[name] == operation.key), None)
    changed = list(entries)
    if operation.before is None:
        changed.insert(operation.at, operation.after)
    elif at is None:
        raise AnnotationError(f"there is no {operation.target} {operation.key!r}")
    elif operation.after is None:
        del changed[at]
    else:
        changed[at] = operation.after
    return changed
