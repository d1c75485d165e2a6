"""What a volume holds, as JSON: for ``medlabel list`` and for the projects page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from MedLabelLib.curation.work import work_of
from MedLabelLib.model.annotation import Annotation, LabelObject, Tag
from MedLabelLib.storage.mask_file import read_mask
from MedLabelLib.storage.volume import Volume

CountMask = Callable[[Path, tuple[int, int, int]], int]


def count_mask(path: Path, shape: tuple[int, int, int]) -> int:
    """How many voxels a mask file marks. Raises FileFormatError."""
    return read_mask(path, shape).count


def volume_entry(volume: Volume, count: CountMask = count_mask) -> dict[str, Any]:
    """A volume with its objects, as design.md's ``list`` gives it. Raises MedLabelError when it is damaged.

    ``shape`` and ``spacing`` (mm) are of the canonical grid, i, j, k. ``ml`` is 0 for an object without
    a mask.
    """
    geometry = volume.geometry()
    annotation = volume.read_annotation(with_masks=False)
    return {
        "name": volume.name,
        "modality": volume.modality,
        "unit": volume.unit,
        "shape": list(geometry.shape),
        "spacing": [round(float(step), 6) for step in geometry.spacing],
        "status": work_of(annotation).status,
        "tags": [_tag_entry(tag) for tag in annotation.tags],
        "objects": [
            _object_entry(volume, annotation, entry, geometry.voxel_ml, count) for entry in annotation.objects
        ],
    }


def _object_entry(
    volume: Volume, annotation: Annotation, entry: LabelObject, voxel_ml: float, count: CountMask
) -> dict[str, Any]:
    voxels = count(volume.mask_path(entry.mask_key), annotation.shape) if entry.mask_key else 0
    return {
        "key": entry.key,
        "class": entry.class_name,
        "number": annotation.number(entry),
        "voxels": voxels,
        "ml": round(voxels * voxel_ml, 3),
        "tags": [_tag_entry(tag) for tag in entry.tags],
        "figures": sum(1 for _ in annotation.figures_of(entry)),
    }


def _tag_entry(tag: Tag) -> dict[str, Any]:
    return {"name": tag.name, "value": tag.value}
