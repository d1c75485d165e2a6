"""``medlabel serve`` and ``open``: the workspace in the browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.output import Output
from MedLabelLib.model.errors import FileFormatError, NotFoundError

if TYPE_CHECKING:
    from MedLabelLib.storage.project import Project

Describe = Callable[[], Mapping[str, Any]]


def register(subparsers) -> None:
    command = subparsers.add_parser("serve", help="the workspace in the browser")
    command.add_argument("project", metavar="PROJECT", type=Path)
    add_listening(command)
    command.add_argument("--open", dest="open_browser", action="store_true", help="open the browser too")
    command.set_defaults(run=run_serve)

    look = subparsers.add_parser("open", help="look at and label a scan with no project")
    look.add_argument("path", metavar="FILE|FOLDER", type=Path)
    add_listening(look)
    look.add_argument(
        "--no-browser", dest="open_browser", action="store_false", help="only print the address"
    )
    look.set_defaults(run=run_open)


def add_listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=_port, help="default: 8080, or the next that is free; 0: any")


def run_serve(args: argparse.Namespace, out: Output) -> None:
    from MedLabelApp.browser.describe import Description
    from MedLabelApp.command.opened_project import open_project

    project = open_project(args.project, out)
    serve_project(project, Description(project), args, out)


def run_open(args: argparse.Namespace, out: Output) -> None:
    from MedLabelApp.browser.front.application import Services

    _check_openable(args.path)
    opens = args.open_browser and _has_screen()
    _serve(Services(opening=args.path.absolute()), args, out, args.path.name, opens)


def serve_project(project: Project, describe: Describe, args: argparse.Namespace, out: Output) -> None:
    """Serve until Ctrl+C. What the page shows comes from ``describe``."""
    from MedLabelApp.browser.front.application import Services

    def import_upload(path: Path) -> dict[str, Any]:
        from MedLabelLib.exchange.importing import import_sources
        from MedLabelLib.storage.author import author

        report = import_sources(project, [path], author=author(), face="browser")
        report.raise_if_nothing()
        return {
            "added": [volume.label for volume in report.added],
            "warnings": [f"{label}: {text}" for label, text in report.warnings],
            # by name only: where an upload lay is no one's concern
            "failed": [f"{file.name}: {text}" for file, text in (*report.failed, *report.duplicates)],
        }

    def delete(label: str) -> str:
        from MedLabelLib.storage.author import author
        from MedLabelLib.storage.volumes_journal import delete_volume

        return delete_volume(project.find_volume(label), author(), "browser")

    def restore(identity: str) -> str:
        from MedLabelLib.storage.author import author
        from MedLabelLib.storage.volumes_journal import restore_volume

        return restore_volume(project, identity, author(), "browser").label

    services = Services(project.path, describe, import_upload, delete, restore)
    _serve(services, args, out, project.name, getattr(args, "open_browser", False))


def _serve(services: Any, args: argparse.Namespace, out: Output, name: str, open_browser: bool) -> None:
    from MedLabelApp.browser.front.server import Listening, serve

    def ready(address: str) -> None:
        out.line(f"{name} is served; open this address in a browser. Ctrl+C saves and ends.")
        out.line(address)
        out.document({"address": address})

    serve(services, Listening(args.host, args.port), open_browser=open_browser, on_ready=ready)


def _check_openable(path: Path) -> None:
    """A single file is known at once to be no scan; a folder is searched when it is opened."""
    from MedLabelLib.volumes.found import BadFile, FoundScan
    from MedLabelLib.volumes.scan_folder import find_scans

    if not path.exists():
        raise NotFoundError("there is no such file or folder", path)
    if path.is_file():
        found = find_scans(path)
        if not any(isinstance(entry, FoundScan) for entry in found):
            reasons = [entry.reason for entry in found if isinstance(entry, BadFile)]
            raise FileFormatError(reasons[0] if reasons else "it is no scan", path)


def _has_screen() -> bool:
    """Without one, a text browser could take the terminal."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports go from 0 to 65535")
    return int(text)
