"""``medlabel log``, ``undo``, ``redo``, ``delete``, ``restore`` and ``check``: what the journal is for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output

if TYPE_CHECKING:
    from MedLabelLib.storage.project import Project


def register(subparsers) -> None:
    log = subparsers.add_parser("log", help="who changed what, when and by what means")
    log.add_argument("project", metavar="PROJECT", type=Path)
    log.add_argument("volume", metavar="VOLUME", nargs="?", help="only this volume's entries")
    form = log.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="as CSV, with a heading")
    form.add_argument("--jsonl", action="store_true", help="as one JSON object a line")
    log.set_defaults(run=run_log)
    for name, text in (("undo", "take the last step of a volume back"), ("redo", "do it again")):
        move = subparsers.add_parser(name, help=text)
        move.add_argument("project", metavar="PROJECT", type=Path)
        move.add_argument("volume", metavar="VOLUME")
        move.add_argument("--steps", metavar="N", type=int, default=1, help="how many (default: 1)")
        move.set_defaults(run=run_undo if name == "undo" else run_redo)
    delete = subparsers.add_parser("delete", help="delete a volume; restore brings it back")
    delete.add_argument("project", metavar="PROJECT", type=Path)
    delete.add_argument("volume", metavar="VOLUME", help="dataset/name, or an unambiguous part of it")
    delete.set_defaults(run=run_delete)
    restore = subparsers.add_parser("restore", help="bring back an earlier state of a volume")
    restore.add_argument("project", metavar="PROJECT", type=Path)
    restore.add_argument("volume", metavar="VOLUME", help="a volume, or the id of a deleted one")
    restore.add_argument("--to", metavar="ENTRY", type=int, help="the entry to go back to, as log numbers it")
    restore.add_argument("--object", metavar="OBJECT", help="bring back this object alone")
    restore.set_defaults(run=run_restore)
    check = subparsers.add_parser("check", help="look at every hash, mask and annotation")
    check.add_argument("project", metavar="PROJECT", type=Path)
    check.add_argument("--repair", action="store_true", help="mend from the journal what can be mended")
    check.set_defaults(run=run_check)


def run_log(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.history_log import as_csv, as_json_lines, log_rows
    from MedLabelLib.storage.project import Project

    project = Project.open(args.project)
    volume = None if args.volume is None else project.find_volume(args.volume)
    rows = list(log_rows(project, volume))
    if args.csv or args.jsonl:
        text = as_csv(rows) if args.csv else as_json_lines(rows)
        out.line(text.rstrip("\n"))
    else:
        heading = ("entry", "when (UTC)", "author", "face", "volume", "tool", "made", "what")
        out.table([heading, *(_log_line(row) for row in rows)])
    return {"entries": rows}


def _log_line(row: dict[str, Any]) -> tuple[str, ...]:
    what = row["name"]
    if row["kind"] in ("undo", "redo"):
        what = f"{row['kind']} of {row['target']}: {what}"
    made = f"model {row['model']}" if row["model"] else row["provenance"]
    when = row["when"][:19].replace("T", " ")
    return (str(row["entry"]), when, row["author"], row["face"], row["volume"], row["tool"], made, what)


def run_undo(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    return _move(args, out, "undo")


def run_redo(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    return _move(args, out, "redo")


def _move(args: argparse.Namespace, out: Output, kind: str) -> dict[str, Any]:
    from MedLabelApp.command.opened_project import writable_session
    from MedLabelLib.model.errors import NotFoundError

    volume, session = writable_session(args.project, args.volume)
    steps = []
    with session:
        for _ in range(max(1, args.steps)):
            step = getattr(session, kind)()
            if step is None:
                break
            steps.append({"entry": step.id, "name": step.name})
            out.line(f"{volume.label}: {kind} of {step.name} ({step.id})")
        following = {"can_undo": session.can_undo, "can_redo": session.can_redo}
    if not steps:
        raise NotFoundError(f"there is nothing to {kind} in {volume.label}")
    return {"volume": volume.label, "steps": steps, **following}


def run_delete(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.volumes_journal import delete_volume

    volume = Project.open(args.project).find_volume(args.volume)
    volume_id = delete_volume(volume, author(), "command")
    out.line(f"{volume.label}: deleted; medlabel restore {args.project} {volume.label} brings it back")
    return {"volume": volume.label, "id": volume_id}


def run_restore(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelApp.command.opened_project import writable_session
    from MedLabelLib.storage.project import Project

    project = Project.open(args.project)
    if args.to is None:
        return _bring_back(project, args.volume, out)
    volume, session = writable_session(args.project, args.volume)
    with session:
        if args.object is None:
            step = session.restore(args.to)
        else:
            key = session.preview(args.to).find(args.object).key
            step = session.restore_object(key, args.to)
    said = f"it is as it was after entry {args.to} already" if step is None else step.name
    out.line(f"{volume.label}: {said}")
    return {"volume": volume.label, "entry": None if step is None else step.id}


def _bring_back(project: Project, text: str, out: Output) -> dict[str, Any]:
    """A deleted volume, by its id, its label or an unambiguous part of it."""
    from MedLabelLib.model.errors import AmbiguousError, MedLabelError
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.volumes_journal import deleted_volumes, restore_volume

    deleted = deleted_volumes(project)
    found = [key for key, label in deleted.items() if text in (key, label)]
    found = found or [key for key, label in deleted.items() if text.lower() in label.lower()]
    if len(found) > 1:
        named = ", ".join(f"{deleted[key]} ({key})" for key in found)
        raise AmbiguousError(f"{text!r} could be any of {len(found)} deleted volumes: {named}")
    if not found:
        raise MedLabelError(
            f"no deleted volume is called {text!r}; to go back to a state of one that is there, say with "
            "--to which entry, as medlabel log numbers them"
        )
    volume = restore_volume(project, found[0], author(), "command")
    out.line(f"{volume.label}: brought back")
    return {"volume": volume.label, "entry": None}


def run_check(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.check import check_project, repair
    from MedLabelLib.storage.project import Project

    project = Project.open_damaged(args.project)
    findings = repair(project, out.progress) if args.repair else check_project(project, out.progress)
    for item in findings:
        place = "" if item.path is None else f" {item.path}:"
        state = {None: "", True: " (mended)", False: " (not mended)"}[item.mended]
        out.line(f"{item.what}:{place} {item.problem}{state}" + (f"; {item.reason}" if item.reason else ""))
    left = [item for item in findings if item.kind == "damage" and not item.mended]
    document = {
        "clean": not left,
        "findings": [{**vars(item), "path": item.path and str(item.path)} for item in findings],
    }
    if left:
        hint = "" if args.repair else "; medlabel check --repair mends what the journal holds"
        raise PartlyDoneError(f"{len(left)} things are damaged in {project.path}{hint}", document)
    out.line(f"{project.path}: " + ("mended" if findings and args.repair else "all is well"))
    return document
