"""The labels of one volume: tags, objects, masks and figures on slices."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .definitions import Definitions
from .errors import AmbiguousError, AnnotationError, NotFoundError
from .figures import PlaneShape
from .mask import Mask
from .planes import Plane


def new_key() -> str:
    """A fresh key of an object, figure or tag: 32 hex digits."""
    return uuid.uuid4().hex


@dataclass
class Tag:
    """A tag on a volume or an object, with its value when its definition asks for one."""

    name: str
    value: str | float | None = None
    key: str = field(default_factory=new_key)
    extra: dict = field(default_factory=dict)


@dataclass
class PlaneFigure:
    """A figure on one slice of one plane."""

    object_key: str
    plane: Plane
    slice_index: int
    shape: PlaneShape
    key: str = field(default_factory=new_key)
    extra: dict = field(default_factory=dict)


@dataclass
class LabelObject:
    """One instance of a class in a volume. ``mask_key`` names its mask's file once it has a mask."""

    class_name: str
    key: str = field(default_factory=new_key)
    tags: list[Tag] = field(default_factory=list)
    mask_key: str | None = None
    mask: Mask | None = None
    extra: dict = field(default_factory=dict)


@dataclass
class Annotation:
    """All labels of one volume.

    ``shape`` is the canonical grid's ``(ni, nj, nk)``; ``volume_meta`` is Supervisely's ``volumeMeta``,
    ``extra`` what the file holds beside what MedLabel uses.
    """

    shape: tuple[int, int, int]
    volume_meta: dict = field(default_factory=dict)
    key: str = field(default_factory=new_key)
    tags: list[Tag] = field(default_factory=list)
    objects: list[LabelObject] = field(default_factory=list)
    figures: list[PlaneFigure] = field(default_factory=list)
    extra: dict = field(default_factory=dict)

    def snapshot(self) -> Annotation:
        """The labels as they are now, at no cost, to be read while they change; not to be changed itself."""
        objects = [
            replace(entry, tags=list(entry.tags), mask=entry.mask and entry.mask.snapshot())
            for entry in self.objects
        ]
        return replace(self, tags=list(self.tags), objects=objects, figures=list(self.figures))

    def with_object_of(self, source: Annotation, key: str) -> Annotation:
        """These labels with one object and its figures as they are in ``source``, in its place of now or
        of then. Nothing is copied. Raises NotFoundError when ``source`` has no such object."""
        back = source.object(key)
        objects = list(self.objects)
        at = next((at for at, other in enumerate(objects) if other.key == key), None)
        if at is None:
            place = next(at for at, other in enumerate(source.objects) if other is back)
            objects.insert(min(place, len(objects)), back)
        else:
            objects[at] = back
        figures = [figure for figure in self.figures if figure.object_key != key]
        return replace(self, objects=objects, figures=[*figures, *source.figures_of(back)])

    def object(self, key: str) -> LabelObject:
        for entry in self.objects:
            if entry.key == key:
                return entry
        raise NotFoundError(f"there is no object {key} in the volume")

    def number(self, entry: LabelObject) -> int:
        """The object's number among those of its class, from 1, in order."""
        same = [other for other in self.objects if other.class_name == entry.class_name]
        return 1 + next(at for at, other in enumerate(same) if other is entry)

    def find(self, text: str) -> LabelObject:
        """The object that ``text`` names: its key, an unambiguous part of it, or ``class#n``."""
        exact = [entry for entry in self.objects if entry.key == text]
        if exact:
            return exact[0]
        if "#" in text:
            name, _, number = text.rpartition("#")
            for entry in self.objects:
                if entry.class_name == name and str(self.number(entry)) == number:
                    return entry
        found = [entry for entry in self.objects if text and text.lower() in entry.key]
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousError(f"{text!r} is part of {len(found)} objects' keys; give more of the key")
        known = ", ".join(f"{entry.class_name}#{self.number(entry)}" for entry in self.objects) or "none"
        raise NotFoundError(f"there is no object {text!r} in the volume (it has: {known})")

    def figures_of(self, entry: LabelObject) -> Iterator[PlaneFigure]:
        return (figure for figure in self.figures if figure.object_key == entry.key)

    def check(self, definitions: Definitions) -> None:
        """Raises AnnotationError where the annotation contradicts itself or the project's definitions."""
        keys = [entry.key for entry in self.objects]
        if len(set(keys)) != len(keys):
            raise AnnotationError("two objects have the same key")
        for entry in self.objects:
            if not definitions.has_class(entry.class_name):
                raise AnnotationError(f"an object is of class {entry.class_name!r}, which is not defined")
            if entry.mask is not None and entry.mask.shape != tuple(self.shape):
                raise AnnotationError(f"the mask of {entry.key} is of another size than the volume")
        for figure in self.figures:
            if figure.object_key not in keys:
                raise AnnotationError(f"the figure {figure.key} belongs to no object")
            if not 0 <= figure.slice_index < self.shape[figure.plane.axis]:
                raise AnnotationError(
                    f"the figure {figure.key} is on {figure.plane.value} slice {figure.slice_index}, "
                    f"and there are {self.shape[figure.plane.axis]}"
                )
        for tag in [*self.tags, *(tag for entry in self.objects for tag in entry.tags)]:
            if not definitions.has_tag(tag.name):
                raise AnnotationError(f"the tag {tag.name!r} is not defined")
