"""How a slice of the volume's own grid lies on the screen, and what a point of the screen is in voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.geometry import VolumeGeometry
from ..model.planes import Plane
from .slice_orientation import SliceOrientation

UPRIGHT = SliceOrientation()
# a direction's letter is left out where less than this part of it goes that way: up to 14° are no tilt
LEAST_PART = 0.25

# which way the screen's right and up go along the grid's axes: the patient's right is on the left of the
# screen, and a sagittal view looks from the patient's left, nose to the left
_SCREEN = {
    Plane.AXIAL: ((0, -1), (1, 1)),
    Plane.CORONAL: ((0, -1), (2, 1)),
    Plane.SAGITTAL: ((1, -1), (2, 1)),
}


@dataclass(frozen=True)
class SliceFrame:
    """A slice view's place: which plane, which slice, and its matrix from slice coordinates to RAS."""

    plane: Plane
    index: int
    slice_to_ras: NDArray


def slice_frame(
    geometry: VolumeGeometry, plane: Plane, index: int, orientation: SliceOrientation = UPRIGHT
) -> SliceFrame:
    """The frame of slice ``index``, through the centres of its voxels, centred on the slice.

    Slice coordinates are mm: x to the screen's right, y up, z along the plane's axis (toward Right,
    Anterior or Superior), also where a mirrored picture makes the three left-handed.
    """
    (right, right_sign), (up, up_sign) = _SCREEN[plane]
    directions = geometry.directions
    x = right_sign * directions[:, right]
    y = up_sign * directions[:, up]
    # a sheared grid's axes are not at right angles, a slice view's must be
    y = y - (y @ x) * x
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    if z @ directions[:, plane.axis] < 0:
        z = -z
    (xx, yx), (xy, yy) = orientation.axes
    x, y = x * xx + y * xy, x * yx + y * yy
    middle = (np.asarray(geometry.shape, dtype=float) - 1) / 2
    middle[plane.axis] = index
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = x, y, z
    matrix[:3, 3] = geometry.grid_to_ras(middle)
    return SliceFrame(plane, index, matrix)


def slice_extent(
    geometry: VolumeGeometry, plane: Plane, orientation: SliceOrientation = UPRIGHT
) -> tuple[float, float]:
    """Width and height in mm of a whole slice of ``plane`` on the screen, voxel edges included."""
    (right, _), (up, _) = _SCREEN[plane]
    spacing = geometry.spacing
    width, height = geometry.shape[right] * spacing[right], geometry.shape[up] * spacing[up]
    return (height, width) if orientation.is_across else (width, height)


def view_to_ijk(geometry: VolumeGeometry, frame: SliceFrame, xy_to_slice: NDArray) -> NDArray:
    """The 3×3 matrix from a view's pixels ``(x right, y up, 1)`` to voxel coordinates ``(i, j, k)``.

    ``xy_to_slice`` is the slice node's 4×4 matrix of that name. The coordinate along the plane's axis is
    exactly the slice's index.
    """
    xy_to_ras = frame.slice_to_ras @ xy_to_slice
    affine = np.linalg.inv(geometry.ijk_to_ras_matrix) @ xy_to_ras
    matrix = affine[:3, [0, 1, 3]]
    matrix[frame.plane.axis] = (0.0, 0.0, float(frame.index))
    return matrix


def direction_letters(direction: NDArray) -> str:
    """Where a direction in RAS points: ``R``, or of an oblique one the greatest part first, as ``RA``.

    As DICOM's Patient Orientation (C.7.6.1.1.1) writes it, but without the parts under ``LEAST_PART``.
    """
    part = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
    order = np.argsort(-np.abs(part), kind="stable")
    names = ("LR", "PA", "IS")
    return "".join(names[axis][int(part[axis] > 0)] for axis in order if abs(part[axis]) >= LEAST_PART)


def screen_letters(slice_to_ras: NDArray) -> dict[str, str]:
    """The patient's directions at the view's edges: left, right, top, bottom."""
    right, up = slice_to_ras[:3, 0], slice_to_ras[:3, 1]
    return {
        "right": direction_letters(right),
        "left": direction_letters(-right),
        "top": direction_letters(up),
        "bottom": direction_letters(-up),
    }
