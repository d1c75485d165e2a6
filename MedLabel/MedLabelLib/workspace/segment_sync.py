"""What Slicer's Segment Editor did to the segments of a volume, made into one edit of its annotation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model.annotation import Annotation, LabelObject, PlaneFigure
from ..model.colors import rgb
from ..model.definitions import Definitions
from ..model.edits import Change, MaskOp, mask_difference
from ..model.mask import Mask
from ..storage.edit import Edit
from ..storage.project_journal import add_classes
from ..storage.session import VolumeSession
from .compat import BINARY_LABELMAP
from .effect_names import DoneBy, step_name
from .label_boxes import LabelBoxes
from .segment_reader import SegmentReader
from .segmentation_node import SegmentationBinding

TOOL = "segment editor"
_NUMBERED = re.compile(r"\s*#\d+$")


@dataclass
class SegmentChanges:
    """How the segments differ from the objects; ``notices`` says what of it cannot be taken over.

    ``added`` are segments with their voxels, ``drawn`` those with what changed of them; ``removed`` and
    ``renamed`` (to a class) name segments that are bound to an object.
    """

    added: dict[str, Mask] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    drawn: dict[str, tuple[MaskOp, Mask]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.drawn)


@dataclass
class _Removed:
    entry: LabelObject
    figures: list[PlaneFigure]


class SegmentSync:
    """Takes over into a session's annotation what an editor that only knows segments does to them.

    A segment that the editor adds is bound to the object made of it and keeps its own id in the scene;
    one that it removes and brings back (its undo) is the same object again, with its tags and figures.
    """

    def __init__(self, binding: SegmentationBinding, session: VolumeSession) -> None:
        self._binding = binding
        self._session = session
        self._keys = {segment_id: segment_id for segment_id in binding.keys}
        self._names = {segment_id: self._name(segment_id) for segment_id in binding.keys}
        self._removed: dict[str, _Removed] = {}
        self._label_boxes = LabelBoxes()
        self._stamps: dict[str, tuple] = {}
        self._note_stamps()

    def segment_of(self, key: str) -> str:
        """The id of the segment that shows an object; the object's key where there is none."""
        return next((segment_id for segment_id, other in self._keys.items() if other == key), key)

    def key_of(self, segment_id: str) -> str | None:
        """The key of the object that a segment is bound to; None for one that was never committed."""
        return self._keys.get(segment_id)

    def compare(self, touched_only: bool = False) -> SegmentChanges:
        """How the segments differ from the objects now. Raises GeometryError for unreadable segments.

        With ``touched_only`` the voxels of a segment are looked at only when its labelmap says that it was
        modified since it was last taken over: of many segments the few that an effect has changed.
        """
        changes = SegmentChanges()
        reader = SegmentReader(self._binding.segmentation, self._binding.geometry, self._label_boxes)
        annotation = self._annotation
        present = self._binding.keys
        for segment_id in present:
            key = self._keys.get(segment_id)
            if key is None:
                changes.added[segment_id] = reader.read(segment_id)
                continue
            entry = annotation.object(key)
            stamp = self._stamp(segment_id)
            if not touched_only or stamp is None or stamp != self._stamps.get(segment_id):
                mask = reader.read(segment_id)
                operation = mask_difference(key, entry.mask, mask)
                if operation is not None:
                    changes.drawn[segment_id] = operation, mask
            self._compare_name(segment_id, entry, changes)
        changes.removed = [segment_id for segment_id in self._keys if segment_id not in present]
        for segment_id in reader.resampled:
            if segment_id in changes.added or segment_id in changes.drawn:
                changes.notices.append(
                    f"The segment {self._name(segment_id)!r} was on another grid than the volume; "
                    "it was resampled, each voxel taking the nearest value."
                )
        return changes

    def commit(self, done_by: DoneBy | None = None, touched_only: bool = False) -> SegmentChanges:
        """Make what differs one named edit of the session; nothing is made where nothing differs.

        ``done_by`` says by what effect; ``touched_only`` is as in :meth:`compare`.

        Raises
        ------
        ReadOnlyError
            when the volume may not be edited.
        GeometryError
            when a segment's voxels cannot be told; nothing is taken over then.
        ProjectError, JournalError
            when a new class cannot be written to the project.
        """
        done_by = done_by or DoneBy()
        changes = self.compare(touched_only)
        if changes.any:
            classes = self._classes_of(changes.added)
            removed = {segment_id: self._object_with_figures(segment_id) for segment_id in changes.removed}
            added: dict[str, str] = {}
            title = self._title(changes, classes, done_by)
            with self._session.edit(title, tool=done_by.effect.lower() or TOOL) as edit:
                edit.set_provenance(done_by.provenance)
                # a class is written before the labels that name it
                self._define(classes)
                for segment_id in changes.removed:
                    edit.remove_object(self._keys[segment_id])
                for segment_id, class_name in changes.renamed.items():
                    edit.change_object(self._keys[segment_id], class_name=class_name)
                for operation, mask in changes.drawn.values():
                    edit.write_mask(operation.object_key, operation.box, mask.read(operation.box))
                for segment_id, mask in changes.added.items():
                    added[segment_id] = self._add(edit, segment_id, classes[segment_id], mask)
            for segment_id in changes.removed:
                del self._keys[segment_id]
                del self._names[segment_id]
            self._removed.update(removed)
            for segment_id, key in added.items():
                self._keys[segment_id] = key
                self._removed.pop(segment_id, None)
        self._show_names({*changes.added, *changes.renamed})
        self._note_stamps()
        return changes

    def follow(self, changes: Iterable[Change]) -> None:
        """Make the segments what the objects have become by an undo, a restore, or another tool's edit."""
        annotation = self._annotation
        changes = list(changes)
        fresh: set[str] = set()
        if any(change.kind == "object" for change in changes):
            there = {entry.key for entry in annotation.objects}
            for segment_id, key in list(self._keys.items()):
                if key not in there:
                    self._forget(segment_id)
            shown = set(self._keys.values())
            for entry in annotation.objects:
                if entry.key not in shown:
                    self._binding.add(entry)
                    self._keys[entry.key] = self._names[entry.key] = entry.key
                    self._removed.pop(entry.key, None)
                    fresh.add(entry.key)
            self._show_names(set(self._keys))
        for change in changes:
            segment_id = self.segment_of(change.object_key)
            if change.kind == "mask" and segment_id in self._keys and segment_id not in fresh:
                self._binding.update(annotation.object(change.object_key), change.box, segment_id)
        self._note_stamps()

    # -- inside ------------------------------------------------------------------------------------------

    @property
    def _annotation(self) -> Annotation:
        return self._session.annotation

    @property
    def _definitions(self) -> Definitions:
        return self._session.volume.dataset.project.definitions

    def _name(self, segment_id: str) -> str:
        return self._binding.segmentation.GetSegment(segment_id).GetName() or ""

    def _compare_name(self, segment_id: str, entry: LabelObject, changes: SegmentChanges) -> None:
        name = self._name(segment_id)
        if name == self._names[segment_id]:
            return
        class_name = self._class_named(name)
        if not self._definitions.has_class(class_name):
            changes.notices.append(
                f"The segment {self._names[segment_id]!r} was renamed to {name!r}, which is no class of the "
                "project: it keeps its class. To make a new class, add a segment of that name."
            )
        elif class_name != entry.class_name:
            changes.renamed[segment_id] = class_name

    def _class_named(self, name: str) -> str:
        """The class that a segment's name means: segments of a class are shown as ``class #n``."""
        name = name.strip()
        if self._definitions.has_class(name):
            return name
        return _NUMBERED.sub("", name) or "Segment"

    def _classes_of(self, added: dict[str, Mask]) -> dict[str, str]:
        return {
            segment_id: self._removed[segment_id].entry.class_name
            if segment_id in self._removed
            else self._class_named(self._name(segment_id))
            for segment_id in added
        }

    def _define(self, classes: dict[str, str]) -> None:
        colors: dict[str, str | None] = {}
        for segment_id, class_name in classes.items():
            colors.setdefault(class_name, self._color(segment_id))
        session = self._session
        add_classes(session.volume.dataset.project, colors, session.author, session.face)

    def _color(self, segment_id: str) -> str:
        parts = self._binding.segmentation.GetSegment(segment_id).GetColor()
        return "#" + "".join(f"{round(255 * min(max(part, 0.0), 1.0)):02X}" for part in parts)

    def _object_with_figures(self, segment_id: str) -> _Removed:
        entry = self._annotation.object(self._keys[segment_id])
        kept = LabelObject(entry.class_name, entry.key, list(entry.tags), extra=dict(entry.extra))
        return _Removed(kept, list(self._annotation.figures_of(entry)))

    def _add(self, edit: Edit, segment_id: str, class_name: str, mask: Mask) -> str:
        """Make the object of a segment; one that was removed before comes back as it was."""
        back = self._removed.get(segment_id) or _Removed(LabelObject(class_name), [])
        entry = edit.add_object(back.entry)
        for figure in back.figures:
            edit.put_figure(figure)
        if (box := mask.box) is not None:
            edit.write_mask(entry.key, box, mask.read(box))
        return entry.key

    def _forget(self, segment_id: str) -> None:
        """A segment goes whose object is gone."""
        self._binding.segmentation.RemoveSegment(segment_id)
        for known in (self._keys, self._names, self._stamps, self._removed):
            known.pop(segment_id, None)

    def _stamp(self, segment_id: str) -> tuple | None:
        """What tells whether a segment's voxels may have changed; None when that cannot be told."""
        segmentation = self._binding.segmentation
        segment = segmentation.GetSegment(segment_id)
        labelmap = segment.GetRepresentation(BINARY_LABELMAP)
        if labelmap is None or segmentation.GetSourceRepresentationName() != BINARY_LABELMAP:
            return None
        return labelmap, labelmap.GetMTime(), segment.GetLabelValue()

    def _note_stamps(self) -> None:
        self._stamps = {segment_id: self._stamp(segment_id) for segment_id in self._keys}

    def _title(self, changes: SegmentChanges, classes: dict[str, str], done_by: DoneBy) -> str:
        """The step's name: by what effect and on what; else what was done to how many."""
        if changes.drawn and not (changes.added or changes.removed or changes.renamed):
            names = {segment_id: self._names[segment_id] for segment_id in changes.drawn}
            operations = {segment_id: operation for segment_id, (operation, _) in changes.drawn.items()}
            if name := step_name(done_by, names, operations):
                return name
        parts = []
        for verb, names in (
            ("drew on", [self._names[segment_id] for segment_id in changes.drawn]),
            ("added", [classes[segment_id] for segment_id in changes.added]),
            ("removed", [self._names[segment_id] for segment_id in changes.removed]),
            ("reclassified", [self._names[segment_id] for segment_id in changes.renamed]),
        ):
            if names:
                parts.append(f"{verb} {names[0] if len(names) == 1 else f'{len(names)} objects'}")
        return f"Segment Editor: {', '.join(parts)}"

    def _show_names(self, recolored: set[str]) -> None:
        """Name the segments after their objects; those that are new or changed class take its colour."""
        for segment_id, key in self._keys.items():
            entry = self._annotation.object(key)
            title = f"{entry.class_name} #{self._annotation.number(entry)}"
            segment = self._binding.segmentation.GetSegment(segment_id)
            if segment.GetName() != title:
                segment.SetName(title)
            if segment_id in recolored:
                segment.SetColor(*rgb(self._definitions.label_class(entry.class_name).color))
            self._names[segment_id] = title
