"""Objects in as few label images as hold them all, where each keeps voxels and value of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.mask import Mask
from .image_grid import ImageGrid
from .label_item import LabelItem


@dataclass(frozen=True)
class LabelLayers:
    """Label images ``[i, j, k]`` on the source's grid, and each object's layer in them, in order."""

    layers: tuple[NDArray, ...]
    layer_of: tuple[int, ...]


def label_layers(items: Sequence[LabelItem], grid: ImageGrid) -> LabelLayers:
    """Put each object, as its value, into the first layer where it overlaps no other.

    Nothing is ever drawn over: objects that overlap lie in different layers. There is one layer at least.
    """
    largest = max((item.value for item in items), default=0)
    dtype = np.uint8 if largest < 256 else np.uint16
    layers = [np.zeros(grid.geometry.shape, dtype=dtype, order="F")]
    layer_of = []
    for item in items:
        mask = grid.mask_of(item.mask)
        layer_of.append(_place(mask, item.value, layers, dtype))
    return LabelLayers(tuple(layers), tuple(layer_of))


def _place(mask: Mask, value: int, layers: list[NDArray], dtype: type) -> int:
    box = mask.box
    if box is None:
        return 0
    voxels = mask.look(box)
    for number, layer in enumerate(layers):
        part = layer[box.slices]
        if not (voxels & (part != 0)).any():
            np.copyto(part, value, where=voxels)
            return number
    layers.append(np.zeros(layers[0].shape, dtype=dtype, order="F"))
    np.copyto(layers[-1][box.slices], value, where=voxels)
    return len(layers) - 1
