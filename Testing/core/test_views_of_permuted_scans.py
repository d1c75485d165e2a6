"""One asymmetric scan in all 48 orders and directions of its file's axes: every view shows the same of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import slicer

from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.planes import Plane
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.workspace.workspace import Workspace
from support.projects import write_nrrd
from support.shown import uneven_scan

WAYS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]
TURNS = ("rotate right", "flip left–right", "rotate left", "flip top–bottom")


def _permuted(path: Path, order: tuple[int, ...], signs: tuple[int, ...]) -> Path:
    """The uneven scan with its axes in another order, those of sign -1 running backward."""
    scan = uneven_scan((9, 12, 7))
    array = scan.array.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    to_canonical = np.zeros((4, 4))
    to_canonical[3, 3] = 1.0
    for axis, (source, sign) in enumerate(zip(order, signs, strict=True)):
        to_canonical[source, axis] = sign
        to_canonical[source, 3] = 0 if sign > 0 else scan.array.shape[source] - 1
    matrix = scan.geometry.ijk_to_ras_matrix @ to_canonical
    return write_nrrd(path, np.asfortranarray(array), VolumeGeometry(array.shape, matrix))


@pytest.mark.parametrize(("order", "signs"), WAYS)
def test_views_of_a_permuted_scan_show_the_same(tmp_path, order, signs) -> None:
    wanted = uneven_scan((9, 12, 7))
    image = read_volume(_permuted(tmp_path / "scan.nrrd", order, signs))
    workspace = Workspace(slicer.vtkMRMLScene(), image, "scan")
    random = np.random.default_rng(sum(order) + sum(signs))
    compared = 0
    for plane in Plane:
        node = slicer.vtkMRMLSliceNode()
        node.SetName(plane.value)
        node.SetLayoutName(plane.value)
        workspace.scene.AddNode(node)
        node.SetDimensions(200, 150, 1)
        view = workspace.add_view(plane.value, node, plane)
        for turn in (None, *TURNS):
            if turn is not None:
                how, way = turn.split(" ", 1)
                if how == "rotate":
                    view.rotate(way == "right")
                else:
                    view.flip(way == "left–right")
            for x, y in random.uniform((60, 40), (140, 110), (8, 2)):
                ijk = np.floor(view.pixels_to_ijk() @ [x, y, 1.0] + 0.5).astype(int)
                ras = image.geometry.ijk_to_ras(ijk.astype(float))
                there = np.rint(wanted.geometry.ras_to_ijk(ras)).astype(int)
                value = workspace.value_at(tuple(ijk))
                if value is not None:
                    assert value == wanted.array[tuple(there)]
                    compared += 1
            # what is at the right of the screen lies where the right letter points
            step = view.pixels_to_ijk() @ [1.0, 0.0, 0.0]
            axis = int(np.argmax(np.abs(step)))
            assert view.letters()["right"] == ("LR", "PA", "IS")[axis][int(step[axis] > 0)]
    assert compared > 60
    workspace.close()
