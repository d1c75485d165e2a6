"""Giving a project's volumes and labels to other tools."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..model.definitions import Definitions
from ..model.errors import ExportError, MedLabelError
from ..storage.atomic import PARTIAL, sync_file, sync_folder
from ..storage.project import Project
from ..storage.volume import Volume
from .formats.comparison import Comparison
from .formats.dicom_labels import write_dicom_seg, write_structures
from .formats.image_files import write_images
from .formats.image_format import NIFTI, NRRD, ImageFormat
from .formats.itksnap import write_itksnap
from .formats.label_item import VolumeLabels, read_labels
from .formats.layered_labels import write_mitk_stack, write_slicer
from .formats.options import ExportOptions
from .formats.supervisely import write_project

Progress = Callable[[str, int, int], None]
VolumeWriter = Callable[[VolumeLabels, Path, ExportOptions, list[str]], tuple[list[Path], Comparison]]


def _images(image_format: ImageFormat) -> VolumeWriter:
    return lambda labels, folder, options, lost: write_images(labels, folder, image_format, lost)


SUPERVISELY = "supervisely"
# how one volume is written in each of the formats that have a folder per volume
_WRITERS: dict[str, VolumeWriter] = {
    "dicom-seg": write_dicom_seg,
    "rtstruct": write_structures,
    "nifti": _images(NIFTI),
    "nrrd": _images(NRRD),
    "seg-nrrd": write_slicer,
    "itksnap": write_itksnap,
    "mitk": write_mitk_stack,
}
# those that say who the patient is as the images do
_DICOM = ("dicom-seg", "rtstruct")
# those whose files name classes by numbers
_WITH_CLASSES = ("nifti", "nrrd", "itksnap", "seg-nrrd", "mitk")
FORMATS = (SUPERVISELY, *_WRITERS)


@dataclass
class ExportReport:
    """What an export wrote: its ``files``, and sentences on what the format could not hold.

    ``verified`` is True: every scan and mask was read back and compared, voxels and place; an export
    that does not read back raises. ``compared`` says what, volume by volume.
    """

    files: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    verified: bool = True
    compared: list[Comparison] = field(default_factory=list)


def export_project(
    project: Project,
    out: str | Path,
    format: str,
    volumes: Sequence[Volume] | None = None,
    progress: Progress | None = None,
    options: ExportOptions | None = None,
) -> ExportReport:
    """Write volumes with their labels to the folder ``out``, in one of :data:`FORMATS`.

    ``supervisely`` is a project folder on the canonical grid. The others have a folder
    ``out/<dataset>/<volume>/`` on the grid of each scan's source, image formats with ``out/classes.json``
    for the values of the classes. Only DICOM names the patient. The folder appears under its name only
    when it is whole, on the disk and verified.

    Parameters
    ----------
    volumes
        Those to write; None for all of the project.
    progress
        Called with a text, how many volumes are done and of how many.

    Raises
    ------
    ExportError
        when ``out`` is not a free place, cannot be written, or does not read back as it was written;
        nothing is left of it then.
    FileFormatError
        when a file of the project is damaged; nothing is left of the export then.
    """
    if format not in FORMATS:
        raise ExportError(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    chosen = list(project.volumes()) if volumes is None else list(volumes)
    if not chosen:
        raise ExportError("the project has no volume to export", project.path)
    out = Path(out).absolute()
    _check_free(out, project)
    options = options or ExportOptions()
    report = ExportReport()
    if options.identity and format not in (SUPERVISELY, *_DICOM):
        report.lost.append(f"{format} has no place for who the patient is")

    def told(label: str, number: int) -> None:
        if progress is not None:
            progress(f"exporting {label}", number, len(chosen))

    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if format == SUPERVISELY:
            written, report.compared = write_project(chosen, partial, report.lost, told, options.identity)
        else:
            partial.mkdir()
            written = [_write_classes(project.definitions, partial)] if format in _WITH_CLASSES else []
            for number, volume in enumerate(chosen):
                told(volume.label, number)
                place = partial.joinpath(*volume.dataset.name.split("/"), volume.name)
                files, compared = _WRITERS[format](read_labels(volume), place, options, report.lost)
                written += files
                report.compared.append(compared)
        _sync(partial)
        if out.is_dir():
            out.rmdir()
        os.replace(partial, out)
        sync_folder(out.parent)
    except OSError as error:
        raise ExportError(f"it cannot be written: {error.strerror or error}", out) from error
    except ExportError as error:
        raise ExportError(error.reason, error.path or out) from error
    except MedLabelError as error:
        if error.path is None or partial not in error.path.parents:
            raise
        # a file of the export itself: its name is that of a folder that is gone by now
        raise ExportError(f"{error.path.name}: {error.reason}", out) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    report.files = [out / path.relative_to(partial) for path in written]
    told("done", len(chosen))
    return report


def _check_free(out: Path, project: Project) -> None:
    inside = project.path.resolve()
    if out.resolve() == inside or inside in out.resolve().parents:
        raise ExportError("an export cannot lie inside the project it is of", out)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ExportError("there is something here already; name a new or an empty folder", out)
    except OSError as error:
        raise ExportError(f"it cannot be looked into: {error.strerror or error}", out) from error


def _write_classes(definitions: Definitions, folder: Path) -> Path:
    path = folder / "classes.json"
    values = [
        {"value": definitions.class_value(entry.name), "name": entry.name, "color": entry.color}
        for entry in definitions.classes
    ]
    path.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def _sync(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(root) / name)
        sync_folder(Path(root))
