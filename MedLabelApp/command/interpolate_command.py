"""``medlabel interpolate``: fill the slices between those that were drawn."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from MedLabelApp.command.output import Output

AXES = ("auto", "axial", "coronal", "sagittal")


def register(subparsers) -> None:
    command = subparsers.add_parser("interpolate", help="fill the slices between those that were drawn")
    command.add_argument("project", metavar="PROJECT", type=Path)
    command.add_argument("volume", metavar="VOLUME", help="dataset/name, or an unambiguous part of it")
    command.add_argument(
        "objects", metavar="OBJECT", nargs="+", help="an object's key, an unambiguous part of it, or class#n"
    )
    command.add_argument(
        "--axis",
        choices=AXES,
        default="auto",
        help="the plane of the drawn slices (default: the one that the object was drawn in)",
    )
    command.add_argument(
        "--method", metavar="NAME", help="how to fill (an unknown name lists those there are)"
    )
    command.add_argument(
        "--caps", action="store_true", help="fill beyond the outermost drawn slices too, as far as is likely"
    )
    command.add_argument(
        "--report", action="store_true", help="say how wrong each gap may be, and which slice to draw next"
    )
    command.set_defaults(run=run_interpolate)


def run_interpolate(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelInterpolateLib.labels import SessionLabels
    from MedLabelInterpolateLib.live import LiveInterpolation
    from MedLabelLib.model.errors import LockedError
    from MedLabelLib.model.planes import Plane
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.session import VolumeSession

    volume = Project.open(args.project).find_volume(args.volume)
    plane = None if args.axis == "auto" else Plane(args.axis)
    with VolumeSession.open(volume, author(), "command") as session:
        if session.read_only:
            raise LockedError(f"{volume.label} cannot be labeled: {session.read_only_reason}")
        keys = list(dict.fromkeys(session.annotation.find(text).key for text in args.objects))
        labels = SessionLabels(session)
        image = volume.read_image()
        live = LiveInterpolation(labels, image.geometry, image.array, keys, plane, args.method, args.caps)
        live.check()
        live.compute(progress=partial(out.progress, "filling"))
        if args.report:
            live.judge()
        reports = live.report()
        titles = [labels.title(key) for key in keys]
        live.apply()
        session.save()
    for title, report in zip(titles, reports, strict=True):
        _say(title, report, out)
    return reports[0] if len(reports) == 1 else {"objects": reports}


def _say(title: str, report: dict[str, Any], out: Output) -> None:
    slices = sum(gap["slices"] for gap in report["gaps"])
    where = f"{slices} {report['axis']} slices in {len(report['gaps'])} gaps"
    out.line(f"{title}: filled {where} ({report['method']}), {report['filled']} voxels")
    rows = [
        (_span(gap), f"{gap['expected_error']:.1%}", str(gap["weakest_slice"]))
        for gap in report["gaps"]
        if "expected_error" in gap
    ]
    if rows:
        out.table([("drawn slices", "expected error", "weakest slice"), *rows])
    if "next_slice" in report:
        out.line(f"next slice to draw: {report['next_slice']['axis']} {report['next_slice']['slice']}")


def _span(gap: dict[str, Any]) -> str:
    return "–".join("" if end is None else str(end) for end in (gap["before"], gap["after"]))
