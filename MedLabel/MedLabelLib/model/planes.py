"""The three anatomical planes of a canonical grid and how an image of one lies in the volume."""

from __future__ import annotations

from enum import Enum


class Plane(Enum):
    """A plane of the canonical grid, whose indices grow toward Right, Anterior, Superior.

    The value is Supervisely's name. ``axis`` is the index that counts its slices. An image of a plane
    has ``columns`` along its width and ``rows`` along its height, unflipped: for axial,
    ``image[row, column] = volume[column, row, k]``.
    """

    SAGITTAL = "sagittal"
    CORONAL = "coronal"
    AXIAL = "axial"

    @property
    def axis(self) -> int:
        return {"sagittal": 0, "coronal": 1, "axial": 2}[self.value]

    @property
    def columns(self) -> int:
        return {"sagittal": 1, "coronal": 0, "axial": 0}[self.value]

    @property
    def rows(self) -> int:
        return {"sagittal": 2, "coronal": 2, "axial": 1}[self.value]

    @property
    def normal(self) -> dict[str, int]:
        """Supervisely's normal, the JSON object ``{"x": …, "y": …, "z": …}``."""
        return {name: int(index == self.axis) for index, name in enumerate("xyz")}

    @classmethod
    def of_axis(cls, axis: int) -> Plane:
        return (cls.SAGITTAL, cls.CORONAL, cls.AXIAL)[axis]

    def slice_index(self, index: int) -> tuple:
        """The NumPy index that takes slice ``index`` out of an ``[i, j, k]`` array, as ``[column, row]``."""
        whole: list = [slice(None)] * 3
        whole[self.axis] = index
        return tuple(whole)
