"""``medlabel export``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from MedLabelApp.command.output import Output

FORMATS = ("supervisely", "nrrd", "nifti")


def register(subparsers) -> None:
    export = subparsers.add_parser("export", help="write scans and labels for other tools")
    export.add_argument("project", metavar="PROJECT", type=Path)
    export.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
    export.add_argument("--format", choices=FORMATS, required=True)
    export.add_argument(
        "--volume", dest="volumes", metavar="VOLUME", action="append", help="only this one; may be repeated"
    )
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelApp.command.opened_project import open_project
    from MedLabelLib.exchange.exporting import export_project

    project = open_project(args.project, out)
    chosen = None
    if args.volumes:
        found = {volume.label: volume for volume in map(project.find_volume, args.volumes)}
        chosen = list(found.values())
    report = export_project(project, args.out, args.format, chosen, out.progress)
    for sentence in report.lost:
        out.warn(sentence)
    out.line(f"{len(report.files)} files in {args.out}, read back and compared: {report.compared} volumes")
    return {
        "files": [str(path) for path in report.files],
        "verified": report.verified,
        "lost": report.lost,
    }
