"""How well an object was filled: Dice, surface Dice and the 95th percentile of distances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from MedLabelLib.model.box import Box

#: Outlines nearer than this agree, in mm.
TOLERANCE = 2.0


@dataclass(frozen=True)
class Scores:
    """``missed`` is 1 − Dice; ``surface`` the surface Dice at :data:`TOLERANCE`; ``hd95`` in mm."""

    missed: float
    surface: float
    hd95: float


def score(
    found: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    slices: Iterable[int],
    spacing: tuple[float, float, float],
    surfaces: bool = True,
) -> Scores | None:
    """Of axial ``slices`` of two masks ``[i, j, k]``; None where both are empty there.

    Distances run from the outlines on these slices to the nearest outline of the other mask on any slice.
    Where one mask is empty they are the box's diagonal.
    """
    slices = list(slices)
    a, b = found[:, :, slices], truth[:, :, slices]
    total = np.count_nonzero(a) + np.count_nonzero(b)
    if total == 0:
        return None
    missed = 1 - 2 * np.count_nonzero(a & b) / total
    if not surfaces:
        return Scores(missed, float("nan"), float("nan"))
    cut = Box.around(found | truth).slices
    chosen = np.isin(np.arange(found.shape[2]), slices)[cut[2]]
    outlines = [_outline(mask[cut]) for mask in (found, truth)]
    points = [np.argwhere(outline) * spacing for outline in outlines]
    asked = [np.argwhere(outline & chosen) * spacing for outline in outlines]
    farthest = float(np.linalg.norm(np.multiply(outlines[0].shape, spacing)))
    distances = []
    for mine, other in ((0, 1), (1, 0)):
        if len(points[other]) and len(asked[mine]):
            distances.append(cKDTree(points[other]).query(asked[mine])[0])
        else:
            distances.append(np.full(len(asked[mine]), farthest))
    both = np.concatenate(distances)
    hd95 = max(float(np.percentile(d, 95)) if len(d) else 0.0 for d in distances)
    return Scores(missed, float((both <= TOLERANCE).mean()), hd95)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask that have a neighbour outside in their axial slice."""
    cross = ndimage.generate_binary_structure(2, 1)[:, :, None]
    return mask & ~ndimage.binary_erosion(mask, cross)
