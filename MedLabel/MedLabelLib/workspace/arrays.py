"""Between the core's arrays and VTK's images and matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.box import Box
from .compat import numpy_to_vtk, vtk_to_numpy, vtkImageData, vtkMatrix4x4


def to_vtk_matrix(matrix: NDArray) -> vtkMatrix4x4:
    result = vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            result.SetElement(row, column, float(matrix[row, column]))
    return result


def from_vtk_matrix(matrix: vtkMatrix4x4) -> NDArray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def fill_image(image: vtkImageData, array: NDArray, start: tuple[int, int, int] = (0, 0, 0)) -> None:
    """Give a VTK image the voxels of ``array`` ``[i, j, k]``; its extent begins at ``start``.

    An array in Fortran order is not copied; the image keeps it alive.
    """
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    flat = array.ravel(order="F")
    scalars = numpy_to_vtk(flat, deep=False)
    # VTK holds the buffer by address: the wrapper must hold the array as long as it lives
    scalars._medlabel_buffer = flat
    image.SetExtent(*(x for a, n in zip(start, array.shape, strict=True) for x in (a, a + n - 1)))
    image.GetPointData().SetScalars(scalars)


def image_box(image: vtkImageData) -> Box:
    """The extent of a VTK image as a box; it is empty when the image is."""
    extent = image.GetExtent()
    return Box((extent[0], extent[2], extent[4]), (extent[1] + 1, extent[3] + 1, extent[5] + 1))


def image_voxels(image: vtkImageData) -> NDArray:
    """The voxels of a VTK image ``[i, j, k]``, Fortran order, a view of its memory."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image_box(image).shape, order="F")
