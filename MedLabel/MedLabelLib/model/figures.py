"""Figures on one slice of one plane; each kind rasterises to the same pixels everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import AnnotationError


@dataclass(frozen=True)
class Bitmap:
    """A 2D mask: ``pixels`` is boolean ``[row, column]``, ``origin`` the (column, row) of its first pixel."""

    origin: tuple[int, int]
    pixels: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or not self.pixels.any():
            raise AnnotationError("a bitmap figure needs at least one pixel")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Bitmap)
            and self.origin == other.origin
            and np.array_equal(self.pixels, other.pixels)
        )

    __hash__ = None


@dataclass(frozen=True)
class Polygon:
    """A closed outline and its holes, points as (column, row) of pixel centres."""

    exterior: tuple[tuple[float, float], ...]
    interior: tuple[tuple[tuple[float, float], ...], ...] = ()

    def __post_init__(self) -> None:
        if len(self.exterior) < 3:
            raise AnnotationError("a polygon needs at least three points")


@dataclass(frozen=True)
class Rectangle:
    """Two opposite corners, (column, row), both inside."""

    corners: tuple[tuple[float, float], tuple[float, float]]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom"""
        (x0, y0), (x1, y1) = self.corners
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


@dataclass(frozen=True)
class OpaqueShape:
    """A geometry of another tool that MedLabel keeps as it stands, so that nothing is lost."""

    geometry_type: str
    geometry: dict


PlaneShape = Bitmap | Polygon | Rectangle | OpaqueShape
