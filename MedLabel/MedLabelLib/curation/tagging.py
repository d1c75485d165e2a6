"""Putting tags on volumes and objects, and taking them away."""

from __future__ import annotations

from ..model.annotation import LabelObject, Tag
from ..model.errors import NotFoundError
from ..storage.session import VolumeSession
from .tag_rules import check_place, parse_value, with_tag


def put_tag(session: VolumeSession, name: str, text: str | None, object_key: str | None = None) -> bool:
    """Put a tag on the volume, or on one of its objects; whether that changed anything.

    ``text`` is the value as it is typed, None where the tag has none. A tag that may stand there once
    takes the place of the one before.

    Raises
    ------
    NotFoundError
        for a tag that is not defined, or an object that is not there.
    AnnotationError
        for a value, a place or a class that the tag's definition does not allow.
    """
    definition = session.volume.dataset.project.definitions.tag(name)
    entry = None if object_key is None else session.annotation.object(object_key)
    value = parse_value(definition, text)
    check_place(definition, entry)
    shown = name if value is None else f"{name}={value}"
    return _set(session, entry, with_tag(_tags(session, entry), definition, value), f"Tag {shown}")


def remove_tag(session: VolumeSession, name: str, text: str | None, object_key: str | None = None) -> bool:
    """Take a tag away, with ``text`` only that of this value; whether that changed anything.

    Raises NotFoundError when the volume or object carries no such tag.
    """
    entry = None if object_key is None else session.annotation.object(object_key)
    tags = _tags(session, entry)
    kept = [tag for tag in tags if tag.name != name or (text is not None and str(tag.value) != text)]
    if len(kept) == len(tags):
        shown = name if text is None else f"{name}={text}"
        raise NotFoundError(f"there is no tag {shown} on {_place(session, entry)}")
    return _set(session, entry, kept, f"Remove tag {name}")


def _tags(session: VolumeSession, entry: LabelObject | None) -> list[Tag]:
    return list(session.annotation.tags if entry is None else entry.tags)


def _place(session: VolumeSession, entry: LabelObject | None) -> str:
    if entry is None:
        return session.volume.label
    return f"{entry.class_name}#{session.annotation.number(entry)} of {session.volume.label}"


def _set(session: VolumeSession, entry: LabelObject | None, tags: list[Tag], what: str) -> bool:
    if tags == _tags(session, entry):
        return False
    title = "" if entry is None else f" on {entry.class_name} #{session.annotation.number(entry)}"
    with session.edit(what + title, tool="tags") as edit:
        if entry is None:
            edit.set_volume_tags(tags)
        else:
            edit.change_object(entry.key, tags=tags)
    return True
