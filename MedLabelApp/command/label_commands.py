"""``medlabel label``: a new object from a label image."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from MedLabelApp.command.output import Output


def register(subparsers) -> None:
    label = subparsers.add_parser("label", help="a new object from a label image")
    label.add_argument("project", metavar="PROJECT", type=Path)
    label.add_argument("volume", metavar="VOLUME", help="dataset/name, or an unambiguous part of it")
    label.add_argument("label_class", metavar="CLASS", help="the object's class; made where it is new")
    label.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        type=Path,
        required=True,
        help="NRRD, NIfTI or MetaImage of whole numbers; resampled where its grid is another",
    )
    label.add_argument("--value", metavar="N", type=int, help="the label's value (default: any but 0)")
    label.set_defaults(run=run_label)


def run_label(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.exchange.label_image import label_from_image
    from MedLabelLib.model.annotation import LabelObject
    from MedLabelLib.model.errors import LockedError
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.project_journal import add_classes
    from MedLabelLib.storage.session import VolumeSession

    project = Project.open(args.project)
    volume = project.find_volume(args.volume)
    mask, note = label_from_image(volume, args.file, args.value)
    with VolumeSession.open(volume, author(), "command") as session:
        if session.read_only:
            raise LockedError(f"{volume.label} cannot be labeled: {session.read_only_reason}")
        add_classes(project, {args.label_class: None}, author(), "command")
        with session.edit(f"label {args.label_class} from {args.file.name}", "label") as edit:
            edit.set_provenance("imported")
            added = edit.add_object(LabelObject(args.label_class, mask=mask))
        session.save()
        number = session.annotation.number(added)
    if note:
        out.warn(f"{args.file.name}: {note}")
    voxel_ml = volume.geometry().voxel_ml
    size = f"{mask.count} voxels, {mask.count * voxel_ml:.1f} ml"
    out.line(f"{volume.label}: {args.label_class}#{number}, {size}")
    return {
        "object": added.key,
        "voxels": mask.count,
        "class": args.label_class,
        "number": number,
        "ml": round(mask.count * voxel_ml, 3),
        "note": note,
    }
