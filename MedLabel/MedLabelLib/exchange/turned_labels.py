"""Labels that lie in the axes of a scan's file, taken by index to other axes of the same grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.annotation import Annotation, PlaneFigure
from ..model.figures import Bitmap, OpaqueShape, PlaneShape, Polygon, Rectangle
from ..model.geometry import AxisMap
from ..model.planes import Plane

Point = tuple[float, float]


def turned_labels(labels: Annotation, axis_map: AxisMap) -> tuple[Annotation, list[str]]:
    """``labels`` in the axes that ``axis_map`` gives; every voxel and point stays where it is in the patient.

    A figure that stands on, say, axial slices of the one grid may stand on sagittal ones of the other.
    Also returns a sentence for each figure of a kind whose points are not known, which is left out.
    """
    objects = [
        entry if entry.mask is None else replace(entry, mask=entry.mask.remapped(axis_map))
        for entry in labels.objects
    ]
    figures, lost = [], []
    for figure in labels.figures:
        turned = _Turned(figure, axis_map)
        shape = turned.shape()
        if shape is None:
            lost.append(f"a figure of kind {figure.shape.geometry_type!r} cannot be turned")
        else:
            figures.append(replace(figure, plane=turned.plane, slice_index=turned.slice_index, shape=shape))
    return replace(labels, shape=axis_map.shape, objects=objects, figures=figures), lost


class _Turned:
    """A figure's plane, slice and shape in other axes."""

    def __init__(self, figure: PlaneFigure, axis_map: AxisMap) -> None:
        self._figure = figure
        self._map = axis_map
        self.plane = Plane.of_axis(axis_map.permutation.index(figure.plane.axis))
        self.slice_index = int(self._indices([(0.0, 0.0)])[0, self.plane.axis])

    def shape(self) -> PlaneShape | None:
        """The shape on the new plane; None where its kind is not known."""
        shape = self._figure.shape
        if isinstance(shape, Bitmap):
            return self._bitmap(shape)
        if isinstance(shape, Polygon):
            return Polygon(self._points(shape.exterior), tuple(self._points(hole) for hole in shape.interior))
        if isinstance(shape, Rectangle):
            return Rectangle(self._points(shape.corners))
        return self._opaque(shape)

    def _indices(self, points: ArrayLike) -> NDArray:
        """Points (column, row) of the figure's slice, shape ``(n, 2)``, as voxel indices of the new grid."""
        plane, points = self._figure.plane, np.asarray(points, dtype=float)
        indices = np.empty((len(points), 3))
        indices[:, plane.axis] = self._figure.slice_index
        indices[:, [plane.columns, plane.rows]] = points
        return self._map.apply_to_index(indices)

    def _points(self, points: Sequence[Point]) -> tuple[Point, ...]:
        indices = self._indices(points) if points else np.empty((0, 3))
        return tuple(map(tuple, indices[:, [self.plane.columns, self.plane.rows]].tolist()))

    def _bitmap(self, shape: Bitmap) -> Bitmap:
        rows, columns = np.nonzero(shape.pixels)
        at = self._indices(np.stack([columns, rows], axis=1) + shape.origin).astype(int)
        columns, rows = at[:, self.plane.columns], at[:, self.plane.rows]
        left, top = int(columns.min()), int(rows.min())
        pixels = np.zeros((rows.max() - top + 1, columns.max() - left + 1), dtype=bool)
        pixels[rows - top, columns - left] = True
        return Bitmap((left, top), pixels)

    def _opaque(self, shape: OpaqueShape) -> OpaqueShape | None:
        """Points and lines of Supervisely's hold nothing but their points."""
        points = shape.geometry.get("points")
        if not isinstance(points, dict) or set(shape.geometry) - {"points", "shape", "geometryType"}:
            return None
        turned = {
            "exterior": [list(at) for at in self._points(points.get("exterior") or ())],
            "interior": [[list(at) for at in self._points(hole)] for hole in points.get("interior") or ()],
        }
        return OpaqueShape(shape.geometry_type, {**shape.geometry, "points": turned})
