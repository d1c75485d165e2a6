"""What a project defines once for all its volumes: classes and tags."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .colors import next_color, parse_color
from .errors import AnnotationError, DuplicateError, NotFoundError

CLASS_SHAPES = ("mask_3d", "bitmap", "polygon", "rectangle", "closed_surface_mesh", "any")
TAG_TYPES = ("none", "any_number", "any_string", "oneof_string", "date")
# fields of meta.json that only MedLabel reads: a class's value in label images, and the next free one
_VALUE, _NEXT_VALUE = "medlabelValue", "medlabelNextValue"
TAG_TARGETS = ("all", "imagesOnly", "objectsOnly")


@dataclass(frozen=True)
class LabelClass:
    """A class of objects. ``extra`` keeps fields of the file that MedLabel does not use."""

    name: str
    shape: str = "mask_3d"
    color: str = "#E69F00"
    description: str = ""
    hotkey: str = ""
    extra: dict = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise AnnotationError("a class needs a name")
        if not self.shape:
            raise AnnotationError(f"the class {self.name!r} has no shape")
        object.__setattr__(self, "color", parse_color(self.color))


@dataclass(frozen=True)
class TagDefinition:
    """A tag that volumes and objects may carry. ``extra`` keeps fields of the file that are not used."""

    name: str
    value_type: str = "none"
    values: tuple[str, ...] = ()
    color: str = "#56B4E9"
    applicable_type: str = "all"
    classes: tuple[str, ...] = ()
    hotkey: str = ""
    extra: dict = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise AnnotationError("a tag needs a name")
        if self.value_type not in TAG_TYPES:
            raise AnnotationError(
                f"the tag {self.name!r} is of type {self.value_type!r}; there are {', '.join(TAG_TYPES)}"
            )
        if self.value_type == "oneof_string" and not self.values:
            raise AnnotationError(f"the tag {self.name!r} is one of several values, and none is given")
        if self.applicable_type not in TAG_TARGETS:
            raise AnnotationError(f"the tag {self.name!r} applies to {self.applicable_type!r}")
        object.__setattr__(self, "color", parse_color(self.color))

    def check_value(self, value: str | float | None) -> None:
        """Raises AnnotationError when ``value`` is none that this tag may have."""
        kind = self.value_type
        right = {
            "none": value is None,
            "any_number": isinstance(value, int | float) and not isinstance(value, bool),
            "any_string": isinstance(value, str),
            "date": isinstance(value, str),
            "oneof_string": value in self.values,
        }[kind]
        if not right:
            allowed = f"one of {', '.join(self.values)}" if kind == "oneof_string" else kind
            raise AnnotationError(f"the tag {self.name!r} takes {allowed}, not {value!r}")


@dataclass(frozen=True)
class Definitions:
    """All classes and tags of a project, in order. Changes give a new one."""

    classes: tuple[LabelClass, ...] = ()
    tags: tuple[TagDefinition, ...] = ()
    extra: dict = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for kind, entries in (("class", self.classes), ("tag", self.tags)):
            names = [entry.name for entry in entries]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise DuplicateError(f"the {kind} {twice[0]!r} is defined twice")

    def label_class(self, name: str) -> LabelClass:
        for entry in self.classes:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.classes) or "none"
        raise NotFoundError(f"there is no class {name!r} in the project (it has: {known})")

    def tag(self, name: str) -> TagDefinition:
        for entry in self.tags:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.tags) or "none"
        raise NotFoundError(f"there is no tag {name!r} in the project (it has: {known})")

    def has_class(self, name: str) -> bool:
        return any(entry.name == name for entry in self.classes)

    def has_tag(self, name: str) -> bool:
        return any(entry.name == name for entry in self.tags)

    def with_class(self, name: str, shape: str = "mask_3d", color: str | None = None) -> Definitions:
        """With one more class, in the next free colour when none is given."""
        color = color or next_color([entry.color for entry in self.classes])
        return self.with_label_class(LabelClass(name, shape, color))

    def with_label_class(self, wanted: LabelClass) -> Definitions:
        """With one more class, as it is given but for its value in label images, which is a new one."""
        if _NEXT_VALUE not in self.extra:
            return replace(self, classes=(*self.classes, wanted))
        value = self.extra[_NEXT_VALUE]
        added = replace(wanted, extra={**wanted.extra, _VALUE: value})
        return replace(self, classes=(*self.classes, added), extra={**self.extra, _NEXT_VALUE: value + 1})

    def with_changed_class(self, name: str, wanted: LabelClass) -> Definitions:
        """With another class, of the same name or a new one, in a class's place and with its value.

        Tags that are limited to the class are limited to the new one. Raises NotFoundError.
        """
        old = self.label_class(name)
        kept = {key: value for key, value in old.extra.items() if key == _VALUE}
        changed = replace(wanted, extra={**wanted.extra, **kept})
        return replace(
            self,
            classes=tuple(changed if entry is old else entry for entry in self.classes),
            tags=tuple(_limited(tag, name, wanted.name) for tag in self.tags),
        )

    def without_class(self, name: str, instead: str | None = None) -> Definitions:
        """Without a class; the others keep their values in label images, and its value is not used again.

        Tags that are limited to it are limited to ``instead``, where that is given. Raises NotFoundError.
        """
        gone = self.label_class(name)
        values = {entry.name: self.class_value(entry.name) for entry in self.classes}
        following = max(self.extra.get(_NEXT_VALUE, 1), 1 + max(values.values()))
        return replace(
            self,
            classes=tuple(
                replace(entry, extra={**entry.extra, _VALUE: values[entry.name]})
                for entry in self.classes
                if entry is not gone
            ),
            tags=tuple(_limited(tag, name, instead) for tag in self.tags),
            extra={**self.extra, _NEXT_VALUE: following},
        )

    def with_tag(self, tag: TagDefinition) -> Definitions:
        return replace(self, tags=(*self.tags, tag))

    def with_changed_tag(self, name: str, wanted: TagDefinition) -> Definitions:
        """With another tag, of the same name or a new one, in a tag's place. Raises NotFoundError."""
        old = self.tag(name)
        return replace(self, tags=tuple(wanted if entry is old else entry for entry in self.tags))

    def without_tag(self, name: str) -> Definitions:
        gone = self.tag(name)
        return replace(self, tags=tuple(entry for entry in self.tags if entry is not gone))

    def class_value(self, name: str) -> int:
        """The fixed integer of a class in every label image of the project.

        It is the class's place, from 1, until one is removed; from then on each keeps what it had.
        """
        kept = self.label_class(name).extra.get(_VALUE)
        return kept if kept is not None else 1 + [entry.name for entry in self.classes].index(name)


def _limited(tag: TagDefinition, name: str, instead: str | None) -> TagDefinition:
    """A tag that is limited to ``instead`` where it was limited to the class ``name``."""
    if name not in tag.classes:
        return tag
    classes = [instead if entry == name else entry for entry in tag.classes]
    # a limit that is gone altogether must not become a tag for all classes: it keeps the old name
    left = tuple(dict.fromkeys(entry for entry in classes if entry is not None)) or tag.classes
    return replace(tag, classes=left)
