"""The brush by its definition, voxel after voxel: what the core's fast one is compared with."""

from __future__ import annotations

import numpy as np

AXES = {"sagittal": (0, 1, 2), "coronal": (1, 0, 2), "axial": (2, 0, 1)}


def plain_stroke(geometry, stroke: dict) -> np.ndarray:
    """Every voxel of the slice whose centre is within the radius of the path, and those the points are in."""
    axis, first, second = AXES[stroke["plane"]]
    covered = np.zeros(geometry.shape, dtype=bool)
    path = np.array(stroke["path"], dtype=float)
    path[:, axis] = stroke["index"]
    points = geometry.grid_to_ras(path)
    for a in range(geometry.shape[first]):
        column = np.zeros((geometry.shape[second], 3))
        column[:, axis], column[:, first], column[:, second] = (
            stroke["index"],
            a,
            np.arange(geometry.shape[second]),
        )
        centres = geometry.grid_to_ras(column)
        near = np.full(len(centres), np.inf)
        for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
            way = end - start
            length = way @ way
            at = np.clip((centres - start) @ way / length, 0, 1) if length else np.zeros(len(centres))
            near = np.minimum(near, np.linalg.norm(centres - start - at[:, None] * way, axis=1))
        hit = near <= stroke["radius"] * (1 + 1e-9) + 1e-9
        covered[tuple(column[hit].astype(int).T)] = True
    for point in np.floor(path + 0.5).astype(int):
        if (point >= 0).all() and (point < geometry.shape).all():
            covered[tuple(point)] = True
    return covered
