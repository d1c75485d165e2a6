"""``medlabel export``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from MedLabelApp.command.output import Output

FORMATS = ("supervisely", "dicom-seg", "rtstruct", "nifti", "nrrd", "seg-nrrd", "itksnap", "mitk")
SEG_TYPES = ("binary", "labelmap")


def register(subparsers) -> None:
    export = subparsers.add_parser("export", help="write scans and labels for other tools")
    export.add_argument("project", metavar="PROJECT", type=Path)
    export.add_argument("out", metavar="OUT", type=Path, help="a new or empty folder")
    export.add_argument("--format", choices=FORMATS, required=True)
    export.add_argument(
        "--seg-type",
        choices=SEG_TYPES,
        default="binary",
        help="dicom-seg: binary segments, or one labelmap where no objects overlap (default: binary)",
    )
    who = export.add_mutually_exclusive_group()
    who.add_argument(
        "--identity", action="store_true", help="supervisely: say who the patient is, and the scan's UIDs"
    )
    who.add_argument(
        "--deidentify",
        action="store_true",
        help="dicom-seg, rtstruct: with a de-identified copy of the series, and of that",
    )
    export.add_argument(
        "--volume", dest="volumes", metavar="VOLUME", action="append", help="only this one; may be repeated"
    )
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelApp.command.opened_project import open_project
    from MedLabelLib.exchange.exporting import export_project
    from MedLabelLib.exchange.formats.options import ExportOptions

    project = open_project(args.project, out)
    chosen = None
    if args.volumes:
        found = {volume.label: volume for volume in map(project.find_volume, args.volumes)}
        chosen = list(found.values())
    options = ExportOptions(args.seg_type, args.identity, args.deidentify)
    report = export_project(project, args.out, args.format, chosen, out.progress, options)
    for sentence in report.lost:
        out.warn(sentence)
    out.line(f"{len(report.files)} files in {args.out}, read back and compared:")
    for comparison in report.compared:
        out.line(f"  {comparison.text()}")
    return {
        "files": [str(path) for path in report.files],
        "verified": report.verified,
        "lost": report.lost,
        "compared": [asdict(comparison) for comparison in report.compared],
    }
