"""A stroke as a face sends it, checked as what comes from outside must be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..model.errors import MedLabelError
from ..model.planes import Plane

MOST_POINTS = 100_000
MODES = ("add", "erase")


class StrokeError(MedLabelError):
    """A stroke that cannot be drawn as it was sent."""


@dataclass(frozen=True)
class Stroke:
    """A brush stroke in one slice.

    ``id`` names it for good: sent twice, it is drawn once. ``path`` is the pointer's way in voxel
    coordinates (i, j, k); ``radius`` is in mm; ``mode`` is ``add`` or ``erase``.
    """

    id: str
    object_key: str
    plane: Plane
    index: int
    path: tuple[tuple[float, float, float], ...]
    radius: float
    mode: str

    @classmethod
    def from_json(cls, data: Any) -> Stroke:
        """Raises StrokeError when ``data`` is no stroke."""
        try:
            path = tuple((float(i), float(j), float(k)) for i, j, k in data["path"])
            stroke = cls(
                str(data["id"]),
                str(data["object"]),
                Plane(data["plane"]),
                int(data["index"]),
                path,
                float(data["radius"]),
                str(data["mode"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StrokeError(f"this is no stroke: {error!r}") from error
        if not 1 <= len(path) <= MOST_POINTS or not all(math.isfinite(x) for point in path for x in point):
            raise StrokeError(f"a stroke has 1 to {MOST_POINTS} points of finite coordinates")
        if stroke.mode not in MODES or not stroke.id:
            raise StrokeError(f"a stroke has an id and adds or erases; this one is {stroke.mode!r}")
        return stroke
