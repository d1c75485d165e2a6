"""Morphological interpolation: ITK's own filter, on the whole object at once.

Albu, Beugeling and Laurendeau, "A morphology-based approach for interslice interpolation of anatomical
slices from volumetric images" (IEEE TBME 2008), as Zukić et al. wrote it for ITK (Insight Journal 2016).
"""

from __future__ import annotations

from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box

from .contour_filter import ContourFilter
from .filling import Filling, doubt_between
from .gaps import Gap
from .problem import Problem

#: The filter looks around the object and may leave its box: one voxel is too few, two always were enough.
_MARGIN = 4


class Morphological:
    """See the module. A gap's fill depends on the whole object, which is filtered once and remembered."""

    name = "morphological"
    title = "Morphological (ITK)"
    needs_image = False

    def __init__(self, contours: ContourFilter | None = None) -> None:
        self.contours = ContourFilter() if contours is None else contours
        self._lock = Lock()
        self._last: tuple[bytes, Box, NDArray[np.bool_]] | None = None

    def prepare(self) -> None:
        """Begin loading the filter in the background."""
        self.contours.start()

    def fill(self, problem: Problem, gap: Gap) -> Filling | None:
        if gap.is_cap or problem.mask_box is None:
            return None
        box, voxels = self._filtered(problem)
        slab = _slab(box, gap)
        if slab.is_empty:
            return None
        return Filling(slab, np.asfortranarray(voxels[slab.within(box)]), doubt_between(problem, gap))

    def _filtered(self, problem: Problem) -> tuple[Box, NDArray[np.bool_]]:
        box = _grown(problem.mask_box, problem.geometry.shape)
        drawn = problem.mask.read(box) & problem.known(box)
        mark = blake2b(np.packbits(drawn.ravel(order="K")).tobytes() + repr(box).encode()).digest()
        with self._lock:
            if self._last is None or self._last[0] != mark:
                filtered = self.contours.run(np.asfortranarray(drawn, dtype=np.uint8))
                self._last = (mark, box, filtered != 0)
            return self._last[1], self._last[2]


def _grown(box: Box, shape: tuple[int, int, int]) -> Box:
    return Box(
        tuple(max(0, a - _MARGIN) for a in box.start),
        tuple(min(n, b + _MARGIN) for n, b in zip(shape, box.stop, strict=True)),
    )


def _slab(box: Box, gap: Gap) -> Box:
    """The part of ``box`` that lies in a gap."""
    start, stop = list(box.start), list(box.stop)
    start[gap.plane.axis] = max(start[gap.plane.axis], gap.start)
    stop[gap.plane.axis] = min(stop[gap.plane.axis], gap.stop)
    return Box(tuple(start), tuple(stop))
