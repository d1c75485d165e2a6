"""What a tag definition allows: on what, with which value, how often."""

from __future__ import annotations

from ..model.annotation import Annotation, LabelObject, Tag
from ..model.definitions import TagDefinition
from ..model.errors import AnnotationError

# fields of a tag definition that only MedLabel reads
REQUIRED, MULTIPLE = "medlabelRequired", "medlabelMultiple"


def is_required(definition: TagDefinition) -> bool:
    """Whether a volume needs the tag before it may be finished."""
    return bool(definition.extra.get(REQUIRED))


def is_multiple(definition: TagDefinition) -> bool:
    """Whether one volume or object may carry the tag more than once."""
    return bool(definition.extra.get(MULTIPLE))


def parse_value(definition: TagDefinition, text: str | None) -> str | float | None:
    """A value as it is typed, in the tag's type. Raises AnnotationError when it is none of the tag's."""
    value: str | float | None = text
    if text is not None and definition.value_type == "any_number":
        try:
            value = float(text)
        except ValueError:
            value = text
        else:
            value = int(value) if value.is_integer() else value
    definition.check_value(value)
    return value


def check_place(definition: TagDefinition, entry: LabelObject | None) -> None:
    """Raises AnnotationError when the tag may not stand on an object, or (``entry`` None) on a volume."""
    kind = definition.applicable_type
    if entry is None and kind == "objectsOnly":
        raise AnnotationError(f"the tag {definition.name!r} is for objects, not for volumes")
    if entry is not None and kind == "imagesOnly":
        raise AnnotationError(f"the tag {definition.name!r} is for volumes, not for objects")
    if entry is not None and definition.classes and entry.class_name not in definition.classes:
        allowed = ", ".join(definition.classes)
        raise AnnotationError(f"the tag {definition.name!r} is for {allowed}, not for {entry.class_name}")


def misplaced(definition: TagDefinition, annotation: Annotation) -> list[str]:
    """What of an annotation's tags of this name the definition does not allow, in words."""
    problems = []
    for entry in (None, *annotation.objects):
        place = "the volume" if entry is None else f"{entry.class_name}#{annotation.number(entry)}"
        tags = [
            tag for tag in (annotation.tags if entry is None else entry.tags) if tag.name == definition.name
        ]
        for tag in tags:
            try:
                check_place(definition, entry)
                definition.check_value(tag.value)
            except AnnotationError as error:
                problems.append(f"{place}: {error.reason}")
        if len(tags) > 1 and not is_multiple(definition):
            problems.append(f"{place}: it carries the tag {len(tags)} times")
    return problems


def with_tag(tags: list[Tag], definition: TagDefinition, value: str | float | None) -> list[Tag]:
    """Tags with one more; one that may stand there once takes the place of the one before."""
    old = next((at for at, tag in enumerate(tags) if tag.name == definition.name), None)
    if old is None or is_multiple(definition):
        if any(tag.name == definition.name and tag.value == value for tag in tags):
            return list(tags)
        return [*tags, Tag(definition.name, value)]
    changed = Tag(definition.name, value, tags[old].key, dict(tags[old].extra))
    return [*tags[:old], changed, *tags[old + 1 :]]
