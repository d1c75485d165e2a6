"""Label images of one or several layers, as NRRD files hold them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ...model.errors import FileFormatError
from ...model.geometry import VolumeGeometry
from ...model.mask import Mask
from ..label_image import LabelImage


class LayeredImage:
    """Label images on one grid; each is read onto a volume as a plain label image is."""

    def __init__(self, layers: Sequence[NDArray], geometry: VolumeGeometry, path: Path) -> None:
        canonical, axis_map = geometry.canonical()
        self._images = [
            LabelImage(np.asfortranarray(axis_map.apply(layer)), canonical, path) for layer in layers
        ]

    @classmethod
    def read(cls, path: Path, image_io: str = "") -> LayeredImage:
        """Raises FileFormatError when it cannot be read or holds no whole numbers."""
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        if image_io:
            reader.SetImageIO(image_io)
        try:
            image = reader.Execute()
        except RuntimeError as error:
            raise FileFormatError("it cannot be read; it is truncated or damaged", path) from error
        if image.GetDimension() != 3:
            raise FileFormatError(f"it has {image.GetDimension()} axes; a label image has three", path)
        array = sitk.GetArrayFromImage(image)
        if not np.issubdtype(array.dtype, np.integer):
            whole = np.rint(array)
            if not np.array_equal(whole, array):
                raise FileFormatError("its values are fractions; a label image holds whole numbers", path)
            array = whole.astype(np.int32)
        layers = [array.T] if array.ndim == 3 else [array[..., n].T for n in range(array.shape[3])]
        geometry = VolumeGeometry.from_lps(
            layers[0].shape, image.GetOrigin(), image.GetSpacing(), image.GetDirection()
        )
        return cls(layers, geometry, path)

    def __len__(self) -> int:
        return len(self._images)

    def values(self, layer: int) -> list[int]:
        """The values in a layer, background left out."""
        return self._images[layer].values()

    def carry(self, layer: int, value: int):
        """What gives the voxels of a value on a volume's grid, for a found label."""
        return functools.partial(self._carry, layer, value)

    def _carry(self, layer: int, value: int, geometry: VolumeGeometry) -> tuple[Mask, str]:
        image = self._images[layer]
        if not image.holds(value):
            return Mask(geometry.shape), ""
        return image.mask(geometry, value)

    @property
    def geometry(self) -> VolumeGeometry:
        """The canonical grid of all layers."""
        return self._images[0].geometry
