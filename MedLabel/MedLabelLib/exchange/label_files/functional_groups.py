"""What a multi-frame DICOM file says of each of its frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ...model.errors import GeometryError
from .frame_stack import Plane

if TYPE_CHECKING:
    from pydicom import Dataset

_PLANE_POSITION, _POSITION = 0x00209113, "ImagePositionPatient"
_PLANE_ORIENTATION, _ORIENTATION = 0x00209116, "ImageOrientationPatient"
_PIXEL_MEASURES, _SPACING = 0x00289110, "PixelSpacing"
_SEGMENT_IDENTIFICATION, _SEGMENT = 0x0062000A, "ReferencedSegmentNumber"
_NAMES = {
    _PLANE_POSITION: "Plane Position Sequence",
    _PLANE_ORIENTATION: "Plane Orientation Sequence",
    _PIXEL_MEASURES: "Pixel Measures Sequence",
    _SEGMENT_IDENTIFICATION: "Segment Identification Sequence",
}

T = TypeVar("T")


class FunctionalGroups:
    """The shared and the per-frame functional groups of a dataset; a frame's own come before the shared."""

    def __init__(self, dataset: Dataset) -> None:
        shared = dataset.get("SharedFunctionalGroupsSequence")
        self._shared = shared[0] if shared else None
        self._frames = dataset.PerFrameFunctionalGroupsSequence

    def __len__(self) -> int:
        return len(self._frames)

    def planes(self) -> list[Plane]:
        """Where each frame lies. Raises GeometryError where a frame does not say."""
        positions = self._values(_PLANE_POSITION, _POSITION, _numbers)
        orientations = self._values(_PLANE_ORIENTATION, _ORIENTATION, _numbers)
        spacings = self._values(_PIXEL_MEASURES, _SPACING, _numbers)
        return [Plane(*terms) for terms in zip(positions, orientations, spacings, strict=True)]

    def segments(self) -> list[int]:
        """The number of each frame's segment. Raises GeometryError where a frame does not say."""
        return self._values(_SEGMENT_IDENTIFICATION, _SEGMENT, int)

    def _values(self, group: int, keyword: str, make: Callable[[object], T]) -> list[T]:
        """A value of each frame; frames whose group is the same bytes share one."""
        known: dict[bytes, T] = {}
        shared: list[T] = []

        def of(holder: Dataset | None) -> T:
            found = None if holder is None or group not in holder else holder[group].value
            if not found or keyword not in found[0]:
                raise GeometryError(f"a frame has no {_NAMES[group]}")
            return make(found[0][keyword].value)

        values = []
        for frame in self._frames:
            if group not in frame:
                if not shared:
                    shared.append(of(self._shared))
                values.append(shared[0])
                continue
            # thousands of frames lie at few places: only bytes not met before are parsed
            raw = getattr(frame.get_item(group), "value", None)
            if not isinstance(raw, bytes):
                values.append(of(frame))
                continue
            if raw not in known:
                known[raw] = of(frame)
            values.append(known[raw])
        return values


def _numbers(value: object) -> np.ndarray:
    return np.array(value, dtype=float)
