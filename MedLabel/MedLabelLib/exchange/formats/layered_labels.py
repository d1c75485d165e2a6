"""A volume's labels as files that keep each object apart: Slicer's seg.nrrd and MITK's label stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...model.geometry import VolumeGeometry
from ..label_files.mitk import read_mitk
from ..label_files.seg_nrrd import read_seg_nrrd
from .comparison import Comparison, check_labels
from .image_format import NRRD
from .image_grid import ImageGrid
from .label_item import LabelItem, VolumeLabels
from .label_layers import label_layers
from .losses import tell_losses
from .mitk import write_mitk
from .options import ExportOptions
from .seg_nrrd import write_seg_nrrd
from .verifying import write_verified


def write_slicer(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[list[Path], Comparison]:
    """Write ``scan.nrrd`` and ``labels.seg.nrrd`` into ``folder`` and read both back.

    Returns the files. Raises ExportError when one did not read back as it was written.
    """
    grid, files = _scan(labels, folder, lost)
    tell_losses(labels, lost, tags=False, empty=False)
    path = folder / "labels.seg.nrrd"
    if labels.items:
        write_seg_nrrd(path, labels.items, label_layers(labels.items, grid), grid.geometry)
        files.append(path)
        what = check_labels(read_seg_nrrd(path), *_expected(labels, grid), tags=True)
        return files, Comparison(labels.label, len(labels.items), ("voxels of the scan", *what))
    return files, Comparison(labels.label, 0, ("voxels of the scan",))


def write_mitk_stack(
    labels: VolumeLabels, folder: Path, options: ExportOptions, lost: list[str]
) -> tuple[list[Path], Comparison]:
    """Write ``scan.nrrd`` and MITK's label stack ``labels.mitklabel.json``, as :func:`write_slicer`."""
    grid, files = _scan(labels, folder, lost)
    tell_losses(labels, lost, empty=False)
    if labels.items:
        written = write_mitk(folder, labels.items, label_layers(labels.items, grid), grid.geometry)
        files += written
        items, geometry = _expected(labels, grid)
        what = check_labels(read_mitk(written[0]), sorted(items, key=lambda item: item.value), geometry)
        return files, Comparison(labels.label, len(labels.items), ("voxels of the scan", *what))
    return files, Comparison(labels.label, 0, ("voxels of the scan",))


def _scan(labels: VolumeLabels, folder: Path, lost: list[str]) -> tuple[ImageGrid, list[Path]]:
    image = labels.volume.read_image()
    grid = ImageGrid.of(image.geometry, labels.volume.source())
    folder.mkdir(parents=True)
    if grid.is_resampled:
        lost.append(
            f"{labels.label}: its slices are unevenly spaced; scan and masks were resampled to even slices"
        )
    path = folder / "scan.nrrd"
    write_verified(path, grid.scan(image.array), grid.geometry, NRRD)
    return grid, [path]


def _expected(labels: VolumeLabels, grid: ImageGrid) -> tuple[Sequence[LabelItem], VolumeGeometry]:
    """The objects and the canonical grid on which they are to be found."""
    if not grid.is_resampled:
        return labels.items, labels.geometry
    to_canonical = grid.to_source.inverse()
    items = [replace(item, mask=grid.mask_of(item.mask).remapped(to_canonical)) for item in labels.items]
    return items, grid.even
