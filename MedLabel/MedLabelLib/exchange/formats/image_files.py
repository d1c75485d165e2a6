"""A volume as image files: the scan, a label image of each object, and one of them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...model.annotation import Annotation, LabelObject
from ...model.definitions import Definitions
from ...storage.names import free_name, tame_name
from ...storage.volume import Volume
from .image_format import ImageFormat
from .image_grid import ImageGrid
from .verifying import write_verified


def write_images(volume: Volume, folder: Path, image_format: ImageFormat, lost: list[str]) -> list[Path]:
    """Write a volume into ``folder`` and read every file back.

    ``scan`` is the image, ``<class>-<n>`` an object's mask as 0 and 1, ``labels`` all masks by the value
    of their class; a later object lies over an earlier one. What the files cannot hold goes to ``lost``.
    Returns the files. Raises ExportError when one did not read back as it was written.
    """
    definitions = volume.dataset.project.definitions
    annotation = volume.read_annotation()
    image = volume.read_image()
    grid = ImageGrid.of(image.geometry, volume.source())
    folder.mkdir(parents=True)
    _tell_losses(volume, annotation, grid, lost)

    def write(name: str, array: NDArray) -> Path:
        path = folder / f"{name}{image_format.suffix}"
        write_verified(path, array, grid.geometry, image_format)
        return path

    files = [write("scan", grid.scan(image.array))]
    drawn = [entry for entry in annotation.objects if entry.mask is not None and entry.mask.box is not None]
    combined = np.zeros(grid.geometry.shape, dtype=_label_type(definitions), order="F")
    names, covered = ["scan", "labels"], 0
    for entry in drawn:
        name = free_name(_file_name(annotation, entry), names)
        names.append(name)
        voxels = grid.mask(entry.mask)
        files.append(write(name, voxels))
        inside = voxels != 0
        covered += int(np.count_nonzero(combined[inside]))
        combined[inside] = definitions.class_value(entry.class_name)
    files.append(write("labels", combined))
    if covered:
        lost.append(
            f"{volume.label}: {covered} voxels belong to more than one object; "
            f"labels{image_format.suffix} gives them to the later one"
        )
    return files


def _file_name(annotation: Annotation, entry: LabelObject) -> str:
    return tame_name(f"{entry.class_name}-{annotation.number(entry)}", f"object-{entry.key[:8]}")


def _label_type(definitions: Definitions) -> type[np.unsignedinteger]:
    return np.uint8 if len(definitions.classes) <= np.iinfo(np.uint8).max else np.uint16


def _tell_losses(volume: Volume, annotation: Annotation, grid: ImageGrid, lost: list[str]) -> None:
    if grid.is_resampled:
        lost.append(
            f"{volume.label}: its slices are unevenly spaced; scan and masks were resampled to even slices"
        )
    for entry in annotation.objects:
        if entry.mask is None or entry.mask.box is None:
            name = f"{entry.class_name}#{annotation.number(entry)}"
            lost.append(f"{volume.label}: {name} has no mask, and so no file")
    tags = len(annotation.tags) + sum(len(entry.tags) for entry in annotation.objects)
    for count, what in ((len(annotation.figures), "figures on slices"), (tags, "tags")):
        if count:
            lost.append(f"{volume.label}: {count} {what} have no place in the format")
