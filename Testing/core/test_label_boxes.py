"""Boxes of a labelmap's values, found again after edits, are those of a fresh search."""

from __future__ import annotations

import numpy as np
import slicer

from MedLabelLib.model.box import Box
from MedLabelLib.workspace.arrays import fill_image, image_voxels
from MedLabelLib.workspace.label_boxes import LabelBoxes


def plainly(labels: np.ndarray) -> dict[int, Box]:
    return {int(value): Box.around(labels == value) for value in np.unique(labels) if value}


def test_boxes_are_found_again_after_any_edit(proof) -> None:
    for random in proof.cases(sample=20, full=500):
        shape = tuple(int(n) for n in random.integers(1, 12, 3))
        kind = (np.uint8, np.int16, np.float32)[int(random.integers(3))]
        labelmap = slicer.vtkOrientedImageData()
        fill_image(labelmap, np.asfortranarray(np.zeros(shape, kind)), (3, 0, -2))
        boxes = LabelBoxes()
        for _ in range(6):
            start = [int(random.integers(0, n)) for n in shape]
            stop = [int(random.integers(a + 1, n + 1)) for a, n in zip(start, shape, strict=True)]
            cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
            image_voxels(labelmap)[cut] = random.integers(0, 5)
            assert boxes.of(labelmap) == plainly(image_voxels(labelmap))
            if random.random() < 0.2:
                # an editor lets the same labelmap grow
                shape = tuple(n + 1 for n in shape)
                grown = np.asfortranarray(random.integers(0, 3, shape).astype(kind))
                fill_image(labelmap, grown)
                assert boxes.of(labelmap) == plainly(grown)
