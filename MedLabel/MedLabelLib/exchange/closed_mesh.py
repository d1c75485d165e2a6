"""Closed surface meshes, as Supervisely once kept interpolated objects: STL files in LPS mm."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .polygon_fill import fill_edges

_HEAD = 84
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(path: Path) -> NDArray:
    """The triangles of an STL file, binary or text, shape ``(n, 3, 3)``.

    Raises FileFormatError when it is none or is damaged, OSError when it cannot be opened.
    """
    content = path.read_bytes()
    if len(content) >= _HEAD:
        count = int.from_bytes(content[80:_HEAD], "little")
        if len(content) == _HEAD + count * _TRIANGLE.itemsize:
            triangles = np.frombuffer(content, _TRIANGLE, count, _HEAD)["points"].astype(float)
            return _finite(triangles, path)
    if not content.lstrip().startswith(b"solid"):
        raise FileFormatError("it is no STL file, or a truncated one", path)
    found = re.findall(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", content)
    if len(found) % 3 or b"endsolid" not in content:
        raise FileFormatError("its triangles are damaged", path)
    try:
        return _finite(np.array(found, dtype=float).reshape(-1, 3, 3), path)
    except ValueError as error:
        raise FileFormatError("its triangles are damaged", path) from error


def _finite(triangles: NDArray, path: Path) -> NDArray:
    if not np.isfinite(triangles).all():
        raise FileFormatError("its corners are not finite numbers", path)
    return triangles


def mask_from_mesh(triangles: NDArray, geometry: VolumeGeometry) -> Mask:
    """The voxels of a volume's canonical grid whose centre lies within a closed mesh in LPS mm.

    Slice by slice: where a slice cuts the mesh are outlines, filled by the even-odd rule.
    """
    corners = geometry.lps_to_ijk(triangles)
    array = np.zeros(geometry.shape, dtype=bool, order="F")
    heights = corners[..., 2]
    if not len(corners):
        return Mask(geometry.shape)
    low, high = heights.min(axis=1), heights.max(axis=1)
    first = max(0, int(np.ceil(low.min())))
    last = min(geometry.shape[2] - 1, int(np.floor(high.max())))
    for k in range(first, last + 1):
        # a corner on the slice counts as below it, so that every outline closes
        cut = corners[(low <= k) & (high > k)]
        array[:, :, k] = fill_edges(*_cut(cut, k), geometry.shape[:2])
    return Mask.from_array(array)


def _cut(triangles: NDArray, k: int) -> tuple[NDArray, NDArray]:
    """The edges, each from a point ``(x, y)`` to another, in which the slice ``k`` cuts triangles."""
    above = triangles[..., 2] > k
    # the corner that is alone on its side, then the other two
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1))
    order = (alone[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(triangles, order[..., None], axis=1)
    ends = []
    for other in (1, 2):
        a, b = turned[:, 0], turned[:, other]
        # from the lower to the higher corner, so that neighbours meet in the very same point
        swap = (a[:, 2] > b[:, 2])[:, None]
        lower, higher = np.where(swap, b, a), np.where(swap, a, b)
        share = (k - lower[:, 2]) / (higher[:, 2] - lower[:, 2])
        ends.append(lower[:, :2] + share[:, None] * (higher[:, :2] - lower[:, :2]))
    return ends[0], ends[1]
