"""From the places of single slices to the grid of their series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import VolumeGeometry

# how far a slice may lie off the even grid: scanners round positions, and neither is ever seen
SAME_PLACE_MM = _TOLERANCE_MM = 0.01
_TOLERANCE = 0.02
# two slices nearer than this share of the usual gap are two images of one place
_SAME_PLACE = 0.05


@dataclass(frozen=True)
class SliceOrder:
    """The slices of a series in order along their normal.

    ``order`` holds indices into the positions that were given, of the slices that are kept;
    ``geometry`` is the grid whose last axis counts them; ``warnings`` are sentences for the user.
    """

    order: NDArray[np.intp]
    geometry: VolumeGeometry
    warnings: list[str]


def order_slices(
    positions: NDArray,
    orientation: tuple[float, ...],
    spacing: tuple[float, float],
    size: tuple[int, int],
    single_step: float | None = None,
) -> SliceOrder:
    """Order slices along their normal and fit a grid to them.

    Parameters
    ----------
    positions
        The centre of each slice's first voxel in LPS mm, shape ``(n, 3)``.
    orientation
        Unit vectors in LPS of growing column and of growing row, six numbers.
    spacing, size
        Distance in mm and number of columns and of rows.
    single_step
        Thickness in mm that a lone slice gets.

    Raises FileFormatError where no grid can be made of them.
    """
    along_columns, along_rows = (np.asarray(part, dtype=float) for part in (orientation[:3], orientation[3:]))
    normal = np.cross(along_columns, along_rows)
    if not np.isfinite(positions).all() or not 0.9 < np.linalg.norm(normal) < 1.1:
        raise FileFormatError("the image position or orientation of its slices is damaged")
    if min(spacing) <= 0:
        raise FileFormatError(f"its pixel spacing is {spacing[1]} by {spacing[0]} mm")
    normal /= np.linalg.norm(normal)
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    warnings: list[str] = []
    order = _without_repeats(order, heights, warnings)
    places = positions[order]
    step, is_even = _step(places, normal, heights[order], single_step, warnings)
    matrix = np.eye(4)
    matrix[:3, 0] = along_columns * spacing[0]
    matrix[:3, 1] = along_rows * spacing[1]
    matrix[:3, 2] = step
    matrix[:3, 3] = places[0]
    to_ras = np.array([-1.0, -1.0, 1.0])
    matrix[:3] *= to_ras[:, None]
    shape = (size[0], size[1], len(order))
    uneven = () if is_even else (2, places * to_ras)
    return SliceOrder(order, VolumeGeometry(shape, matrix, *uneven), warnings)


def _without_repeats(order: NDArray, heights: NDArray, warnings: list[str]) -> NDArray:
    gaps = np.diff(heights[order])
    real = gaps[gaps > _TOLERANCE_MM]
    if real.size == 0:
        kept = order[:1]
    else:
        nearest = max(_TOLERANCE_MM, _SAME_PLACE * float(np.median(real)))
        # the stable sort leaves the slices of one place in the order that was given
        kept = order[np.concatenate([[True], gaps > nearest])]
    dropped = len(order) - len(kept)
    if dropped:
        warnings.append(
            f"{dropped} of its {len(order)} slices lie where another one does and were left out; "
            "of each place the slice with the lowest instance number was kept"
        )
    return kept


def _step(
    places: NDArray, normal: NDArray, heights: NDArray, single_step: float | None, warnings: list[str]
) -> tuple[NDArray, bool]:
    """The vector from slice to slice of the even grid that fits best, and whether it fits."""
    count = len(places)
    if count == 1:
        if not single_step:
            warnings.append("it is one slice of unknown thickness; 1 mm is assumed")
        return normal * (single_step or 1.0), True
    step = (places[-1] - places[0]) / (count - 1)
    off = np.linalg.norm(places - (places[0] + np.arange(count)[:, None] * step), axis=1).max()
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    if off <= max(_TOLERANCE_MM, _TOLERANCE * usual):
        tilt = np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1.0, 1.0)))
        if tilt > 0.1:
            warnings.append(
                f"its slices are sheared by a gantry tilt of {tilt:.1f}°; they are kept as they are"
            )
        return step, True
    wide = np.flatnonzero(gaps > 1.5 * usual)
    for at in wide[:5]:
        missing = max(1, round(gaps[at] / usual) - 1)
        warnings.append(
            f"{missing} slice{'s are' if missing > 1 else ' is'} missing between slice {at + 1} and {at + 2} "
            f"of {count} (a gap of {gaps[at]:.2f} mm, the others are {usual:.2f} mm)"
        )
    if len(wide) > 5:
        warnings.append(f"slices are missing at {len(wide) - 5} more places")
    if wide.size == 0:
        warnings.append(
            f"its slices are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm) and keep their places"
        )
    return step, False
