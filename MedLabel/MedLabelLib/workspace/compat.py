"""Where Slicer's classes come from: the one place that knows the wheel from the desktop.

On the desktop and in the ``slicer-core`` wheel the same classes are attributes of ``slicer``; what only
one of them has is chosen here.
"""

from __future__ import annotations

import slicer
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

vtkMRMLScalarVolumeNode = slicer.vtkMRMLScalarVolumeNode
vtkMRMLSegmentationNode = slicer.vtkMRMLSegmentationNode
vtkOrientedImageData = slicer.vtkOrientedImageData
vtkSegment = slicer.vtkSegment
vtkSegmentation = slicer.vtkSegmentation

BINARY_LABELMAP = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()

__all__ = [
    "BINARY_LABELMAP",
    "numpy_to_vtk",
    "vtkImageData",
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMatrix4x4",
    "vtkOrientedImageData",
    "vtkSegment",
    "vtkSegmentation",
    "vtk_to_numpy",
]
