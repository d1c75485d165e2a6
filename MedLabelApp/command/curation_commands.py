"""``medlabel tag``, ``class``, ``tagdef`` and ``work``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.output import Output
from MedLabelLib.model.definitions import CLASS_SHAPES, TAG_TARGETS, TAG_TYPES, LabelClass, TagDefinition

if TYPE_CHECKING:
    from MedLabelLib.curation.everywhere import Use
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.session import VolumeSession
    from MedLabelLib.storage.volume import Volume

FACE = "command"
STATUSES = ("to-do", "in-progress", "in-review", "done", "rejected")


def register(subparsers) -> None:
    tag = subparsers.add_parser("tag", help="put a tag on a volume or an object, or take it away")
    tag.add_argument("project", metavar="PROJECT", type=Path)
    tag.add_argument("volume", metavar="VOLUME")
    tag.add_argument("tag", metavar="NAME[=VALUE]")
    tag.add_argument("--object", metavar="OBJECT", help="on this object instead of the volume")
    tag.add_argument("--remove", action="store_true", help="take it away")
    tag.set_defaults(run=run_tag)
    work = subparsers.add_parser("work", help="how far the work on a volume is, and whose it is")
    work.add_argument("project", metavar="PROJECT", type=Path)
    work.add_argument("volume", metavar="VOLUME")
    work.add_argument("--status", choices=STATUSES)
    work.add_argument("--assign", metavar="WHO", help="to whom; an empty text to no one")
    work.add_argument("--remark", metavar="TEXT", help="an empty text takes it away")
    work.set_defaults(run=run_work)
    _register_definitions(subparsers, "class", "a class of objects", _class_fields)
    _register_definitions(subparsers, "tagdef", "the definition of a tag", _tag_fields)


def _register_definitions(subparsers, kind: str, what: str, add_fields) -> None:
    group = subparsers.add_parser(kind, help=f"add, change, merge or remove {what}")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=f"add {what}")
    change = actions.add_parser("change", help=f"change {what}; under a new name what is labelled follows")
    merge = actions.add_parser("merge", help=f"make everything of {what} that of another, and remove it")
    remove = actions.add_parser("remove", help=f"remove {what}")
    for action, parser in (("add", add), ("change", change), ("merge", merge), ("remove", remove)):
        parser.add_argument("project", metavar="PROJECT", type=Path)
        parser.add_argument("name", metavar="NAME")
        parser.set_defaults(run=globals()[f"run_{kind}_{action}"])
    change.add_argument("--name", dest="new_name", metavar="NAME", help="another name")
    merge.add_argument("into", metavar="INTO")
    remove.add_argument("--all", action="store_true", help="also where it is in use")
    for parser in (add, change):
        add_fields(parser)


def _class_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shape", choices=CLASS_SHAPES)
    parser.add_argument("--color", metavar="#RRGGBB")
    parser.add_argument("--hotkey", metavar="KEY")
    parser.add_argument("--description", metavar="TEXT")


def _tag_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", dest="value_type", choices=TAG_TYPES)
    parser.add_argument("--values", metavar="V1|V2…", help="for a tag of type oneof_string")
    parser.add_argument("--color", metavar="#RRGGBB")
    parser.add_argument("--hotkey", metavar="KEY")
    parser.add_argument("--on", dest="applicable_type", choices=TAG_TARGETS, help="volumes are imagesOnly")
    parser.add_argument("--classes", metavar="C1|C2…", help="only on objects of these; empty for all")
    parser.add_argument("--required", action=argparse.BooleanOptionalAction, help="before a volume is done")
    parser.add_argument("--multiple", action=argparse.BooleanOptionalAction, help="more than once in a place")


# -- tags and work -----------------------------------------------------------------------------------------


def run_tag(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.tagging import put_tag, remove_tag

    name, given, text = args.tag.partition("=")
    value = text if given else None
    volume, session = _session(args)
    with session:
        key = None if args.object is None else session.annotation.find(args.object).key
        changed = (remove_tag if args.remove else put_tag)(session, name, value, key)
        tags = session.annotation.tags if key is None else session.annotation.object(key).tags
        session.save()
        shown = [{"name": tag.name, "value": tag.value} for tag in tags]
    out.line(f"{volume.label}: {'no change' if not changed else 'removed' if args.remove else 'tagged'}")
    return {"volume": volume.label, "object": key, "changed": changed, "tags": shown}


def run_work(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.work import change_work, work_of

    status = None if args.status is None else args.status.replace("-", " ")
    volume, session = _session(args)
    with session:
        change_work(session, status, args.assign, args.remark)
        work = work_of(session.annotation)
        session.save()
    whose = f", {work.assignee}" if work.assignee else ""
    out.line(f"{volume.label}: {work.status}{whose}" + (f" – {work.remark}" if work.remark else ""))
    return {"volume": volume.label, **vars(work)}


# -- classes -----------------------------------------------------------------------------------------------


def run_class_add(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_classes import add_class
    from MedLabelLib.model.colors import next_color

    project = _project(args, out)
    color = args.color or next_color([entry.color for entry in project.definitions.classes])
    wanted = LabelClass(args.name, args.shape or "mask_3d", color, args.description or "", args.hotkey or "")
    add_class(project, wanted, *_who())
    return _said(out, f"class {args.name}: added")


def run_class_change(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_classes import change_class

    project = _project(args, out)
    fields = {"name": args.new_name, "shape": args.shape, "color": args.color}
    fields |= {"hotkey": args.hotkey, "description": args.description}
    old = project.definitions.label_class(args.name)
    wanted = replace(old, **{name: value for name, value in fields.items() if value is not None})
    use = change_class(project, args.name, wanted, *_who())
    return _said(out, f"class {wanted.name}: changed", use, "objects")


def run_class_merge(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_classes import merge_classes

    use = merge_classes(_project(args, out), args.name, args.into, *_who())
    return _said(out, f"class {args.name}: merged into {args.into}", use, "objects")


def run_class_remove(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_classes import remove_class

    use = remove_class(_project(args, out), args.name, *_who(), with_objects=args.all)
    return _said(out, f"class {args.name}: removed", use, "objects")


# -- definitions of tags -----------------------------------------------------------------------------------


def run_tagdef_add(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_tags import add_tag

    add_tag(_project(args, out), _with_fields(TagDefinition(args.name), args), *_who())
    return _said(out, f"tag {args.name}: added")


def run_tagdef_change(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_tags import change_tag

    project = _project(args, out)
    wanted = _with_fields(project.definitions.tag(args.name), args, args.new_name)
    use = change_tag(project, args.name, wanted, *_who())
    return _said(out, f"tag {wanted.name}: changed", use, "times")


def run_tagdef_merge(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_tags import merge_tags

    use = merge_tags(_project(args, out), args.name, args.into, *_who())
    return _said(out, f"tag {args.name}: merged into {args.into}", use, "times")


def run_tagdef_remove(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.curation.changing_tags import remove_tag_definition

    use = remove_tag_definition(_project(args, out), args.name, *_who(), with_tags=args.all)
    return _said(out, f"tag {args.name}: removed", use, "times")


def _project(args: argparse.Namespace, out: Output) -> Project:
    from MedLabelApp.command.opened_project import open_project

    return open_project(args.project, out)


def _session(args: argparse.Namespace) -> tuple[Volume, VolumeSession]:
    from MedLabelApp.command.opened_project import writable_session

    return writable_session(args.project, args.volume)


def _with_fields(tag: TagDefinition, args: argparse.Namespace, name: str | None = None) -> TagDefinition:
    """A tag definition with what the arguments say of it, made at once: its parts check each other."""
    from MedLabelLib.curation.tag_rules import MULTIPLE, REQUIRED

    extra = dict(tag.extra)
    for field, value in ((REQUIRED, args.required), (MULTIPLE, args.multiple)):
        if value is not None:
            extra[field] = value
    fields = {
        "name": name,
        "value_type": args.value_type,
        "values": None if args.values is None else _list(args.values),
        "color": args.color,
        "hotkey": args.hotkey,
        "applicable_type": args.applicable_type,
        "classes": None if args.classes is None else _list(args.classes),
        "extra": extra,
    }
    return replace(tag, **{name: value for name, value in fields.items() if value is not None})


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _who() -> tuple[str, str]:
    from MedLabelLib.storage.author import author

    return author(), FACE


def _said(out: Output, text: str, use: Use | None = None, unit: str = "") -> dict[str, Any]:
    if use is None:
        out.line(text)
        return {"count": 0, "volumes": []}
    out.line(text + (f" ({use.count} {unit} in {use.places()})" if use.count else ""))
    return {"count": use.count, "volumes": [volume.label for volume in use.volumes]}
