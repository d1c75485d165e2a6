"""How long status and push take: through a folder, and beside bare dicomweb-client on a DICOMweb server."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelLib.model.annotation import Annotation, LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.volumes.image import SourceRecord, VolumeImage
from MedLabelSyncLib.comparing import status
from MedLabelSyncLib.local import LocalState
from MedLabelSyncLib.pushing import push
from MedLabelSyncLib.stores.address import parse_address
from MedLabelSyncLib.stores.configured import ConfiguredStore
from MedLabelSyncLib.stores.dicomweb import DicomWebStore
from MedLabelSyncLib.stores.folder import FolderStore

TITLE = "sync, beside bare dicomweb-client where MEDLABEL_BENCH_DICOMWEB names a server"

SERVER = "MEDLABEL_BENCH_DICOMWEB"
SHAPE = (512, 512, 133)
OBJECTS = 88
MANY, FEW = 10_000, 300


def run(full: bool = False) -> Iterator[Row]:
    """``full``: 10,000 volumes in place of 300, whose making takes minutes."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _many(Path(folder) / "many", MANY if full else FEW)
        yield from _large(Path(folder) / "large")
    server = os.environ.get(SERVER, "")
    if server:
        yield from _queries(server)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _many(folder: Path, count: int) -> Iterator[Row]:
    project = Project.create(folder / "project", Definitions((LabelClass("tumour"),)))
    shape = (8, 8, 4)
    geometry = VolumeGeometry(shape, np.diag([1.0, 1.0, 2.0, 1.0]))
    for number in range(count):
        array = np.full(shape, number, np.int16, order="F")
        source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, shape))
        mask = Mask.from_box(shape, Box((1, 1, 1), (4, 4, 3)), np.ones((3, 3, 2), bool))
        annotation = Annotation(shape, objects=[LabelObject("tumour", mask=mask)])
        # the list of a dataset's volumes is read for each that is added: a dataset for each thousand
        if number % 1000 == 0:
            dataset = project.dataset(f"scans{number // 1000}", create=True)
        dataset.add_volume(f"v{number:05d}", VolumeImage(array, geometry, source, "CT"), annotation)
    store = FolderStore(folder / "store")
    store.create()
    volumes = list(project.volumes())
    with LocalState(project) as state:
        took = _timed(lambda: status(project, state, store, volumes))
        yield Row(f"status of {count} volumes that were never looked at", took, "s")
        took = _timed(lambda: push(project, state, store, volumes, "bench", "command"))
        yield Row(f"pushing {count} volumes", took, "s")
        status(project, state, store, volumes)
        took = _timed(lambda: status(project, state, store, list(project.volumes())))
        yield Row(f"status of {count} volumes, folder", took, "s", 5 * count / MANY)


def _large(folder: Path) -> Iterator[Row]:
    project = Project.create(folder / "project", Definitions((LabelClass("tumour"),)))
    geometry = VolumeGeometry(SHAPE, np.diag([0.8, 0.8, 2.5, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, SHAPE))
    random = np.random.default_rng(1)
    objects = []
    for _ in range(OBJECTS):
        size = random.integers(20, 90, 3)
        start = [int(random.integers(n - min(s, n - 1))) for n, s in zip(SHAPE, size, strict=True)]
        stop = [min(a + int(s), n) for a, s, n in zip(start, size, SHAPE, strict=True)]
        box = Box(tuple(start), tuple(stop))
        objects.append(LabelObject("tumour", mask=Mask.from_box(SHAPE, box, random.random(box.shape) < 0.9)))
    image = VolumeImage(np.zeros(SHAPE, np.int16, order="F"), geometry, source, "CT")
    volume = project.dataset("scans", create=True).add_volume(
        "scan", image, Annotation(SHAPE, objects=objects)
    )
    store = FolderStore(folder / "store")
    store.create()
    with LocalState(project) as state:
        took = _timed(lambda: push(project, state, store, [volume], "bench", "command"))
        yield Row(f"pushing {OBJECTS} objects of 512×512×133, folder", took, "s")
        took = _timed(lambda: push(project, state, store, [volume], "bench", "command"))
        yield Row("pushing them again", took, "s")


def _queries(server: str) -> Iterator[Row]:
    """What a search costs beyond the bare paged one, on a server that has revisions already."""
    from dicomweb_client.web import DICOMwebClient

    store = DicomWebStore(ConfiguredStore("bench", parse_address(f"dicomweb+{server}")), None)
    client = DICOMwebClient(server)

    def bare() -> None:
        offset = 0
        while page := client.search_for_instances(
            limit=500, offset=offset, search_filters={"Modality": "SR"}
        ):
            offset += len(page)

    ours = min(_timed(store.references) for _ in range(3))
    theirs = min(_timed(bare) for _ in range(3))
    yield Row("references of all scans, beside a bare paged search", ours / theirs, "×", 1.2)
