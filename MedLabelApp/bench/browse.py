"""How long the table of a large project takes, beside reading every annotation anew."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelLib.curation.catalogue import Catalogue
from MedLabelLib.curation.filters import Filter
from MedLabelLib.curation.work import FIELD, STATUSES
from MedLabelLib.model.annotation import Annotation, LabelObject, Tag
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.annotation_json import annotation_to_json
from MedLabelLib.storage.project import Project
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

TITLE = "the table of a large project's volumes, beside reading every annotation"

VOLUMES, OBJECTS_OF_EACH = 10_000, 5
SHAPE = (4, 4, 4)
CLASSES = tuple(f"class {number}" for number in range(12))
FILTERS = {
    "a modality and a status": Filter(modalities=("CT",), statuses=("done",)),
    "a class": Filter(classes=("class 3",)),
    "a tag and its value": Filter(tags=("grade=7",)),
    "words": Filter(text="scan 99 class"),
    "all of these": Filter(
        "scan", modalities=("CT",), statuses=("done",), classes=("class 3",), tags=("seen",)
    ),
}
# a process of its own: what opening the page costs that finds the table made
_OPEN = """
import sys, time
from MedLabelLib.curation.catalogue import Catalogue
from MedLabelLib.storage.project import Project
begin = time.perf_counter()
catalogue = Catalogue(Project.open(sys.argv[1]))
catalogue.refresh()
assert catalogue.find(limit=100).total
catalogue.counts()
print((time.perf_counter() - begin) * 1000)
"""


def run(full: bool = False) -> Iterator[Row]:
    """A project of 10,000 volumes and 50,000 objects; there is no shorter one."""
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder) / "project")
        whole = _timed(lambda: _read_all(project))
        yield Row("every annotation read once", whole, "ms")
        catalogue = Catalogue(project)
        yield Row("the table made for the first time", _timed(catalogue.refresh), "ms")
        said = subprocess.run(
            [sys.executable, "-c", _OPEN, str(project.path)], capture_output=True, text=True, check=True
        )
        opened = float(said.stdout)
        yield Row("opening it: followed, first 100 rows, counts", opened, "ms", 1000)
        yield Row("the same beside reading every annotation", opened / whole, "×")
        for name, wanted in FILTERS.items():
            times = sorted(_timed(lambda wanted=wanted: catalogue.find(wanted, limit=100)) for _ in range(20))
            yield Row(f"filter by {name}, 95th percentile of 20", times[-2], "ms", 100)
        yield Row("sorted by who changed it, the last page", _timed(_last_page(catalogue)), "ms", 100)
        _touch(project)
        yield Row("one volume changed: followed", _timed(catalogue.refresh), "ms")
        catalogue.close()


def _last_page(catalogue: Catalogue) -> Callable[[], object]:
    return lambda: catalogue.find(sort="updated_by", descending=True, offset=VOLUMES - 100, limit=100)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _read_all(project: Project) -> None:
    for volume in project.volumes():
        volume.read_annotation(with_masks=False)


def _touch(project: Project) -> None:
    path = project.find_volume("scan 00000").annotation_path
    path.write_text(path.read_text() + "\n")


def _project(folder: Path) -> Project:
    """Volumes of one tiny scan, whose file they share; labels that differ in all that is filtered by."""
    definitions = Definitions(
        tuple(LabelClass(name) for name in CLASSES),
        (TagDefinition("grade", "any_string"), TagDefinition("seen")),
    )
    project = Project.create(folder, definitions)
    geometry = VolumeGeometry(SHAPE, np.diag([1.0, 1.0, 2.0, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, SHAPE))
    image = VolumeImage(np.zeros(SHAPE, np.int16, order="F"), geometry, source, "CT")
    dataset = project.dataset("scans", create=True)
    first = dataset.add_volume("first", image)
    meta = first.read_meta()
    for number in range(VOLUMES):
        objects = [
            LabelObject(
                CLASSES[(number * 7 + at * 5) % len(CLASSES)],
                tags=[Tag("grade", str(number % 50))] if at == 0 else [],
            )
            for at in range(OBJECTS_OF_EACH)
        ]
        annotation = Annotation(SHAPE, {**meta, "modality": ("CT", "MR", "PT")[number % 3]}, objects=objects)
        annotation.tags = [Tag("seen")] if number % 4 == 0 else []
        annotation.extra[FIELD] = {
            "status": STATUSES[number % len(STATUSES)],
            "assignee": f"person {number % 9}",
        }
        (dataset.path / "volume" / f"scan {number:05}.nrrd").hardlink_to(first.path)
        path = dataset.path / "ann" / f"scan {number:05}.nrrd.json"
        path.write_text(json.dumps(annotation_to_json(annotation)))
    return project
