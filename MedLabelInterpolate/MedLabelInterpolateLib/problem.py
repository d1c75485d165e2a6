"""What is to be interpolated: one object's drawn slices on its volume's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import GeometryError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane

from .gaps import Gap, caps_of, gaps_of

#: Says which voxels of a box ``[i, j, k]`` the object may not take, as a boolean array of its shape.
Forbidden = Callable[[Box], NDArray[np.bool_]]


@dataclass(frozen=True)
class Problem:
    """One object to interpolate.

    ``key_slices`` are the indices of the drawn slices of each plane, in any order. Only voxels of ``mask``
    on key slices count as drawn, whatever else it holds; a key slice without voxels says that the object
    is not there. ``image`` is the whole scan ``[i, j, k]``, or None where there is none to be guided by.
    ``forbidden`` voxels (of locked objects) are never taken, except where they are drawn.

    Raises
    ------
    GeometryError
        for a mask, an image or a key slice that is not of ``geometry``'s grid.
    """

    geometry: VolumeGeometry
    key_slices: Mapping[Plane, tuple[int, ...]]
    mask: Mask
    image: NDArray | None = None
    forbidden: Forbidden | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        shape = self.geometry.shape
        if self.mask.shape != shape:
            raise GeometryError(f"a mask of a volume of {self.mask.shape} is not of one of {shape}")
        if self.image is not None and self.image.shape[:3] != shape:
            raise GeometryError(f"a scan of {self.image.shape} is not of a volume of {shape}")
        keys = {plane: tuple(sorted(set(found))) for plane, found in self.key_slices.items() if found}
        for plane, found in keys.items():
            if found[0] < 0 or found[-1] >= shape[plane.axis]:
                raise GeometryError(f"the volume has no {plane.value} slice {found[0]} to {found[-1]}")
        object.__setattr__(self, "key_slices", keys)

    @cached_property
    def plane(self) -> Plane | None:
        """The plane whose gaps are filled: that with most key slices, or with most space between them.

        The key slices of other planes then run through its gaps and correct what is filled in. None
        without key slices.
        """
        if not self.key_slices:
            return None
        spacing = self.geometry.spacing
        return max(
            self.key_slices,
            key=lambda plane: (len(self.key_slices[plane]), spacing[plane.axis], plane.axis),
        )

    @property
    def other_planes(self) -> list[Plane]:
        return [plane for plane in self.key_slices if plane is not self.plane]

    def gaps(self, *, caps: bool = False) -> list[Gap]:
        """The gaps of :attr:`plane` in order; with ``caps`` the ends beyond its key slices too.

        Where slices drawn in other planes show the object beyond those ends, there are caps in any case.
        """
        if self.plane is None:
            return []
        keys = self.key_slices[self.plane]
        ends = caps_of(self.plane, keys, self.geometry.shape[self.plane.axis]) if caps else []
        ends = [*self._ends_drawn_elsewhere(ends)]
        return sorted([*gaps_of(self.plane, keys), *ends], key=lambda gap: gap.start)

    def _ends_drawn_elsewhere(self, ends: list[Gap]) -> list[Gap]:
        """``ends`` widened to hold what key slices of other planes show beyond the first and last one."""
        axis, keys = self.plane.axis, self.key_slices[self.plane]
        reach = {gap.before is None: gap.reach for gap in ends}
        for plane in self.other_planes:
            for index in self.key_slices[plane]:
                drawn = self.drawn_slice(plane, index)
                others = 0 if axis < 3 - axis - plane.axis else 1
                hits = np.flatnonzero(drawn.any(axis=1 - others))
                if hits.size:
                    reach[True] = max(reach.get(True, 0), keys[0] - int(hits[0]))
                    reach[False] = max(reach.get(False, 0), int(hits[-1]) - keys[-1])
        return [
            Gap(self.plane, None, keys[0], size) if first else Gap(self.plane, keys[-1], None, size)
            for first, size in reach.items()
            if size > 0
        ]

    @cached_property
    def mask_box(self) -> Box | None:
        return self.mask.box

    def drawn_slice(self, plane: Plane, index: int, within: Box | None = None) -> NDArray[np.bool_]:
        """The voxels of one slice of the mask, over ``within`` (default: the whole volume), 2D.

        Its two axes are the volume's other axes in ascending order.
        """
        box = Box.whole(self.geometry.shape) if within is None else within
        return self.mask.read(_on_slice(box, plane, index)).squeeze(axis=plane.axis)

    def known(self, box: Box) -> NDArray[np.bool_]:
        """Which voxels of ``box`` ``[i, j, k]`` lie on a key slice of any plane."""
        known = np.zeros(box.shape, dtype=bool, order="F")
        for plane, keys in self.key_slices.items():
            first, stop = box.start[plane.axis], box.stop[plane.axis]
            for key in keys:
                if first <= key < stop:
                    known[plane.slice_index(key - first)] = True
        return known

    def positions(self, plane: Plane) -> NDArray:
        """How far along the plane's normal each of its slices lies, in mm, shape ``(n,)``, growing.

        The slices of an unevenly spaced series have their own places.
        """
        geometry, axis = self.geometry, plane.axis
        if geometry.is_uneven and geometry.slice_axis == axis:
            matrix = geometry.ijk_to_ras_matrix
            normal = np.cross(*(matrix[:3, a] for a in range(3) if a != axis))
            heights = geometry.slice_origins @ (normal / np.linalg.norm(normal))
            return np.abs(heights - heights[0])
        return np.arange(geometry.shape[axis]) * geometry.spacing[axis]

    def in_plane_spacing(self, plane: Plane) -> tuple[float, float]:
        """Spacing of the slices' two axes in mm, in ascending order of the volume's axes."""
        return tuple(s for axis, s in enumerate(self.geometry.spacing) if axis != plane.axis)

    def box_of(self, gap: Gap, margin: int = 2) -> Box | None:
        """The box that a gap's fill may take: its undrawn slices, and in their plane what is drawn beside.

        That is the box around the object on the gap's key slices and on the key slices of other planes,
        grown by ``margin`` voxels. None where nothing is drawn.
        """
        axis = gap.plane.axis
        around = self.mask_box
        if around is None:
            return None
        found: list[Box] = []
        for key in gap.keys:
            if around.start[axis] <= key < around.stop[axis]:
                found.append(_around_slice(self.mask, around, gap.plane, key))
        for plane in self.other_planes:
            span = _cut(around, axis, gap.start, gap.stop)
            for key in self.key_slices[plane]:
                if not span.is_empty and around.start[plane.axis] <= key < around.stop[plane.axis]:
                    found.append(_around_slice(self.mask, span, plane, key))
        found = [box for box in found if box is not None]
        if not found:
            return None
        whole = found[0]
        for box in found[1:]:
            whole = whole.union(box)
        start, stop = list(whole.start), list(whole.stop)
        for a, n in enumerate(self.geometry.shape):
            start[a], stop[a] = max(0, start[a] - margin), min(n, stop[a] + margin)
        start[axis], stop[axis] = gap.start, gap.stop
        return Box(tuple(start), tuple(stop))

    def settle(self, box: Box, voxels: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``voxels`` of ``box`` with what must hold: key slices as they are drawn, nothing forbidden."""
        if self.forbidden is not None:
            voxels = voxels & ~self.forbidden(box)
        if self.other_planes:
            voxels = np.where(self.known(box), self.mask.read(box), voxels)
        return np.asfortranarray(voxels)


def _on_slice(box: Box, plane: Plane, index: int) -> Box:
    return _cut(box, plane.axis, index, index + 1, clip=False)


def _cut(box: Box, axis: int, first: int, stop: int, clip: bool = True) -> Box:
    start, end = list(box.start), list(box.stop)
    start[axis] = max(first, start[axis]) if clip else first
    end[axis] = min(stop, end[axis]) if clip else stop
    return Box(tuple(start), tuple(end))


def _around_slice(mask: Mask, around: Box, plane: Plane, index: int) -> Box | None:
    """The box around the object on one slice, in the volume's indices."""
    on_slice = _on_slice(around, plane, index)
    inner = Box.around(mask.read(on_slice))
    if inner is None:
        return None
    return Box(
        tuple(a + o for a, o in zip(inner.start, on_slice.start, strict=True)),
        tuple(a + o for a, o in zip(inner.stop, on_slice.start, strict=True)),
    )
