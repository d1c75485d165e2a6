"""Where Slicer's classes come from: the one place that knows the wheel from the desktop.

On the desktop and in the ``slicer-core`` wheel the same classes are attributes of ``slicer``; what only
one of them has is chosen here.
"""

from __future__ import annotations

import slicer
from vtkmodules.util.numpy_support import get_vtk_array_type, numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCommand
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

vtkMRMLScalarVolumeNode = slicer.vtkMRMLScalarVolumeNode
vtkMRMLScalarVolumeDisplayNode = slicer.vtkMRMLScalarVolumeDisplayNode
vtkMRMLSegmentationNode = slicer.vtkMRMLSegmentationNode
vtkOrientedImageData = slicer.vtkOrientedImageData
vtkSegment = slicer.vtkSegment
vtkSegmentation = slicer.vtkSegmentation
vtkSegmentationConverter = slicer.vtkSegmentationConverter

BINARY_LABELMAP = vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
CLOSED_SURFACE = vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()

__all__ = [
    "BINARY_LABELMAP",
    "CLOSED_SURFACE",
    "get_vtk_array_type",
    "numpy_to_vtk",
    "vtkCommand",
    "vtkImageData",
    "vtkMRMLScalarVolumeDisplayNode",
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMatrix4x4",
    "vtkOrientedImageData",
    "vtkSegment",
    "vtkSegmentation",
    "vtkSegmentationConverter",
    "vtk_to_numpy",
]
