"""How long the desktop's edits keep Slicer waiting: a stroke of the Segment Editor, journalled."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

TITLE = "the desktop: 88 objects of 512×512×133, edited by Slicer's own segment editing"

SHAPE = (512, 512, 133)
OBJECTS, STROKES = 88, 40
LIMIT = 100


def run(full: bool = False) -> Iterator[Row]:
    """``full``: with all segments in one shared labelmap too, as Slicer collapses them."""
    import slicer

    from MedLabelLib.workspace.edited_volume import EditedVolume

    with tempfile.TemporaryDirectory() as folder:
        volume = _project(Path(folder) / "project")
        edited = EditedVolume(slicer.vtkMRMLScene(), volume, "bench", "desktop")
        keys = [entry.key for entry in edited.session.annotation.objects]
        yield from _strokes(edited, keys, "")
        times = [_timed(edited.undo) for _ in range(STROKES)]
        yield Row("undo through the journal, the segment following", _high(times), "ms", LIMIT)
        times = [_timed(edited.redo) for _ in range(STROKES)]
        yield Row("redo", _high(times), "ms", LIMIT)
        took = _timed(edited.sync.compare)
        yield Row("beside it: all segments compared, as before each save", took, "ms")
        if full:
            edited.binding.segmentation.CollapseBinaryLabelmaps(False)
            layers = edited.binding.segmentation.GetNumberOfLayers()
            yield from _strokes(edited, keys, f", {layers} shared labelmaps")
        edited.close()


def _strokes(edited, keys: list[str], where: str) -> Iterator[Row]:
    """A stroke on the smallest and on the largest object, journalled; the effect's own time is left out."""
    import slicer

    from MedLabelLib.workspace.arrays import fill_image, to_vtk_matrix

    node = slicer.vtkMRMLSegmentEditorNode()
    edited.scene.AddNode(node)
    node.SetAndObserveSegmentationNode(edited.binding.node)
    node.SetAndObserveSourceVolumeNode(edited.volume_node)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    node.SetOverwriteMode(node.OverwriteNone)
    node.SetActiveEffectName("Paint")
    logic = slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLScene(edited.scene)
    logic.SetSegmentEditorNode(node)
    disc = np.hypot(*np.mgrid[-15:16, -15:16]) <= 15
    for name, key in (("small", keys[1]), ("large", keys[0])):
        node.SetSelectedSegmentID(key)
        start = edited.session.annotation.object(key).mask.box.start
        times = []
        for number in range(STROKES // 2):
            labelmap = slicer.vtkOrientedImageData()
            at = (start[0] + number, start[1] + 2 * number, start[2] + number % 5)
            fill_image(labelmap, np.array(disc[:, :, None], np.uint8, order="F"), at)
            labelmap.SetGeometryFromImageToWorldMatrix(
                to_vtk_matrix(edited.binding.geometry.ijk_to_ras_matrix)
            )
            remove = logic.ModificationModeRemove if number % 2 else logic.ModificationModeAdd
            logic.ModifySegmentByLabelmap(edited.binding.node, key, labelmap, remove, False, False)
            times.append(_timed(edited.journal))
        limit = LIMIT if not where else None
        yield Row(f"a stroke on a {name} object, journalled{where}", _high(times), "ms", limit)
    edited.scene.RemoveNode(node)


def _high(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(0.95 * (len(times) - 1))]


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _project(folder: Path):
    """One large organ of 300×220×100, and 87 small ones."""
    geometry = VolumeGeometry(SHAPE, np.diag([0.8, 0.8, 2.5, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, SHAPE))
    project = Project.create(folder, Definitions((LabelClass("organ"),)))
    image = VolumeImage(np.zeros(SHAPE, np.int16, order="F"), geometry, source, "CT")
    volume = project.dataset("scans", create=True).add_volume("scan", image)
    random = np.random.default_rng(4)
    with VolumeSession.open(volume, "bench", "command") as session, session.edit("organs") as edit:
        for number in range(OBJECTS):
            size = (300, 220, 100) if number == 0 else (60, 50, 20)
            start = [int(random.integers(20, n - m - 10)) for n, m in zip(SHAPE, size, strict=True)]
            axes = [np.linspace(-1, 1, n) ** 2 for n in size]
            ball = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :] <= 1
            box = Box(tuple(start), tuple(a + n for a, n in zip(start, size, strict=True)))
            edit.add_object(LabelObject("organ", mask=Mask.from_box(SHAPE, box, ball)))
    return volume
