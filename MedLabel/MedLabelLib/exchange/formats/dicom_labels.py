"""A volume's labels as DICOM files beside, or with, the images that they refer to."""

from __future__ import annotations

from pathlib import Path

from ..deidentifying import Pseudonyms, deidentified_source
from ..label_files.dicom_seg import read_seg
from ..label_files.rtstruct import read_rtstruct
from .comparison import Comparison, check_contours, check_labels
from .dicom_made import write_series
from .dicom_seg import write_seg
from .dicom_source import DicomSource, source_of
from .label_item import VolumeLabels
from .losses import tell_losses
from .options import ExportOptions
from .rtstruct import write_rtstruct

SERIES = "scan"


def write_dicom_seg(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[list[Path], Comparison]:
    """Write ``segmentation.dcm`` into ``folder`` and read it back.

    The segmentation refers to the images that the volume came from; to be de-identified, to clean copies
    of them in ``folder/scan``; where it came from no DICOM, to a series made of it there. Returns the
    files. Raises ExportError when something did not read back, where labelmap segments overlap, or where
    the images are not where they were.
    """
    folder.mkdir(parents=True)
    source, files = _series(labels, folder, options, lost)
    tell_losses(labels, lost, empty=False)
    if not labels.items:
        lost.append(f"{labels.label}: it has no objects, and so no segmentation")
        return files, Comparison(labels.label, 0, ())
    path = folder / "segmentation.dcm"
    write_seg(path, labels.items, source, options.seg_type, labels.changed)
    what = check_labels(read_seg(path), labels.items, labels.geometry)
    return [*files, path], Comparison(labels.label, len(labels.items), what)


def write_structures(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[list[Path], Comparison]:
    """Write ``rtstruct.dcm`` into ``folder`` and read it back; for all else as :func:`write_dicom_seg`."""
    folder.mkdir(parents=True)
    source, files = _series(labels, folder, options, lost)
    tell_losses(labels, lost, empty=False)
    if not labels.items:
        lost.append(f"{labels.label}: it has no objects, and so no structure set")
        return files, Comparison(labels.label, 0, ())
    path = folder / "rtstruct.dcm"
    write_rtstruct(path, labels.items, source, labels.changed)
    what, note = check_contours(read_rtstruct(path), labels.items, labels.geometry)
    return [*files, path], Comparison(labels.label, len(labels.items), what, note)


def _series(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[DicomSource, list[Path]]:
    """The images that labels refer to, and the files that were written of them."""
    volume = labels.volume
    if options.deidentify and volume.source().kind == "dicom":
        record = deidentified_source(volume.source(), folder / SERIES, Pseudonyms.of_user())
        return source_of(volume, record), list(record.files)
    source = source_of(volume)
    if source is not None:
        return source, []
    return write_series(volume, folder / SERIES, lost)
