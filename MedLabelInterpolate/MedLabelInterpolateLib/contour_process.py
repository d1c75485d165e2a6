"""ITK's morphological contour interpolator in a process of its own: ``python -m`` this module.

The filter crashes its process at exit, and hangs or crashes on some inputs; so nothing but this process
loads it, and it leaves without exit handlers. It reads requests from standard input and answers on standard
output, each a header of ``HEADER`` and the voxels in Fortran order, until the input ends.

The first argument names where the filter comes from: ``slicer`` (Slicer's class, in the application or in
slicer-core), ``itk`` (the itk wheel), or ``any`` (the first that there is). A second argument
``slicer-defaults`` leaves Slicer's class at the settings of its effect "Fill between slices".
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

#: The three extents of the voxels that follow; of an answer that there is no filter, three zeros.
HEADER = struct.Struct("<3q")

Filter = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def itk_filter() -> Filter:
    """The filter of the itk wheel, as it comes."""
    itk = import_module("itk")

    def run(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = itk.image_from_array(np.ascontiguousarray(labels.T))
        return itk.array_from_image(itk.morphological_contour_interpolator(image)).T

    run(np.zeros((3, 3, 3), dtype=np.uint8))
    return run


def slicer_filter(with_itk_defaults: bool = True) -> Filter:
    """The filter of Slicer's class, with the itk wheel's defaults unless told otherwise."""
    vtk_itk = _first_of("vtkITK", "slicer_core.vtkITK")
    data_model, support = (
        import_module("vtkmodules.vtkCommonDataModel"),
        import_module("vtkmodules.util.numpy_support"),
    )

    def run(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = data_model.vtkImageData()
        image.SetDimensions(*labels.shape)
        image.GetPointData().SetScalars(support.numpy_to_vtk(labels.ravel(order="F"), deep=True))
        contours = vtk_itk.vtkITKMorphologicalContourInterpolator()
        if with_itk_defaults:
            contours.SetAxis(-1)
            contours.SetLabel(0)
            contours.SetHeuristicAlignment(True)
            contours.SetUseDistanceTransform(True)
            contours.SetUseBallStructuringElement(False)
        contours.SetInputData(image)
        contours.Update()
        found = support.vtk_to_numpy(contours.GetOutput().GetPointData().GetScalars())
        return found.reshape(labels.shape, order="F")

    return run


def any_filter() -> Filter:
    try:
        return slicer_filter()
    except ImportError:
        return itk_filter()


def serve(contours: Filter, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until ``requests`` ends."""
    while header := requests.read(HEADER.size):
        shape = HEADER.unpack(header)
        voxels = requests.read(int(np.prod(shape)))
        labels = np.frombuffer(voxels, dtype=np.uint8).reshape(shape, order="F")
        answers.write(HEADER.pack(*shape) + contours(labels).astype(np.uint8).tobytes(order="F"))
        answers.flush()


def _first_of(*names: str):
    for name in names[:-1]:
        try:
            return import_module(name)
        except ImportError:
            continue
    return import_module(names[-1])


def main(arguments: list[str]) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not fall among the answers
    source = arguments[0] if arguments else "any"
    try:
        contours = {
            "any": any_filter,
            "itk": itk_filter,
            "slicer": lambda: slicer_filter("slicer-defaults" not in arguments),
        }[source]()
    except ImportError as error:
        print(error, file=sys.stderr)
        answers.write(HEADER.pack(0, 0, 0))
        answers.flush()
        os._exit(1)
    answers.write(HEADER.pack(1, 1, 1))
    answers.flush()
    serve(contours, sys.stdin.buffer, answers)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
