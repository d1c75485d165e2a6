"""Where each value of a labelmap lies, found again quickly after an edit."""

from __future__ import annotations

import weakref
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from ..model.box import Box
from .arrays import image_voxels
from .compat import vtkOrientedImageData

# of one slice: its checksum and shape, and (value, i start, i stop, j start, j stop) of each value on it
_Slice = tuple[int, tuple[int, ...], list[tuple[int, int, int, int, int]]]


class LabelBoxes:
    """The boxes of labelmaps' values. Of a labelmap that was asked for before, only slices whose checksum
    has changed are searched: an edit changes few of them.
    """

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[vtkOrientedImageData, list[_Slice]] = (
            weakref.WeakKeyDictionary()
        )

    def of(self, labelmap: vtkOrientedImageData) -> dict[int, Box]:
        """Value → box of its voxels ``[i, j, k]``, counted from the labelmap's first voxel; none for 0."""
        labels = image_voxels(labelmap)
        if labels.dtype.kind not in "iu":
            labels = labels.astype(np.int32, order="F")
        known = self._known.get(labelmap, [])
        slices = [
            _slice(labels[:, :, k].T, known[k] if k < len(known) else None) for k in range(labels.shape[2])
        ]
        self._known[labelmap] = slices
        found: dict[int, Box] = {}
        for k, (_, _, boxes) in enumerate(slices):
            for value, i0, i1, j0, j1 in boxes:
                box = Box((i0, j0, k), (i1, j1, k + 1))
                found[value] = found[value].union(box) if value in found else box
        return found


def _slice(plane: NDArray, known: _Slice | None) -> _Slice:
    """``plane`` is ``[j, i]``, contiguous."""
    checksum = zlib.crc32(plane)
    if known is not None and known[:2] == (checksum, plane.shape):
        return known
    boxes = [
        (value, i.start, i.stop, j.start, j.stop)
        for value, place in enumerate(find_objects(plane), 1)
        if place is not None
        for j, i in [place]
    ]
    return checksum, plane.shape, boxes
