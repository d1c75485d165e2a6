"""Surfaces of objects for the 3D view, made off the main thread and shown as models."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import slicer
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

from ..model.colors import rgb
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from .arrays import fill_image, to_vtk_matrix
from .compat import vtkImageData
from .scene_nodes import remove_node


def mask_surface(mask: Mask, geometry: VolumeGeometry) -> vtkPolyData:
    """The smoothed surface of a mask in RAS; empty when the mask is.

    Flying edges on the box with an empty rim (so that it closes at the volume's border), then windowed
    sinc smoothing in mm, as Slicer smooths its segments' surfaces.
    """
    box = mask.box
    if box is None:
        return vtkPolyData()
    padded = np.zeros(tuple(n + 2 for n in box.shape), dtype=np.uint8, order="F")
    padded[1:-1, 1:-1, 1:-1] = mask.read(box)
    image = vtkImageData()
    fill_image(image, padded, tuple(a - 1 for a in box.start))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    transform = vtkTransform()
    transform.SetMatrix(to_vtk_matrix(geometry.ijk_to_ras_matrix))
    placed = vtkTransformPolyDataFilter()
    placed.SetTransform(transform)
    placed.SetInputConnection(edges.GetOutputPort())
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(placed.GetOutputPort())
    smooth.SetNumberOfIterations(40)
    smooth.SetPassBand(0.01)
    smooth.BoundarySmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.NormalizeCoordinatesOn()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(smooth.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()


class Surfaces:
    """The objects' surfaces in a scene, as models of their own that slice views don't show.

    :meth:`request` starts the work on a thread; :meth:`collect`, called on the main thread, shows what is
    ready. An object that changes while its surface is made is made again.
    """

    def __init__(self, scene, geometry: VolumeGeometry, opacity: float = 1.0) -> None:
        self._scene = scene
        self._opacity = opacity
        self._geometry = geometry
        self._nodes: dict[str, slicer.vtkMRMLModelNode] = {}
        self._colors: dict[str, str] = {}
        self._visible: dict[str, bool] = {}
        self._running: dict[str, Future] = {}
        self._again: dict[str, Mask] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="surfaces")

    def request(self, key: str, mask: Mask, color: str, visible: bool = True) -> None:
        """Make the surface of an object anew from a copy of its mask."""
        self._colors[key], self._visible[key] = color, visible
        if key in self._running:
            # copied when its turn comes: many strokes may come first
            self._again[key] = mask
        else:
            self._running[key] = self._pool.submit(mask_surface, mask.copy(), self._geometry)

    def collect(self) -> bool:
        """Show the surfaces that are ready; whether there were any, or more are being made."""
        ready = [key for key, future in self._running.items() if future.done()]
        for key in ready:
            self._show(key, self._running.pop(key).result())
            if key in self._again and key in self._colors:
                self.request(key, self._again.pop(key), self._colors[key], self._visible[key])
        return bool(ready or self._running)

    def set_visible(self, key: str, visible: bool) -> None:
        self._visible[key] = visible
        if key in self._nodes:
            self._nodes[key].SetDisplayVisibility(visible)

    def remove(self, key: str) -> None:
        self._colors.pop(key, None)
        self._again.pop(key, None)
        node = self._nodes.pop(key, None)
        if node is not None:
            remove_node(self._scene, node)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for key in list(self._nodes):
            self.remove(key)

    def _show(self, key: str, surface: vtkPolyData) -> None:
        if key not in self._colors:
            return
        node = self._nodes.get(key)
        if node is None:
            node = slicer.vtkMRMLModelNode()
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            node.SetSelectable(False)
            self._scene.AddNode(node)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetVisibility2D(False)
            node.GetDisplayNode().SetOpacity(self._opacity)
            self._nodes[key] = node
        node.SetAndObservePolyData(surface)
        node.GetDisplayNode().SetColor(*rgb(self._colors[key]))
        node.SetDisplayVisibility(self._visible[key])
