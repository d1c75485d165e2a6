"""Supervisely's older closed meshes: STL files in LPS mm that become masks."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from MedLabelLib.exchange.closed_mesh import mask_from_mesh, read_stl
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.errors import FileFormatError
from support.grids import random_geometry
from support.labelled import random_volume
from support.projects import new_project


def write_stl(path: Path, triangles: np.ndarray, text: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if text:
        lines = ["solid mesh"]
        for triangle in triangles:
            corners = "".join(f"vertex {x!r} {y!r} {z!r}\n" for x, y, z in triangle.tolist())
            lines.append(f"facet normal 0 0 0\nouter loop\n{corners}endloop\nendfacet")
        path.write_text("\n".join([*lines, "endsolid mesh"]))
        return
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *triangle.ravel().tolist(), 0) for triangle in triangles)
    path.write_bytes(bytes(80) + struct.pack("<I", len(triangles)) + body)


@pytest.mark.prove
def test_a_closed_mesh_holds_the_voxels_whose_centres_it_holds(proof):
    for random in proof.cases(sample=30, full=2000):
        geometry = random_geometry(random, random.choice(["even", "sheared"])).canonical()[0]
        points = geometry.ijk_to_lps(random.uniform(-1, np.array(geometry.shape), (12, 3)))
        hull = ConvexHull(points)
        mask = mask_from_mesh(points[hull.simplices], geometry).full()
        centres = geometry.ijk_to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))
        depth = (centres @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=-1)
        assert mask[depth < -1e-6].all()
        assert not mask[depth > 1e-6].any()


@pytest.mark.parametrize("text", [False, True])
def test_an_older_project_with_meshes_comes_with_masks(tmp_path, text):
    random = np.random.default_rng(1)
    volume = random_volume(random, tmp_path / "old", "even")
    annotation = volume.read_annotation()
    annotation.objects.append(LabelObject("liver"))
    volume.write_annotation(annotation)
    points = volume.geometry().ijk_to_lps(random.uniform(0, np.array(volume.geometry().shape) - 1, (9, 3)))
    triangles = points[ConvexHull(points).simplices]
    data = json.loads(volume.annotation_path.read_text())
    key = "0123456789abcdef" * 2
    figure = {"key": key, "objectKey": annotation.objects[0].key, "geometryType": "closed_surface_mesh"}
    data["spatialFigures"] = [{**figure, "geometry": {}, "meta": {}}]
    volume.annotation_path.write_text(json.dumps(data))
    path = volume.dataset.path / "interpolation" / volume.file_name / f"{key}.stl"
    write_stl(path, triangles, text)
    report = import_sources(new_project(tmp_path / "new"), [volume.dataset.project.path])
    (entry,) = report.added[0].read_annotation().objects
    assert entry.mask == mask_from_mesh(triangles, volume.geometry())
    assert any("became a mask" in sentence for _, sentence in report.warnings)


def test_damaged_meshes_are_said(tmp_path):
    triangles = np.random.default_rng(0).random((4, 3, 3))
    for text in (False, True):
        path = tmp_path / "mesh.stl"
        write_stl(path, triangles, text)
        assert np.allclose(read_stl(path), triangles, atol=1e-6)
        whole = path.read_bytes()
        for length in (0, 10, 83, len(whole) // 2):
            path.write_bytes(whole[:length])
            with pytest.raises(FileFormatError):
                read_stl(path)
    triangles[0, 0, 0] = np.nan
    write_stl(path, triangles)
    with pytest.raises(FileFormatError, match="finite"):
        read_stl(path)
