"""``medlabel init``, ``import``, ``relink`` and ``list``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelApp.command.failure import PartlyDoneError
from MedLabelApp.command.output import Output
from MedLabelLib.model.colors import next_color
from MedLabelLib.model.definitions import CLASS_SHAPES, Definitions, LabelClass, TagDefinition
from MedLabelLib.model.errors import MedLabelError

if TYPE_CHECKING:
    from MedLabelLib.exchange.import_report import ImportReport


def register(subparsers) -> None:
    init = subparsers.add_parser("init", help="make a new project")
    init.add_argument("project", metavar="PROJECT", type=Path, help="a new or empty folder")
    init.add_argument(
        "--class",
        dest="classes",
        metavar="NAME[:SHAPE[:#RRGGBB]]",
        type=_class_argument,
        action="append",
        default=[],
        help=f"a class of objects; SHAPE: {', '.join(CLASS_SHAPES)}",
    )
    init.add_argument(
        "--tag",
        dest="tags",
        metavar="NAME[:TYPE[:V1|V2…]]",
        type=_tag_argument,
        action="append",
        default=[],
        help="a tag; TYPE: none, any_number, any_string, date, or oneof_string with its values",
    )
    init.set_defaults(run=run_init)

    take = subparsers.add_parser("import", help="take scans into a project")
    take.add_argument("project", metavar="PROJECT", type=Path)
    take.add_argument(
        "sources",
        metavar="SOURCE",
        type=Path,
        nargs="+",
        help="DICOM files, folders or zips, NRRD, NIfTI, MetaImage, a Supervisely project; files of labels "
        "(DICOM SEG, RTSTRUCT, seg.nrrd, MITK's)",
    )
    take.add_argument("--dataset", metavar="NAME", default="ds0", help="where to put them (default: ds0)")
    take.add_argument(
        "--onto",
        metavar="VOLUME",
        help="the volume that all the labels are of; NRRD, NIfTI and MetaImage are label images then "
        "(default: the volume that a file of labels refers to)",
    )
    take.add_argument(
        "--link", action="store_true", help="read the scans from where they lie; the project holds no copy"
    )
    take.add_argument(
        "--deidentify",
        action="store_true",
        help="clean DICOM first (PS3.15, basic profile); the project keeps clean copies",
    )
    take.add_argument(
        "--suv",
        choices=("bw", "lbm", "bsa"),
        default="bw",
        help="PET by body weight (default), lean body mass or body surface",
    )
    take.set_defaults(run=run_import)

    find = subparsers.add_parser("relink", help="find the DICOM files of volumes that were moved")
    find.add_argument("project", metavar="PROJECT", type=Path)
    find.add_argument("folders", metavar="FOLDER", type=Path, nargs="+", help="where to look; zips too")
    find.set_defaults(run=run_relink)

    show = subparsers.add_parser("list", help="datasets, volumes and objects of a project")
    show.add_argument("project", metavar="PROJECT", type=Path)
    show.add_argument("volume", metavar="VOLUME", nargs="?", help="dataset/name, or a part of it")
    show.set_defaults(run=run_list)


def run_init(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.project import Project

    classes: list[LabelClass] = []
    for name, shape, color in args.classes:
        classes.append(LabelClass(name, shape, color or next_color([entry.color for entry in classes])))
    project = Project.create(args.project, Definitions(tuple(classes), tuple(args.tags)))
    names = ", ".join(entry.name for entry in classes) or "none yet"
    out.line(f"made the project {project.path} (classes: {names})")
    return {"project": str(project.path)}


def run_import(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.exchange.import_report import ImportReport
    from MedLabelLib.exchange.importing import ImportOptions, import_sources
    from MedLabelLib.exchange.label_import import import_labels
    from MedLabelLib.storage.author import author
    from MedLabelLib.storage.project import Project

    project = Project.open(args.project)
    onto = None if args.onto is None else project.find_volume(args.onto)
    whole = ImportReport()
    empty: list[Path] = []
    # one source after the other where none is a DICOM file, so that it is known which gave nothing
    for group in _groups(args.sources):
        report = import_sources(
            project,
            group,
            args.dataset,
            progress=out.progress,
            author=author(),
            onto=onto,
            with_labels=False,
            options=ImportOptions(args.link, args.deidentify, args.suv),
        )
        for volume in report.added:
            shape = "×".join(map(str, volume.geometry().shape))
            out.line(f"imported {volume.label}  {_kind(volume.modality, volume.unit)}  {shape}")
        for label, warning in report.warnings:
            out.warn(f"{label}: {warning}")
        if not (report.added or report.failed or report.duplicates or report.others or report.label_files):
            empty += group
        for field in vars(whole):
            getattr(whole, field).extend(getattr(report, field))
    told = len(whole.warnings)
    # once all scans are there, since labels may lie in another folder than their scan
    import_labels(project, whole, author(), "command", onto)
    for path, label in whole.labels:
        size = f"{label.voxels} voxels"
        out.line(f"labeled {label.volume.label}  {label.class_name}#{label.number}  {size}  ({path.name})")
    for label, warning in whole.warnings[told:]:
        out.warn(f"{label}: {warning}")
    if whole.others:
        kinds = ", ".join(sorted({other.modality for other in whole.others}))
        out.warn(f"{len(whole.others)} DICOM files are no images ({kinds}) and were left where they are")
    return _outcome(whole, empty)


def run_relink(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelLib.storage.project import Project
    from MedLabelLib.storage.relinking import relink

    looked = 0

    def looked_at(path: Path) -> None:
        nonlocal looked
        looked += 1
        out.progress("looking for DICOM files", looked, 0)

    outcome = relink(Project.open(args.project), args.folders, looked_at)
    for entry in outcome:
        missing = f", {entry.missing} still missing" if entry.missing else ""
        out.line(f"{entry.volume.label}: {entry.found} files found{missing}")
    if not outcome:
        out.line("no volume misses a file")
    document = {
        "volumes": [
            {"volume": entry.volume.label, "found": entry.found, "missing": entry.missing}
            for entry in outcome
        ]
    }
    lacking = [entry for entry in outcome if entry.missing]
    if lacking:
        count = sum(entry.missing for entry in lacking)
        names = ", ".join(entry.volume.label for entry in lacking[:5])
        raise PartlyDoneError(f"{count} files of {names} were not found there", document)
    return document


def run_list(args: argparse.Namespace, out: Output) -> dict[str, Any]:
    from MedLabelApp.command.opened_project import open_project
    from MedLabelApp.listing import volume_entry

    project = open_project(args.project, out)
    only = None if args.volume is None else project.find_volume(args.volume)
    datasets = []
    for dataset in project.datasets():
        chosen = [v for v in dataset.volumes() if only is None or v.label == only.label]
        if only is not None and not chosen:
            continue
        entries = []
        for volume in chosen:
            entries.append(volume_entry(volume))
            _show_volume(out, volume.label, entries[-1])
        datasets.append({"name": dataset.name, "volumes": entries})
    if not any(dataset["volumes"] for dataset in datasets):
        out.line("the project has no volumes yet; medlabel import brings some")
    return {"datasets": datasets}


def _groups(sources: list[Path]) -> list[list[Path]]:
    """Each folder alone; files together, since the slices of a series may be named one by one."""
    files = [source for source in sources if not source.is_dir()]
    folders = [[source] for source in sources if source.is_dir()]
    return [files, *folders] if files else folders


def _outcome(report: ImportReport, empty: list[Path]) -> dict[str, Any]:
    not_done = [(str(path), reason) for path, reason in (*report.failed, *report.duplicates)]
    not_done += [(str(path), "there is no scan in it") for path in empty]
    document = {
        "added": [volume.label for volume in report.added],
        "warnings": [{"volume": label, "text": text} for label, text in report.warnings],
        "labels": [
            {
                "file": str(path),
                "volume": label.volume.label,
                "object": label.key,
                "class": label.class_name,
                "number": label.number,
                "voxels": label.voxels,
            }
            for path, label in report.labels
        ],
        "failed": [{"file": path, "text": reason} for path, reason in not_done],
        "others": [{"file": str(other.path), "modality": other.modality} for other in report.others],
    }
    if not_done:
        count = len(report.added) + len(report.labels)
        done = f"{count} imported; not imported: " if count else ""
        raise PartlyDoneError(done + "; ".join(f"{path}: {reason}" for path, reason in not_done), document)
    return document


def _show_volume(out: Output, label: str, entry: dict[str, Any]) -> None:
    shape = "×".join(map(str, entry["shape"]))
    spacing = "×".join(f"{step:.3g}" for step in entry["spacing"])
    tags = "".join(f"  [{_tag_text(tag)}]" for tag in entry["tags"])
    kind = _kind(entry["modality"], entry["unit"])
    out.line(f"{label}  {kind}  {shape}  {spacing} mm{tags}")
    if entry["objects"]:
        rows = [
            (
                f"    {item['class']}#{item['number']}",
                f"{item['voxels']} voxels",
                f"{item['ml']:.1f} ml",
                f"{item['figures']} figures" if item["figures"] else "",
                " ".join(_tag_text(tag) for tag in item["tags"]),
                item["key"][:8],
            )
            for item in entry["objects"]
        ]
        out.table(rows)


def _kind(modality: str, unit: str) -> str:
    return " ".join(filter(None, (modality or "–", f"[{unit}]" if unit else "")))


def _tag_text(tag: dict[str, Any]) -> str:
    return tag["name"] if tag["value"] is None else f"{tag['name']}={tag['value']}"


def _class_argument(text: str) -> tuple[str, str, str | None]:
    name, _, rest = text.partition(":")
    shape, _, color = rest.partition(":")
    shape = shape or "mask_3d"
    if shape not in CLASS_SHAPES:
        raise argparse.ArgumentTypeError(f"{shape!r} is no shape; there are {', '.join(CLASS_SHAPES)}")
    return _usage(lambda: (name, shape, LabelClass(name, shape, color).color if color else None))


def _tag_argument(text: str) -> TagDefinition:
    name, _, rest = text.partition(":")
    kind, _, values = rest.partition(":")
    return _usage(lambda: TagDefinition(name, kind or "none", tuple(values.split("|")) if values else ()))


def _usage(make):
    """What ``make`` gives; a value that cannot be is wrong usage."""
    try:
        return make()
    except MedLabelError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
