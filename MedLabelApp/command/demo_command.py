"""``medlabel demo``: fetch the demo scans and make the demo project."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output, megabytes
from MedLabelApp.command.serve_commands import add_listening, serve_project

if TYPE_CHECKING:
    from MedLabelApp.demo.project import DemoEvent


def register(subparsers) -> None:
    demo = subparsers.add_parser("demo", help="fetch the demo scans, make the demo project")
    demo.add_argument(
        "folder",
        metavar="DIR",
        type=Path,
        nargs="?",
        help="where to (default: MEDLABEL_DEMO_DIR, else the user's data folder)",
    )
    demo.add_argument("--serve", action="store_true", help="serve it at once, while the scans arrive")
    demo.add_argument("--open", dest="open_browser", action="store_true", help="open the browser too")
    add_listening(demo)
    demo.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace, out: Output) -> dict[str, Any] | None:
    from MedLabelApp.demo.project import demo_folder

    folder = (args.folder or demo_folder()).absolute()
    if args.serve:
        _serve_while_made(folder, args, out)
        return None
    return _make(folder, out)


def _make(folder: Path, out: Output) -> dict[str, Any]:
    from MedLabelApp.demo.project import make_demo

    report = make_demo(folder, _Teller(out))
    document = {
        "project": str(report.project.path),
        "made": report.made,
        "there": report.there,
        "problems": report.problems,
    }
    if not report.made and not report.there:
        raise PartlyDoneError("; ".join(report.problems), document)
    out.line(f"the demo project is in {report.project.path}")
    return document


def _serve_while_made(folder: Path, args: argparse.Namespace, out: Output) -> None:
    from MedLabelApp.browser.describe import Description
    from MedLabelApp.demo.background import making_in_background
    from MedLabelApp.demo.project import open_demo

    project = open_demo(folder)
    description = Description(project)
    with making_in_background(folder, _Teller(out)) as making:

        def describe() -> dict[str, Any]:
            # asked first: what arrives in between is then shown twice rather than not at all
            arriving, problems = making.arriving(), making.problems()
            described = description()
            return {
                **described,
                "arriving": arriving,
                "problems": [*described["problems"], *problems],
            }

        serve_project(project, describe, args, out)


class _Teller:
    """Says on the terminal what the making of the demo does."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __call__(self, event: DemoEvent) -> None:
        if event.kind == "size" and event.total:
            self._out.line(f"{megabytes(event.total)} are to be fetched")
        elif event.kind == "fetching":
            self._out.progress(event.title, event.done, event.total)
        elif event.kind == "made":
            self._out.line(f"made {event.text}")
        elif event.kind == "problem":
            self._out.warn(event.text)
