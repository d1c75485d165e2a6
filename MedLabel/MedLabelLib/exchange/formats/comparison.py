"""Reading label files back, and comparing them with what was to be written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from ...model.errors import ExportError, MedLabelError
from ...model.geometry import VolumeGeometry
from ...model.mask import Mask
from ..label_files.label_file import FoundLabel, LabelFile
from .label_item import LabelItem

_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Comparison:
    """What of a volume was read back and found equal: how many objects, and which properties of them."""

    volume: str
    objects: int
    what: tuple[str, ...]
    note: str = ""

    def text(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.volume}: {self.objects} objects, {', '.join(self.what)}{note}"


def check_labels(
    file: LabelFile, items: Sequence[LabelItem], geometry: VolumeGeometry, tags: bool = False
) -> tuple[str, ...]:
    """Compare what was read from a file with the objects that were to be in it, in order.

    Returns what was compared. Raises ExportError where a label differs in voxels, place, name or colour,
    with ``tags`` in its tags too.
    """
    if len(file.labels) != len(items):
        raise ExportError(
            f"{file.path.name} read back with {len(file.labels)} labels where {len(items)} were written"
        )
    pairs = list(zip(file.labels, items, strict=True))
    for found, item in pairs:
        check_names(file.path, found, item, tags)

    def differs(pair: tuple[FoundLabel, LabelItem]) -> str:
        found, item = pair
        try:
            mask, note = found.mask(geometry)
        except MedLabelError as error:
            return f"{item.title} in {file.path.name} is not there: {error.reason}"
        if note or mask != item.mask:
            return f"{item.title} in {file.path.name} did not read back with its voxels in their place"
        return ""

    # numpy lets go of the interpreter while it decodes and compares
    with ThreadPoolExecutor(_THREADS) as pool:
        for reason in pool.map(differs, pairs):
            if reason:
                raise ExportError(reason)
    return ("voxels", "place", "names", "colours", *(("tags",) if tags else ()))


def check_contours(
    file: LabelFile, items: Sequence[LabelItem], geometry: VolumeGeometry
) -> tuple[tuple[str, ...], str]:
    """As :func:`check_labels` for contours: voxels may differ within one voxel of an object's border.

    Returns what was compared, and a sentence with the least Dice coefficient. Raises ExportError.
    """
    if len(file.labels) != len(items):
        raise ExportError(
            f"{file.path.name} read back with {len(file.labels)} regions where {len(items)} were written"
        )
    least = 1.0
    for found, item in zip(file.labels, items, strict=True):
        check_names(file.path, found, item)
        try:
            mask, _ = found.mask(geometry)
        except MedLabelError as error:
            raise ExportError(
                f"{item.title} in {file.path.name} did not read back: {error.reason}"
            ) from error
        dice = _dice_within_border(mask, item.mask)
        if dice is None:
            raise ExportError(f"{item.title} in {file.path.name} read back off its border by over a voxel")
        least = min(least, dice)
    return ("contours to within a voxel", "place", "names", "colours"), f"Dice at least {least:.4f}"


def _dice_within_border(found: Mask, mask: Mask) -> float | None:
    """The Dice coefficient; None where voxels differ that are not at the border of ``mask``."""
    if found == mask:
        return 1.0
    if found.box is None or mask.box is None:
        return None
    outer = found.box.union(mask.box)
    one, other = np.pad(found.read(outer), 1), np.pad(mask.read(outer), 1)
    around = np.ones((3, 3, 3), dtype=bool)
    border = binary_dilation(other, around) & ~binary_erosion(other, around)
    if ((one ^ other) & ~border).any():
        return None
    return 2.0 * int((one & other).sum()) / (found.count + mask.count)


def check_names(path: Path, found: FoundLabel, item: LabelItem, tags: bool = False) -> None:
    """Raises ExportError where a label's class or colour, or with ``tags`` its tags, is not the object's."""
    pairs = [("class", found.class_name, item.class_name), ("colour", found.color, item.color)]
    if tags:
        pairs.append(("tags", set(found.tags), {(tag.name, tag.value) for tag in item.tags}))
    for what, read, written in pairs:
        if read != written:
            raise ExportError(f"{item.title} in {path.name} read back with the {what} {read}, not {written}")
