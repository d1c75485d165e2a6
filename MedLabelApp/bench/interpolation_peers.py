"""What fills between slices elsewhere: ITK's filter by its wheel, and Slicer's "Fill between slices"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from MedLabelInterpolateLib.contour_filter import ContourFilter, ContourFilterError
from MedLabelInterpolateLib.problem import Problem
from MedLabelLib.model.box import Box

#: So many voxels around the object change nothing: ``Testing/core/test_interpolation_morphological.py``.
_MARGIN = 4


class Peer:
    """One of the filters, each in a process of its own."""

    def __init__(self, name: str, source: str, *options: str) -> None:
        self.name = name
        self._filter = ContourFilter(source, *options)

    def is_here(self) -> bool:
        try:
            self._filter.run(np.zeros((3, 3, 3), dtype=np.uint8, order="F"))
        except ContourFilterError:
            return False
        return True

    def fill(self, problem: Problem) -> tuple[Box, NDArray[np.bool_]]:
        """What it makes of the drawn slices, around the object."""
        around = problem.mask_box
        box = Box(
            tuple(max(0, a - _MARGIN) for a in around.start),
            tuple(min(n, b + _MARGIN) for n, b in zip(problem.geometry.shape, around.stop, strict=True)),
        )
        drawn = problem.mask.read(box) & problem.known(box)
        return box, self._filter.run(np.asfortranarray(drawn, dtype=np.uint8)) != 0

    def fill_volume(self, labels: NDArray[np.uint8]) -> None:
        """The same on the full volume, as it is called elsewhere."""
        self._filter.run(labels)

    def close(self) -> None:
        self._filter.close()


def peers() -> list[Peer]:
    """Those that are installed."""
    every = [Peer("ITK's filter", "itk"), Peer("Slicer's filter", "slicer", "slicer-defaults")]
    return [peer for peer in every if peer.is_here()]
