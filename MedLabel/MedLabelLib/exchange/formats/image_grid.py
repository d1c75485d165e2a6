"""The grid of a volume's source, on which image formats are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.geometry import AxisMap, VolumeGeometry
from ...model.mask import Mask
from ...volumes.image import SourceRecord
from ..resampling import even_grid, resample


@dataclass(frozen=True)
class ImageGrid:
    """How a volume's canonical arrays become arrays on the grid of its source.

    ``geometry`` is that grid; where the source's slices are unevenly spaced it is an even one, and
    ``is_resampled`` says so.
    """

    geometry: VolumeGeometry
    canonical: VolumeGeometry
    even: VolumeGeometry
    to_source: AxisMap

    @classmethod
    def of(cls, canonical: VolumeGeometry, source: SourceRecord) -> ImageGrid:
        """For a volume on ``canonical`` that came from ``source``."""
        even = even_grid(canonical)
        permutation, flips = source.axis_map.permutation, source.axis_map.flips
        to_source = AxisMap(permutation, flips, even.shape).inverse()
        geometry = even.remapped(to_source)
        if not canonical.is_uneven and source.geometry.shape == geometry.shape:
            # the numbers that were read, not those that went through two products
            geometry = source.geometry if source.geometry.is_close(geometry) else geometry
        return cls(geometry, canonical, even, to_source)

    @property
    def is_resampled(self) -> bool:
        return self.canonical.is_uneven

    def scan(self, array: NDArray) -> NDArray:
        """A scan's canonical array ``[i, j, k]`` in the source's axes, linearly resampled if it must be."""
        if self.is_resampled:
            array = resample(array, self.canonical, self.even, order=1, fill=float(array.min()))
        return np.asfortranarray(self.to_source.apply(array))

    def mask(self, mask: Mask) -> NDArray[np.uint8]:
        """A mask as a label image of 0 and 1 in the source's axes, by the nearest voxel if it must be."""
        return self.mask_of(mask).full()

    def mask_of(self, mask: Mask) -> Mask:
        """A mask in the source's axes, by the nearest voxel if it must be."""
        if self.is_resampled:
            mask = Mask.from_array(resample(mask.full(), self.canonical, self.even, order=0))
        return mask.remapped(self.to_source)
