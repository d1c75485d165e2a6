"""Masks from label images: NRRD, NIfTI or MetaImage files of whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError, GeometryError, NotFoundError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from ..storage.volume import Volume
from ..volumes.reading import read_volume
from .resampling import resample

# corners of both grids within this share of a voxel: the same grid
_SAME = 1e-3
# within this: the same grid, written with fewer digits
_ALIKE = 0.1


class LabelImage:
    """A label image in memory: one whole number per voxel ``[i, j, k]``, on its own canonical grid."""

    def __init__(self, array: NDArray, geometry: VolumeGeometry, path: Path) -> None:
        self.array = array
        self.geometry = geometry
        self.path = path

    @classmethod
    def read(cls, path: str | Path) -> LabelImage:
        """Raises FileFormatError when it cannot be read or its values are not whole numbers."""
        path = Path(path)
        image = read_volume(path)
        array = image.array
        if np.issubdtype(array.dtype, np.floating):
            whole = np.rint(array)
            if not np.array_equal(whole, array):
                raise FileFormatError("its values are fractions; a label image holds whole numbers", path)
            array = np.asfortranarray(whole.astype(np.int32))
        return cls(array, image.geometry, path)

    def values(self) -> list[int]:
        """The labels it holds, background left out."""
        return [int(value) for value in np.unique(self.array) if value != 0]

    def holds(self, value: int) -> bool:
        """Whether any voxel has the value."""
        return bool((self.array == value).any())

    def mask(self, geometry: VolumeGeometry, value: int | None = None) -> tuple[Mask, str]:
        """The voxels of ``value``, or of any label, on ``geometry``, a volume's canonical grid.

        Where the grids are the same, voxels are carried by index; else the nearest label is taken.
        Returns the mask and a sentence that says what had to be done, empty when nothing.

        Raises
        ------
        NotFoundError
            when no voxel has the value.
        GeometryError
            when none of them lies in the volume.
        """
        chosen = self.array != 0 if value is None else self.array == value
        if not chosen.any():
            held = self.values()
            known = ", ".join(map(str, held[:20])) + (", …" if len(held) > 20 else "") or "none"
            wanted = "any label" if value is None else f"the value {value}"
            raise NotFoundError(f"no voxel has {wanted} (it has: {known})", self.path)
        if self.geometry.is_close(geometry, _SAME):
            return Mask.from_array(chosen), ""
        if self.geometry.is_close(geometry, _ALIKE):
            apart = self._distance(geometry)
            return Mask.from_array(
                chosen
            ), f"its header differs from the scan's by {apart:.3g} mm; voxels match"
        mask = Mask.from_array(resample(chosen.view(np.uint8), self.geometry, geometry, order=0))
        if mask.count == 0:
            raise GeometryError(f"the label in {self.path} does not lie in the volume")
        return mask, (
            f"its grid ({_say(self.geometry)}) is not the scan's ({_say(geometry)}); "
            "it was resampled to the nearest voxel"
        )

    def _distance(self, geometry: VolumeGeometry) -> float:
        corners = np.array([[0, 0, 0], [n - 1 for n in geometry.shape]])
        return float(np.abs(self.geometry.ijk_to_ras(corners) - geometry.ijk_to_ras(corners)).max())


def label_from_image(volume: Volume, file: str | Path, value: int | None = None) -> tuple[Mask, str]:
    """The mask that a label image gives on a volume; as :meth:`LabelImage.mask`, with its errors."""
    return LabelImage.read(file).mask(volume.geometry(), value)


def _say(geometry: VolumeGeometry) -> str:
    shape = "×".join(map(str, geometry.shape))
    return f"{shape} at {'×'.join(f'{s:.3g}' for s in geometry.spacing)} mm"
