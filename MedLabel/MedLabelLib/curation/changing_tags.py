"""Tag definitions added, changed, merged and removed, with the tags of all volumes that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..model.annotation import Annotation, Tag
from ..model.definitions import Definitions, TagDefinition
from ..model.errors import AnnotationError, DuplicateError
from ..storage.project import Project
from ..storage.project_journal import change_definitions
from ..storage.session import VolumeSession
from .everywhere import Use, sessions_of, use_in
from .tag_rules import is_multiple, misplaced


def tag_use(project: Project, name: str) -> Use:
    """How often a tag is put, on volumes and objects. Raises NotFoundError when it is not defined."""
    project.definitions.tag(name)
    return use_in(project, lambda annotation: sum(tag.name == name for tag in _all_tags(annotation)))


def add_tag(project: Project, wanted: TagDefinition, author: str, face: str) -> None:
    """Define a tag. Raises DuplicateError when there is one of its name."""

    def with_it(definitions: Definitions) -> Definitions:
        if definitions.has_tag(wanted.name):
            raise DuplicateError(f"there is a tag {wanted.name!r} in the project already")
        return definitions.with_tag(wanted)

    change_definitions(project, with_it, f"New tag {wanted.name}", author, face)


def change_tag(project: Project, name: str, wanted: TagDefinition, author: str, face: str) -> Use:
    """Make a tag's definition what ``wanted`` says; under another name the tags that are put follow.

    Returns where the tag is in use. Raises NotFoundError, DuplicateError when the new name is taken,
    AnnotationError naming what is put today and would not be allowed, LockedError.
    """
    project.definitions.tag(name)
    if wanted.name != name and project.definitions.has_tag(wanted.name):
        raise DuplicateError(f"there is a tag {wanted.name!r} already; merge {name!r} into it")
    _check_use(project, name, wanted)
    what = f"Change tag {name}" if wanted.name == name else f"Rename tag {name} to {wanted.name}"
    return _move(project, name, wanted, what, author, face)


def merge_tags(project: Project, name: str, into: str, author: str, face: str) -> Use:
    """Make all tags of one name those of another, and take the first definition away.

    A tag that may stand in a place once and would stand there twice is left there once. Raises
    NotFoundError, AnnotationError naming what the other tag would not allow, LockedError.
    """
    project.definitions.tag(name)
    target = project.definitions.tag(into)
    if name == into:
        raise AnnotationError(f"the tag {name!r} cannot be merged into itself")
    _check_use(project, name, target)
    return _move(project, name, target, f"Merge tag {name} into {into}", author, face)


def remove_tag_definition(
    project: Project, name: str, author: str, face: str, with_tags: bool = False
) -> Use:
    """Take a tag's definition away, and with ``with_tags`` the tags that are put.

    Raises AnnotationError, naming how many and where, when there are any and they may not go.
    """
    use = tag_use(project, name)
    if use.count and not with_tags:
        raise AnnotationError(
            f"the tag {name!r} is put {use.count} times in {use.places()}: they would go too"
        )
    with sessions_of(use.volumes, author, face) as sessions:
        for session in sessions:
            _retag(session, lambda tags: [tag for tag in tags if tag.name != name], f"Remove tag {name}")
        change_definitions(project, lambda d: d.without_tag(name), f"Remove tag {name}", author, face)
    return use


def _all_tags(annotation: Annotation) -> list[Tag]:
    return [*annotation.tags, *(tag for entry in annotation.objects for tag in entry.tags)]


def _check_use(project: Project, name: str, wanted: TagDefinition) -> None:
    """Raises AnnotationError when tags of ``name`` that are put today are none that ``wanted`` allows."""
    for volume in project.volumes():
        annotation = volume.read_annotation(with_masks=False)
        for tag in _all_tags(annotation):
            tag.name = wanted.name if tag.name == name else f"\0{tag.name}"
        problems = misplaced(wanted, annotation)
        if problems:
            more = f" (and {len(problems) - 1} more there)" if len(problems) > 1 else ""
            raise AnnotationError(f"{volume.label}, {problems[0]}{more}")


def _move(project: Project, name: str, target: TagDefinition, what: str, author: str, face: str) -> Use:
    use = tag_use(project, name)
    if target.name == name:
        change_definitions(project, lambda d: d.with_changed_tag(name, target), what, author, face)
        return use
    is_new = not project.definitions.has_tag(target.name)

    def ended(definitions: Definitions) -> Definitions:
        if not is_new:
            return definitions.without_tag(name)
        others = tuple(tag for tag in definitions.tags if tag.name != target.name)
        return replace(definitions, tags=others).with_changed_tag(name, target)

    with sessions_of(use.volumes, author, face) as sessions:
        # both are defined while tags of the old one are put: a crash between leaves a project that is whole
        if is_new and use.volumes:
            change_definitions(project, lambda d: d.with_tag(target), what, author, face)
        for session in sessions:
            _retag(session, lambda tags: _renamed(tags, name, target), what)
            session.flush()
        change_definitions(project, ended, what, author, face)
    return use


def _renamed(tags: list[Tag], name: str, target: TagDefinition) -> list[Tag]:
    has_it = any(tag.name == target.name for tag in tags)
    moved = [replace(tag, name=target.name) if tag.name == name else tag for tag in tags]
    if is_multiple(target) or not has_it:
        return moved
    return [tag for tag in tags if tag.name != name]


def _retag(session: VolumeSession, change: Callable[[list[Tag]], list[Tag]], what: str) -> None:
    with session.edit(what, tool="tags") as edit:
        edit.set_volume_tags(change(list(session.annotation.tags)))
        for entry in list(session.annotation.objects):
            edit.change_object(entry.key, tags=change(list(entry.tags)))
