"""``medlabel label``: a new object from a file of labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from MedLabelApp.command.output import Output


def register(subparsers) -> None:
    label = subparsers.add_parser("label", help="a new object from a file of labels")
    label.add_argument("project", metavar="PROJECT", type=Path)
    label.add_argument("volume", metavar="VOLUME", help="dataset/name, or an unambiguous part of it")
    label.add_argument("label_class", metavar="CLASS", help="the object's class; made where it is new")
    label.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        type=Path,
        required=True,
        help="NRRD, NIfTI or MetaImage of whole numbers, seg.nrrd, MITK's labels, DICOM SEG or RTSTRUCT; "
        "resampled where its grid is another",
    )
    label.add_argument(
        "--value", metavar="N", type=int, help="the label's value (default: the one of that name, or any)"
    )
    label.set_defaults(run=run_label)


def run_label(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.exchange.label_files.one_label import attach_one
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project

    project = Project.open(args.project)
    volume = project.find_volume(args.volume)
    report = attach_one(project, volume, args.file, args.label_class, args.value, author(), "command")
    (added,) = report.added
    for note in report.notes:
        out.warn(f"{args.file.name}: {note}")
    ml = added.voxels * volume.geometry().voxel_ml
    out.line(f"{volume.label}: {added.class_name}#{added.number}, {added.voxels} voxels, {ml:.1f} ml")
    return {
        "object": added.key,
        "voxels": added.voxels,
        "class": added.class_name,
        "number": added.number,
        "ml": round(ml, 3),
        "note": "; ".join(report.notes),
    }
