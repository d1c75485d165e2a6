"""Classes added, changed, merged and removed, with the objects of all volumes that follow."""

from __future__ import annotations

from dataclasses import replace

from ..model.definitions import Definitions, LabelClass
from ..model.errors import AnnotationError, DuplicateError
from ..storage.project import Project
from ..storage.project_journal import change_definitions
from .everywhere import Use, sessions_of, use_in


def class_use(project: Project, name: str) -> Use:
    """How many objects are of a class. Raises NotFoundError when there is none of this name."""
    project.definitions.label_class(name)
    return use_in(project, lambda annotation: sum(entry.class_name == name for entry in annotation.objects))


def add_class(project: Project, wanted: LabelClass, author: str, face: str) -> None:
    """Add a class. Raises DuplicateError when there is one of its name."""

    def with_it(definitions: Definitions) -> Definitions:
        if definitions.has_class(wanted.name):
            raise DuplicateError(f"there is a class {wanted.name!r} in the project already")
        return definitions.with_label_class(wanted)

    change_definitions(project, with_it, f"New class {wanted.name}", author, face)


def change_class(project: Project, name: str, wanted: LabelClass, author: str, face: str) -> Use:
    """Make a class what ``wanted`` says; under another name its objects follow, in every volume.

    Returns the objects that were renamed with it. Raises NotFoundError, DuplicateError when the new name
    is taken, AnnotationError when the new shape does not hold what the class's objects have, LockedError
    while a volume that it concerns is being edited.
    """
    if wanted.name != name and project.definitions.has_class(wanted.name):
        raise DuplicateError(f"there is a class {wanted.name!r} already; merge {name!r} into it")
    _check_shape(project, name, wanted.shape)
    if wanted.name != name:
        return _move(project, name, wanted, f"Rename class {name} to {wanted.name}", author, face)

    def changed(definitions: Definitions) -> Definitions:
        definitions.label_class(name)
        return definitions.with_changed_class(name, wanted)

    change_definitions(project, changed, f"Change class {name}", author, face)
    return Use(0, ())


def merge_classes(project: Project, name: str, into: str, author: str, face: str) -> Use:
    """Make all objects of a class those of another, and take the first away.

    Raises NotFoundError, AnnotationError when the other's shape does not hold them, LockedError.
    """
    project.definitions.label_class(name)
    target = project.definitions.label_class(into)
    if name == into:
        raise AnnotationError(f"the class {name!r} cannot be merged into itself")
    _check_shape(project, name, target.shape)
    return _move(project, name, target, f"Merge class {name} into {into}", author, face)


def remove_class(project: Project, name: str, author: str, face: str, with_objects: bool = False) -> Use:
    """Take a class away, and with ``with_objects`` all objects of it.

    Raises AnnotationError, naming how many objects and where, when there are any and they may not go.
    """
    use = class_use(project, name)
    if use.count and not with_objects:
        raise AnnotationError(
            f"the class {name!r} has {use.count} objects in {use.places()}: they would go too"
        )
    with sessions_of(use.volumes, author, face) as sessions:
        for session in sessions:
            keys = [entry.key for entry in session.annotation.objects if entry.class_name == name]
            with session.edit(f"Delete all of {name}", tool="classes") as edit:
                for key in keys:
                    edit.remove_object(key)
        change_definitions(project, lambda d: d.without_class(name), f"Remove class {name}", author, face)
    return use


def _move(project: Project, name: str, target: LabelClass, what: str, author: str, face: str) -> Use:
    """Make the objects of a class those of ``target``, which takes its place where it is not there yet."""
    use = class_use(project, name)
    renamed = not project.definitions.has_class(target.name)

    def ended(definitions: Definitions) -> Definitions:
        if renamed:
            others = tuple(entry for entry in definitions.classes if entry.name != target.name)
            return replace(definitions, classes=others).with_changed_class(name, target)
        return definitions.without_class(name, instead=target.name)

    with sessions_of(use.volumes, author, face) as sessions:
        # both are defined while objects are of the old one: a crash between leaves a project that is whole
        if renamed and use.volumes:
            change_definitions(project, lambda d: d.with_label_class(target), what, author, face)
        for session in sessions:
            keys = [entry.key for entry in session.annotation.objects if entry.class_name == name]
            with session.edit(what, tool="classes") as edit:
                for key in keys:
                    edit.change_object(key, class_name=target.name)
            session.flush()
        change_definitions(project, ended, what, author, face)
    return use


def _check_shape(project: Project, name: str, shape: str) -> None:
    """Raises AnnotationError when a class of ``shape`` cannot hold what the objects of ``name`` have."""
    if shape == project.definitions.label_class(name).shape or shape == "any":
        return
    for volume in project.volumes():
        annotation = volume.read_annotation(with_masks=False)
        for entry in annotation.objects:
            if entry.class_name != name:
                continue
            kinds = {_kind(figure.shape) for figure in annotation.figures_of(entry)}
            if entry.mask_key is not None:
                kinds.add("mask_3d")
            if kinds - {shape}:
                raise AnnotationError(
                    f"a class of shape {shape} cannot hold {entry.class_name}#{annotation.number(entry)} of "
                    f"{volume.label}, which has {', '.join(sorted(kinds - {shape}))}"
                )


def _kind(shape) -> str:
    return getattr(shape, "geometry_type", type(shape).__name__.lower())
