"""The three-way merge of a volume's labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from MedLabelLib.model.errors import AnnotationError
from MedLabelLib.model.mask import Mask

from ..content import Content, ReadMask, mask_digest
from .conflicts import BOTH, MINE, THEIRS, RecordConflict, VoxelConflicts
from .records import (
    SEPARATOR,
    Record,
    by_key,
    flat,
    merge_extra,
    merge_maps,
    merge_tags,
    merged_order,
    nested,
)
from .voxels import MaskSides, MergedMasks, merge_masks


@dataclass(frozen=True)
class Side:
    """Labels, and how to read the masks they name."""

    content: Content
    read_mask: ReadMask

    def mask(self, record: Record | None) -> Mask | None:
        return None if record is None or record["mask"] is None else self.read_mask(record["mask"])


class Merge:
    """Mine and theirs, both made from base.

    ``records`` and ``voxels`` are the conflicts, to be resolved one by one, by object, region or voxel, or
    all by :meth:`resolve`. :meth:`result` is whole at any time: what is open is as in mine.
    """

    def __init__(self, base: Side, mine: Side, theirs: Side) -> None:
        if not base.content.shape == mine.content.shape == theirs.content.shape:
            raise AnnotationError("labels of volumes of different size cannot be merged")
        self.base, self.mine, self.theirs = base, mine, theirs
        self.records: list[RecordConflict] = []
        self._objects: dict[str, Record] = {}
        self._kept: dict[str, RecordConflict] = {}
        self._masks: MergedMasks
        self._figures = self._merge_figures()
        self._merge_objects()
        self.voxels: VoxelConflicts | None = self._masks.conflicts
        self._merge_rest()

    # -- conflicts ---------------------------------------------------------------------------------------

    @property
    def open(self) -> list[str]:
        """A sentence for each conflict that is not resolved."""
        found = [conflict.sentence() for conflict in self.records if not conflict.choice]
        if self.voxels is not None and self.voxels.open_voxels:
            names = ", ".join(key[:8] for key in self.voxels.objects)
            found.append(f"{self.voxels.open_voxels} voxels were changed on both sides (objects {names})")
        return found

    def resolve(self, side: str) -> None:
        """Everything that is open, to one side."""
        for conflict in self.records:
            if not conflict.choice:
                conflict.resolve(MINE if side == BOTH else side)
        if self.voxels is not None:
            self.voxels.resolve_voxels(self.voxels.box, self.voxels.choices == 0, side)

    def resolve_object(self, object_key: str, side: str) -> None:
        """All that concerns one object, to one side."""
        for conflict in self.records:
            if conflict.object_key == object_key:
                conflict.resolve(MINE if side == BOTH else side)
        if self.voxels is not None and object_key in self.voxels.mine:
            self.voxels.resolve_object(object_key, side)

    # -- result ------------------------------------------------------------------------------------------

    def result(self) -> tuple[Content, dict[str, Mask]]:
        """The merged labels, and those of their masks that neither side has, by digest."""
        gone = {key for key, conflict in self._kept.items() if conflict.choice and conflict.value is None}
        made: dict[str, Mask] = {}
        objects = []
        for key, record in self._objects.items():
            if key not in gone:
                objects.append(self._finished(key, record, made))
        present = {record["key"] for record in objects}
        figures = []
        figure_choices = {c.name: c for c in self.records if c.what == "figure"}
        for key, figure in self._figures.items():
            conflict = figure_choices.get(key)
            figure = figure if conflict is None or not conflict.choice else conflict.value
            if figure is not None and figure["object_key"] in present:
                figures.append(figure)
        content = Content(self.mine.content.shape, objects, figures)
        content.tags = self._chosen_tags(self._tags, "volume tag", "")
        content.extra = self._chosen_extra(self._extra, "")
        names = {record["class_name"] for record in objects}
        tags = {tag["name"] for record in (*objects, {"tags": content.tags}) for tag in record["tags"]}
        content.classes = self._chosen_map(self._classes, "class", names)
        content.tag_definitions = self._chosen_map(self._tag_definitions, "tag definition", tags)
        return content, made

    def _finished(self, key: str, record: Record, made: dict[str, Mask]) -> Record:
        record = dict(record)
        for conflict in self.records:
            if conflict.object_key == key and conflict.what == "class name" and conflict.choice:
                record["class_name"] = conflict.value
        record["tags"] = self._chosen_tags(record["tags"], "tag", key)
        record["extra"] = self._chosen_extra(record["extra"], key)
        if key in self._masks.sides:
            mask = self._masks.mask(key, self.mine.content.shape)
            digest = None if mask.box is None else mask_digest(mask)
            if digest is not None:
                made[digest] = mask
            record["mask"] = digest
        return record

    def _chosen_tags(self, tags: list[Record], what: str, key: str) -> list[Record]:
        chosen = list(tags)
        for conflict in self.records:
            if conflict.what == what and conflict.object_key == key and conflict.choice:
                at = next((n for n, tag in enumerate(chosen) if tag is conflict.mine), len(chosen))
                chosen[at : at + 1] = [] if conflict.value is None else [conflict.value]
        return chosen

    def _chosen_extra(self, extra: Record, key: str) -> Record:
        chosen = dict(extra)
        for conflict in self.records:
            if conflict.what == "extra" and conflict.object_key == key and conflict.choice:
                outer = conflict.name.partition(SEPARATOR)[0]
                entries = flat(chosen, {outer} if SEPARATOR in conflict.name else set())
                entries.pop(conflict.name, None)
                if conflict.value is not None:
                    entries[conflict.name] = conflict.value
                chosen = nested(entries)
        return chosen

    def _chosen_map(self, entries: dict[str, Record], what: str, used: set[str]) -> dict[str, Record]:
        chosen = dict(entries)
        for conflict in self.records:
            if conflict.what == what and conflict.choice and conflict.value is not None:
                chosen[conflict.name] = conflict.value
        return {name: record for name, record in chosen.items() if name in used}

    # -- merging -----------------------------------------------------------------------------------------

    def _merge_figures(self) -> dict[str, Record | None]:
        sides = [by_key(side.content.figures) for side in (self.base, self.mine, self.theirs)]

        def note(key: Any, base: Any, mine: Any, theirs: Any) -> None:
            owner = (mine or theirs)["object_key"]
            self.records.append(RecordConflict("figure", owner, key, base, mine, theirs))

        merged: dict[str, Record | None] = dict(merge_maps(*sides, note))
        # a figure that is removed in mine and changed in theirs keeps its place, in case it is chosen
        for conflict in self.records:
            merged.setdefault(conflict.name, None)
        return merged

    def _merge_objects(self) -> None:
        base, mine, theirs = (by_key(side.content.objects) for side in (self.base, self.mine, self.theirs))
        sides: dict[str, MaskSides] = {}
        for key in merged_order(list(base), list(mine), list(theirs)):
            b, m, t = base.get(key), mine.get(key), theirs.get(key)
            if b is not None and (m is None or t is None):
                kept = m or t
                if kept is None or not self._is_changed(key, b, kept, MINE if t is None else THEIRS):
                    self._drop_figures(key)
                    continue
                conflict = RecordConflict("object", key, kept["class_name"], b, m, t)
                self.records.append(conflict)
                self._kept[key] = conflict
                self._keep_figures(key, MINE if t is None else THEIRS)
                self._objects[key] = kept
                m, t = m or b, t or b
            else:
                self._objects[key] = self._merge_object(key, b, m, t)
            if len({None if r is None else r["mask"] for r in (b, m, t)}) > 1:
                sides[key] = MaskSides(
                    self.base.mask(b),
                    (self.base if m is b else self.mine).mask(m),
                    (self.base if t is b else self.theirs).mask(t),
                )
        self._masks = merge_masks(sides)

    def _merge_object(self, key: str, b: Record | None, m: Record | None, t: Record | None) -> Record:
        if m is None or t is None:
            return m or t
        start = b or {"class_name": None, "tags": [], "extra": {}, "mask": None}
        merged = dict(m)
        if m["class_name"] != t["class_name"]:
            if m["class_name"] == start["class_name"]:
                merged["class_name"] = t["class_name"]
            elif t["class_name"] != start["class_name"]:
                names = (start["class_name"], m["class_name"], t["class_name"])
                self.records.append(RecordConflict("class name", key, m["class_name"], *names))
        merged["tags"], conflicts = merge_tags(start["tags"], m["tags"], t["tags"], "tag", key)
        self.records += conflicts
        merged["extra"], conflicts = merge_extra(start["extra"], m["extra"], t["extra"], key)
        self.records += conflicts
        return merged

    def _is_changed(self, key: str, before: Record, after: Record, side: str) -> bool:
        """Whether a side changed an object that the other removed: its record, mask or figures."""
        if before != after:
            return True
        figures = [
            [figure for figure in which.content.figures if figure["object_key"] == key]
            for which in (self.base, getattr(self, side))
        ]
        return figures[0] != figures[1]

    def _drop_figures(self, object_key: str) -> None:
        for key in [k for k, f in self._figures.items() if f is not None and f["object_key"] == object_key]:
            del self._figures[key]
        self._forget_figure_conflicts(object_key)

    def _keep_figures(self, object_key: str, side: str) -> None:
        """An object that stays has all the figures of the side that kept it."""
        self._forget_figure_conflicts(object_key)
        for figure in getattr(self, side).content.figures:
            if figure["object_key"] == object_key:
                self._figures[figure["key"]] = figure

    def _forget_figure_conflicts(self, object_key: str) -> None:
        self.records = [c for c in self.records if c.what != "figure" or c.object_key != object_key]

    def _merge_rest(self) -> None:
        base, mine, theirs = self.base.content, self.mine.content, self.theirs.content
        self._tags, conflicts = merge_tags(base.tags, mine.tags, theirs.tags, "volume tag", "")
        self.records += conflicts
        self._extra, conflicts = merge_extra(base.extra, mine.extra, theirs.extra, "")
        self.records += conflicts
        self._classes = self._merge_definitions(base.classes, mine.classes, theirs.classes, "class")
        self._tag_definitions = self._merge_definitions(
            base.tag_definitions, mine.tag_definitions, theirs.tag_definitions, "tag definition"
        )

    def _merge_definitions(
        self, base: dict[str, Record], mine: dict[str, Record], theirs: dict[str, Record], what: str
    ) -> dict[str, Record]:
        """Definitions that only one side uses are kept: the other's objects may use them again."""

        def note(name: Any, b: Any, m: Any, t: Any) -> None:
            if m is not None and t is not None:
                self.records.append(RecordConflict(what, "", name, b, m, t))

        merged = merge_maps(base, mine, theirs, note)
        return {**base, **mine, **theirs, **merged}
