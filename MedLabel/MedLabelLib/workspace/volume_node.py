"""A scan as a volume node of a MRML scene."""

from __future__ import annotations

import numpy as np

from ..model.geometry import VolumeGeometry
from ..model.windowing import first_window
from ..volumes.image import VolumeImage
from .arrays import fill_image, to_vtk_matrix
from .compat import vtkImageData, vtkMRMLScalarVolumeNode


def add_volume_node(scene, image: VolumeImage, name: str) -> vtkMRMLScalarVolumeNode:
    """Add a scan to the scene, with its first window. ``name`` is shown to the user."""
    data = vtkImageData()
    fill_image(data, _vtk_values(image.array))
    node = vtkMRMLScalarVolumeNode()
    node.SetName(name)
    scene.AddNode(node)
    place_node(node, image.geometry)
    node.SetAndObserveImageData(data)
    node.CreateDefaultDisplayNodes()
    set_window(node, *first_window(image.array, image.modality, image.window))
    return node


def _vtk_values(array: np.ndarray) -> np.ndarray:
    """The values in a type that VTK and Slicer's filters take."""
    if array.dtype == np.float16:
        return array.astype(np.float32, order="F")
    return np.asfortranarray(array, dtype=array.dtype.newbyteorder("="))


def place_node(node: vtkMRMLScalarVolumeNode, geometry: VolumeGeometry) -> None:
    """Put a volume node where the grid lies (its even grid: Slicer knows no uneven slices)."""
    node.SetIJKToRASMatrix(to_vtk_matrix(geometry.ijk_to_ras_matrix))


def set_window(node: vtkMRMLScalarVolumeNode, center: float, width: float) -> None:
    """Set window and level in the volume's own values."""
    display = node.GetScalarVolumeDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(width, center)


def get_window(node: vtkMRMLScalarVolumeNode) -> tuple[float, float]:
    """(center, width)"""
    display = node.GetScalarVolumeDisplayNode()
    return display.GetLevel(), display.GetWindow()
