"""The edit being made: what a block of one undo step calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from numpy.typing import NDArray

from ..model.annotation import Annotation, LabelObject, PlaneFigure, Tag, new_key
from ..model.box import Box
from ..model.edits import (
    Operation,
    RecordOp,
    add_object_ops,
    apply,
    cut_mask_op,
    invert,
    mask_difference,
    order_op,
    remove_object_ops,
)
from ..model.errors import AnnotationError, GeometryError, NotFoundError
from ..model.planes import Plane
from ..model.records import figure_record, head_record, object_record, plain, tag_record, tags_record
from .journal.entries import DRAWN_DETAIL

PROVENANCE_KINDS = ("drawn", "interpolated", "model", "imported")
_KEEP = object()


class Edit:
    """Changes that become one step. Each shows in the annotation at once, and goes when the block raises.

    ``repeated`` says that a step of the same id was made before; every change is then ignored.
    """

    def __init__(self, annotation: Annotation, repeated: bool = False) -> None:
        self.repeated = repeated
        self.kind = "drawn"
        self.model: str | None = None
        self._annotation = annotation
        self._operations: list[Operation] = []
        self._open = True
        self._drawn: dict[str, dict[str, list[int]]] = {}

    # -- changes -----------------------------------------------------------------------------------------

    def write_mask(self, object_key: str, box: Box, voxels: NDArray) -> int:
        """Set the voxels of ``box`` in an object's mask; returns how many changed.

        ``voxels`` is boolean ``[i, j, k]`` of the box's shape, on the canonical grid. Raises
        NotFoundError for an unknown object, GeometryError for a box outside the volume or voxels of
        another shape.
        """
        self._check_open()
        if self.repeated:
            return 0
        entry = self._annotation.object(object_key)
        if not Box.whole(self._annotation.shape).holds(box):
            raise GeometryError(
                f"the box {box.start}–{box.stop} leaves the volume of {tuple(self._annotation.shape)}"
            )
        if tuple(voxels.shape) != box.shape:
            raise GeometryError(f"voxels of shape {tuple(voxels.shape)} do not fill a box of {box.shape}")
        after = voxels != 0
        xor = after if entry.mask is None else entry.mask.read(box) ^ after
        operation = cut_mask_op(object_key, box, xor)
        if operation is None:
            return 0
        if entry.mask_key is None:
            self._change_record(entry, mask_key=new_key())
        self._do([operation])
        return operation.changed

    def add_object(self, entry: LabelObject, at: int | None = None) -> LabelObject:
        """Add an object with its mask, at the end or at a place in the list; returns the live one."""
        self._check_open()
        if self.repeated:
            return entry
        if any(other.key == entry.key for other in self._annotation.objects):
            raise AnnotationError(f"there is an object {entry.key} already")
        if entry.mask is not None and tuple(entry.mask.shape) != tuple(self._annotation.shape):
            raise GeometryError(f"a mask of {entry.mask.shape} is not of the volume's size")
        has_mask = mask_difference(entry.key, None, entry.mask) is not None
        added = LabelObject(
            entry.class_name,
            entry.key,
            entry.tags,
            entry.mask_key or (new_key() if has_mask else None),
            entry.mask,
            entry.extra,
        )
        count = len(self._annotation.objects)
        self._do(add_object_ops(added, count if at is None else max(0, min(at, count))))
        return self._annotation.object(entry.key)

    def remove_object(self, key: str) -> None:
        """Take an object with its figures and mask away. Raises NotFoundError when there is none."""
        self._check_open()
        if not self.repeated:
            self._do(remove_object_ops(self._annotation, key))

    def change_object(
        self,
        key: str,
        class_name: str | object = _KEEP,
        tags: Sequence[Tag] | object = _KEEP,
        extra: dict | object = _KEEP,
    ) -> None:
        """Give an object another class, other tags or another ``extra``; what is not given stays."""
        self._check_open()
        if self.repeated:
            return
        changes = {}
        if class_name is not _KEEP:
            changes["class_name"] = class_name
        if tags is not _KEEP:
            changes["tags"] = [tag_record(tag) for tag in tags]
        if extra is not _KEEP:
            changes["extra"] = extra
        self._change_record(self._annotation.object(key), **changes)

    def move_object(self, key: str, at: int) -> None:
        """Move an object to another place in the list."""
        self._check_open()
        if self.repeated:
            return
        self._annotation.object(key)
        before = [entry.key for entry in self._annotation.objects]
        after = [other for other in before if other != key]
        after.insert(max(0, min(at, len(after))), key)
        if before != after:
            self._do([order_op("objects", before, after)])

    def put_figure(self, figure: PlaneFigure) -> None:
        """Add a figure, or put it in the place of the one with its key.

        Raises NotFoundError for an unknown object, AnnotationError for a slice outside the volume.
        """
        self._check_open()
        if self.repeated:
            return
        self._annotation.object(figure.object_key)
        if not 0 <= figure.slice_index < self._annotation.shape[figure.plane.axis]:
            raise AnnotationError(f"there is no {figure.plane.value} slice {figure.slice_index}")
        after = figure_record(figure)
        old = next((other for other in self._annotation.figures if other.key == figure.key), None)
        if old is None:
            self._do([RecordOp("figure", figure.key, None, after, len(self._annotation.figures))])
        elif (before := figure_record(old)) != after:
            self._do([RecordOp("figure", figure.key, before, after)])

    def remove_figure(self, key: str) -> None:
        """Take a figure away. Raises NotFoundError when there is none."""
        self._check_open()
        if self.repeated:
            return
        for at, figure in enumerate(self._annotation.figures):
            if figure.key == key:
                self._do([RecordOp("figure", key, figure_record(figure), None, at)])
                return
        raise NotFoundError(f"there is no figure {key} in the volume")

    def set_volume_tags(self, tags: Sequence[Tag]) -> None:
        """Give the volume these tags, in place of those it has."""
        self._check_open()
        before, after = tags_record(self._annotation.tags), tags_record(list(tags))
        if not self.repeated and before != after:
            self._do([RecordOp("tags", "", before, after)])

    def set_extra(self, extra: dict) -> None:
        """Give the annotation another ``extra``: what its file holds beside the labels."""
        self._check_open()
        before = head_record(self._annotation)
        after = {**before, "extra": plain(extra)}
        if not self.repeated and before != after:
            self._do([RecordOp("head", "", before, after)])

    def set_provenance(self, kind: str, model: str | None = None) -> None:
        """How this step made its voxels: one of PROVENANCE_KINDS; ``drawn`` where nothing is said."""
        if kind not in PROVENANCE_KINDS:
            raise AnnotationError(f"labels are {', '.join(PROVENANCE_KINDS)}, not {kind!r}")
        self.kind, self.model = kind, model

    def keep_drawn(self, object_key: str, plane: Plane, slices: Iterable[int]) -> None:
        """Some slices of an object were drawn, in a step that made the others in another way."""
        axes = self._drawn.setdefault(object_key, {})
        axes[str(plane.axis)] = sorted({*axes.get(str(plane.axis), ()), *map(int, slices)})

    @property
    def detail(self) -> str | None:
        """What the journal keeps beside the operations, as JSON; None for nothing."""
        if not self._drawn:
            return None
        return DRAWN_DETAIL + json.dumps(self._drawn, separators=(",", ":")) + "}"

    def apply(self, operations: Sequence[Operation]) -> None:
        """Carry out ready-made operations, as a restore does."""
        self._check_open()
        if not self.repeated:
            self._do(list(operations))

    # -- how it ends -------------------------------------------------------------------------------------

    def close(self) -> list[Operation]:
        """End the edit; returns its operations, none when nothing changed."""
        self._open = False
        return self._operations

    def take_back(self) -> None:
        """End the edit and make the annotation what it was before it."""
        self._open = False
        apply(self._annotation, invert(self._operations))
        self._operations = []

    # -- inside ------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if not self._open:
            raise AnnotationError("this edit has ended")

    def _change_record(self, entry: LabelObject, **changes: object) -> None:
        before = object_record(entry)
        after = {**before, **changes}
        if before != after:
            self._do([RecordOp("object", entry.key, before, after)])

    def _do(self, operations: list[Operation]) -> None:
        for operation in operations:
            apply(self._annotation, [operation])
            self._operations.append(operation)
