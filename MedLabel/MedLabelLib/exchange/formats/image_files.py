"""A volume as image files: the scan, a label image of each object, and one of them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...model.definitions import Definitions
from ...storage.names import free_name, tame_name
from .comparison import Comparison
from .image_format import ImageFormat
from .image_grid import ImageGrid
from .label_item import LabelItem, VolumeLabels
from .losses import tell_losses
from .verifying import write_verified


def write_images(
    labels: VolumeLabels, folder: Path, image_format: ImageFormat, lost: list[str], by_class: bool = False
) -> tuple[list[Path], Comparison]:
    """Write a volume into ``folder`` and read every file back.

    ``scan`` is the image, ``<class>-<n>`` an object's mask as 0 and 1, or as 0 and its class's value with
    ``by_class``, ``labels`` all masks by the value of their class; a later object lies over an earlier
    one. What the files cannot hold goes to ``lost``. Returns the files. Raises ExportError when one did
    not read back as it was written.
    """
    volume = labels.volume
    definitions = volume.dataset.project.definitions
    image = volume.read_image()
    grid = ImageGrid.of(image.geometry, volume.source())
    folder.mkdir(parents=True)
    if grid.is_resampled:
        lost.append(
            f"{labels.label}: its slices are unevenly spaced; scan and masks were resampled to even slices"
        )
    tell_losses(labels, lost)

    def write(name: str, array: NDArray) -> Path:
        path = folder / f"{name}{image_format.suffix}"
        write_verified(path, array, grid.geometry, image_format)
        return path

    files = [write("scan", grid.scan(image.array))]
    drawn = [item for item in labels.items if not item.is_empty]
    combined = np.zeros(grid.geometry.shape, dtype=_label_type(definitions), order="F")
    names, covered = ["scan", "labels"], 0
    for item in drawn:
        name = free_name(_file_name(item), names)
        names.append(name)
        voxels = grid.mask(item.mask)
        value = definitions.class_value(item.class_name)
        inside = voxels != 0
        files.append(write(name, np.multiply(voxels, value, dtype=combined.dtype) if by_class else voxels))
        covered += int(np.count_nonzero(combined[inside]))
        combined[inside] = value
    files.append(write("labels", combined))
    if covered:
        lost.append(
            f"{labels.label}: {covered} voxels belong to more than one object; "
            f"labels{image_format.suffix} gives them to the later one"
        )
    return files, Comparison(labels.label, len(drawn), ("voxels of scan and masks", "place"))


def _file_name(item: LabelItem) -> str:
    return tame_name(f"{item.class_name}-{item.number}", f"object-{item.key[:8]}")


def _label_type(definitions: Definitions) -> type[np.unsignedinteger]:
    return np.uint8 if len(definitions.classes) <= np.iinfo(np.uint8).max else np.uint16
