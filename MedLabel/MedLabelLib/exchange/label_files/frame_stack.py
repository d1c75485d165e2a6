"""Frames that lie each at a place of its own, carried onto a volume's grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.box import Box
from ...model.errors import GeometryError
from ...model.geometry import LPS_FROM_RAS, VolumeGeometry
from ...model.mask import Mask
from ..resampling import resample

# how far, in voxels, a frame may lie off the grid's slices and still be one of them
_ON_GRID = 0.05
# within this the voxels match, and the difference is said
_NEAR_GRID = 0.25


@dataclass(frozen=True)
class Plane:
    """A frame's first pixel in LPS mm, the directions of growing column and row, and PixelSpacing."""

    position: NDArray
    orientation: NDArray
    spacing: NDArray

    @property
    def column_step(self) -> NDArray:
        return self.orientation[:3] * self.spacing[1]

    @property
    def row_step(self) -> NDArray:
        return self.orientation[3:] * self.spacing[0]


@dataclass(frozen=True)
class Block:
    """The part of a label's frames that holds something: where it begins, and ``[frame, row, column]``."""

    frame: int
    row: int
    column: int
    pixels: NDArray

    @classmethod
    def empty(cls) -> Block:
        return cls(0, 0, 0, np.zeros((0, 0, 0), dtype=bool))

    @classmethod
    def around(cls, pixels: NDArray) -> Block:
        """The smallest block that holds every nonzero value of all frames."""
        box = Box.around(pixels)
        return cls.empty() if box is None else cls(*box.start, pixels[box.slices])


class FrameStack:
    """The frames of one label, all of ``size`` (columns, rows); they may leave out slices of the volume.

    ``give`` decodes their pixels.
    """

    def __init__(self, planes: Sequence[Plane], size: tuple[int, int], give: Callable[[], Block]) -> None:
        self._planes = list(planes)
        self._size = size
        self._give = give

    def carry(self, geometry: VolumeGeometry) -> tuple[Mask, str]:
        """The mask on a volume's canonical grid, and a sentence on what had to be done, empty when nothing.

        Where all frames lie on the volume's slices pixels are carried by index, else the nearest is taken.
        Raises GeometryError where nothing lies in the volume, or no grid can be made of the frames.
        """
        if not self._planes:
            return Mask(geometry.shape), ""
        first = self._planes[0]
        if not all(_is_parallel(plane, first) for plane in self._planes):
            raise GeometryError("its frames lie in planes of several directions or spacings")
        index = geometry.lps_to_ijk(np.array([plane.position for plane in self._planes]))
        corner = geometry.lps_to_ijk(first.position + np.array([[0] * 3, first.column_step, first.row_step]))
        steps = corner[1:] - corner[0]
        axes = [int(np.argmax(np.abs(step))) for step in steps]
        unit = np.zeros((2, 3))
        unit[[0, 1], axes] = np.sign(steps[[0, 1], axes])
        # where the last pixel of a row and of a column would be, were steps whole
        drift = np.abs((steps - unit) * (np.array(self._size)[:, None] - 1)).max()
        off = max(float(np.abs(index - np.rint(index)).max()), float(drift))
        if axes[0] == axes[1] or off > _NEAR_GRID:
            return self._resampled(geometry)
        mask = self._by_index(np.rint(index).astype(int), axes, unit, geometry.shape)
        if off <= _ON_GRID:
            return mask, ""
        return mask, f"its frames lie up to {off:.2f} voxels off the scan's slices; voxels match"

    def _by_index(
        self, index: NDArray[np.intp], axes: list[int], unit: NDArray, shape: tuple[int, int, int]
    ) -> Mask:
        block = self._give()
        if not block.pixels.size:
            return Mask(shape)
        along = 3 - axes[0] - axes[1]
        count, rows, columns = block.pixels.shape
        levels = index[block.frame : block.frame + count, along]
        # the block's pixels as [column, row, frame], each growing with the volume's index
        pixels = block.pixels.transpose(2, 1, 0)
        start = [0, 0, 0]
        sizes = (columns, rows)
        for at, offset in enumerate((block.column, block.row)):
            first, sign = index[0, axes[at]], int(unit[at, axes[at]])
            begin = first + sign * offset
            if sign < 0:
                pixels = np.flip(pixels, at)
                begin -= sizes[at] - 1
            start[axes[at]] = int(begin)
        low = int(levels.min())
        start[along] = low
        if not np.array_equal(levels, low + np.arange(count)):
            stack = np.zeros((columns, rows, int(levels.max()) - low + 1), dtype=bool)
            for number, level in enumerate(levels):
                stack[:, :, level - low] |= pixels[:, :, number]
            pixels = stack
        turned = pixels.transpose([{axes[0]: 0, axes[1]: 1, along: 2}[axis] for axis in range(3)])
        box = Box(tuple(start), tuple(s + n for s, n in zip(start, turned.shape, strict=True)))
        common = box.intersection(Box.whole(shape))
        if common.is_empty:
            raise GeometryError("it does not lie in the volume")
        return Mask.from_box(shape, common, turned[common.within(box)])

    def _resampled(self, geometry: VolumeGeometry) -> tuple[Mask, str]:
        grid, levels = self._own_grid()
        block = self._give()
        count, rows, columns = block.pixels.shape
        array = np.zeros(grid.shape, dtype=np.uint8, order="F")
        for number in range(count):
            part = array[
                block.column : block.column + columns,
                block.row : block.row + rows,
                levels[block.frame + number],
            ]
            part |= block.pixels[number].T.astype(np.uint8)
        mask = Mask.from_array(resample(array, grid, geometry, order=0))
        if mask.count == 0 and count:
            raise GeometryError("it does not lie in the volume")
        return mask, "its frames are not the scan's slices; it was resampled to the nearest voxel"

    def _own_grid(self) -> tuple[VolumeGeometry, list[int]]:
        """The even grid that the frames lie on, and the slice of each; where frames are left out too."""
        first = self._planes[0]
        normal = np.cross(first.orientation[:3], first.orientation[3:])
        normal = normal / np.linalg.norm(normal)
        heights = np.array([plane.position for plane in self._planes]) @ normal
        gaps = np.diff(np.unique(np.round(heights, 4)))
        step = float(gaps.min()) if gaps.size else float(max(first.spacing))
        levels = np.rint((heights - heights.min()) / step).astype(int)
        if np.abs((heights - heights.min()) / step - levels).max() > _NEAR_GRID:
            raise GeometryError("its frames are unevenly spaced and are no slices of the scan")
        lowest, highest = (self._planes[int(at)].position for at in (heights.argmin(), heights.argmax()))
        last = int(levels.max())
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1] = first.column_step, first.row_step
        matrix[:3, 2] = (highest - lowest) / last if last else normal * step
        matrix[:3, 3] = lowest
        return VolumeGeometry((*self._size, last + 1), LPS_FROM_RAS @ matrix), levels.tolist()


def _is_parallel(plane: Plane, other: Plane) -> bool:
    if plane.orientation is other.orientation and plane.spacing is other.spacing:
        return True
    return np.allclose(plane.orientation, other.orientation, atol=1e-4) and np.allclose(
        plane.spacing, other.spacing, rtol=1e-4
    )
