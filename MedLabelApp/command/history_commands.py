"""``medlabel log``, ``undo``, ``redo``, ``restore`` and ``check``: what the journal is for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output


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
        heading = ("entry", "when (UTC)", "author", "face", "volume", "what")
        out.table([heading, *(_log_line(row) for row in rows)])
    return {"entries": rows}


def _log_line(row: dict[str, Any]) -> tuple[str, ...]:
    what = row["name"]
    if row["kind"] in ("undo", "redo"):
        what = f"{row['kind']} of {row['target']}: {what}"
    if row["model"]:
        what += f" [{row['model']}]"
    when = row["when"][:19].replace("T", " ")
    return (str(row["entry"]), when, row["author"], row["face"], row["volume"], what)


def run_undo(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    return _move(args, out, "undo")


def run_redo(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    return _move(args, out, "redo")


def _move(args: argparse.Namespace, out: Output, kind: str) -> dict[str, Any]:
    from MedLabelLib.model.errors import NotFoundError

    volume, session = _open(args)
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


def run_restore(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.model.errors import MedLabelError
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.project_journal import deleted_volumes, restore_volume

    project = Project.open(args.project)
    deleted = {key: label for key, label in deleted_volumes(project).items() if args.volume in (key, label)}
    if args.to is None and len(deleted) == 1:
        volume = restore_volume(project, next(iter(deleted)), author(), "command")
        out.line(f"{volume.label}: brought back")
        return {"volume": volume.label, "entry": None}
    if args.to is None:
        raise MedLabelError("say with --to which entry to go back to; medlabel log numbers them")
    volume, session = _open(args)
    with session:
        if args.object is None:
            step = session.restore(args.to)
        else:
            key = session.preview(args.to).find(args.object).key
            step = session.restore_object(key, args.to)
    said = f"it is as it was after entry {args.to} already" if step is None else step.name
    out.line(f"{volume.label}: {said}")
    return {"volume": volume.label, "entry": None if step is None else step.id}


def run_check(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.check import check_project, repair
    from MedLabelLib.storage.project import Project

    project = Project.open(args.project)
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


def _open(args: argparse.Namespace) -> tuple:
    from MedLabelLib.model.errors import LockedError
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.session import VolumeSession

    volume = Project.open(args.project).find_volume(args.volume)
    session = VolumeSession.open(volume, author(), "command")
    if session.read_only:
        session.close()
        raise LockedError(f"{volume.label} cannot be edited: {session.read_only_reason}")
    return volume, session
