"""A small volume whose objects are edited as the effects of Slicer's Segment Editor do it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer

from MedLabelLib.model.annotation import LabelObject, PlaneFigure, Tag
from MedLabelLib.model.definitions import Definitions, TagDefinition
from MedLabelLib.model.figures import Rectangle
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from MedLabelLib.workspace.arrays import fill_image, to_vtk_matrix
from MedLabelLib.workspace.edited_volume import EditedVolume
from support.grids import random_matrix

SHAPE = (22, 18, 12)
LABELMAP = "Binary labelmap"


def a_grid(seed: int, sheared: bool = False) -> np.ndarray:
    """A tilted grid whose axes grow toward Right, Anterior and Superior, as in a project they do."""
    matrix = random_matrix(np.random.default_rng(seed), sheared)
    return VolumeGeometry(SHAPE, matrix).canonical()[0].ijk_to_ras_matrix


GRIDS = {"even": np.diag([0.7, 0.7, 2.5, 1.0]), "oblique": a_grid(7), "sheared": a_grid(8, sheared=True)}


def a_block(start, stop) -> np.ndarray:
    voxels = np.zeros(SHAPE, dtype=bool, order="F")
    voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return voxels


TUMOUR = a_block((3, 4, 2), (9, 11, 6))
LIVER = a_block((7, 6, 3), (16, 15, 9))  # overlaps the tumour


def two_objects(folder: Path, grid: str = "even") -> Volume:
    """A project with a volume of a tumour, tagged and with a figure, and a liver that overlaps it."""
    geometry = VolumeGeometry(SHAPE, GRIDS[grid])
    values = np.asfortranarray(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE))
    same = AxisMap((0, 1, 2), (False, False, False), SHAPE)
    image = VolumeImage(values, geometry, SourceRecord("nrrd", geometry, same), "CT", unit="HU")
    definitions = Definitions().with_class("tumour").with_class("liver").with_tag(TagDefinition("solid"))
    project = Project.create(folder, definitions)
    made = project.dataset("ds0", create=True).add_volume("scan", image)
    with VolumeSession.open(made, "test", "command") as session, session.edit("begin") as edit:
        tumour = LabelObject("tumour", tags=[Tag("solid")], mask=Mask.from_array(TUMOUR))
        edit.add_object(tumour)
        edit.add_object(LabelObject("liver", mask=Mask.from_array(LIVER)))
        edit.put_figure(PlaneFigure(tumour.key, Plane.AXIAL, 4, Rectangle(((1, 1), (6, 7)))))
    return made


def labelmap_of(voxels, matrix, start=(0, 0, 0)):
    image = slicer.vtkOrientedImageData()
    fill_image(image, np.array(voxels, dtype=np.uint8, order="F"), start)
    image.SetGeometryFromImageToWorldMatrix(to_vtk_matrix(matrix))
    return image


class SlicersEditor:
    """Slicer's own segment editing, as the Segment Editor's effects call it."""

    def __init__(self, edited: EditedVolume) -> None:
        self.edited = edited
        self.node = slicer.vtkMRMLSegmentEditorNode()
        edited.scene.AddNode(self.node)
        self.node.SetAndObserveSegmentationNode(edited.binding.node)
        self.node.SetAndObserveSourceVolumeNode(edited.volume_node)
        self.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
        self.overwrite(self.node.OverwriteNone)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(edited.scene)
        self.logic.SetSegmentEditorNode(self.node)

    def overwrite(self, mode: int) -> None:
        self.node.SetOverwriteMode(mode)

    def modify(self, segment_id: str, voxels: np.ndarray, how: str, start=(0, 0, 0)) -> None:
        mode = getattr(self.logic, f"ModificationMode{how}")
        modifier = labelmap_of(voxels, self.edited.binding.geometry.ijk_to_ras_matrix, start)
        self.node.SetSelectedSegmentID(segment_id)
        self.logic.ModifySegmentByLabelmap(self.edited.binding.node, segment_id, modifier, mode, False, False)


def id_of(edited: EditedVolume, class_name: str) -> str:
    return next(entry.key for entry in edited.session.annotation.objects if entry.class_name == class_name)
