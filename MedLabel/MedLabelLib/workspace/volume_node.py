"""A scan as a volume node of a MRML scene."""

from __future__ import annotations

import numpy as np

from ..model.errors import NotFoundError
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
    set_window(node, *first_window(image.array, image.modality, image.window, image.unit))
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


# what the page calls a palette, and Slicer's colour node of it
PALETTES = {
    "Grey": "vtkMRMLColorTableNodeGrey",
    "Inverted grey": "vtkMRMLColorTableNodeInvertedGrey",
    "PET heat": "vtkMRMLPETProceduralColorNodePET-Heat",
    "Hot metal": "vtkMRMLPETProceduralColorNodePET-HotMetalBlue",
    "Rainbow": "vtkMRMLPETProceduralColorNodePET-Rainbow2",
    "Iron": "vtkMRMLColorTableNodeIron",
}


def first_palette(unit: str) -> str:
    """PET by SUV is read in inverted grey, all else in grey."""
    return "Inverted grey" if unit == "SUV" else "Grey"


def set_palette(node: vtkMRMLScalarVolumeNode, palette: str) -> None:
    """Colour a volume by one of ``PALETTES``; raises NotFoundError for another, or one the scene lacks."""
    scene = node.GetScene()
    color = PALETTES.get(palette)
    if color is None or scene.GetNodeByID(color) is None:
        raise NotFoundError(f"there is no palette {palette!r}")
    node.GetScalarVolumeDisplayNode().SetAndObserveColorNodeID(color)


def set_interpolated(node: vtkMRMLScalarVolumeNode, interpolated: bool) -> None:
    """Show a volume's slices smoothly, or as the plain pixels they are."""
    node.GetScalarVolumeDisplayNode().SetInterpolate(interpolated)
