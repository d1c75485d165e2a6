"""How long the journal takes and how much room it needs, beside a whole snapshot for each edit."""

from __future__ import annotations

import resource
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
from MedLabelLib.storage.journal import entries
from MedLabelLib.storage.journal.coding import encode_voxels
from MedLabelLib.storage.journal.entries import NewEntry
from MedLabelLib.storage.journal.journal import Journal
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

TITLE = "the journal, beside a whole snapshot for each edit"

SHAPE = (512, 512, 133)
STROKES = 300
ENTRIES = 10_000
VOLUMES, ENTRIES_OF_EACH = 10_000, 100


def run(full: bool = False) -> Iterator[Row]:
    """``full``: a project of a million entries too."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _strokes(_volume(Path(folder) / "strokes", SHAPE))
        yield from _snapshots()
        yield from _long_history(_volume(Path(folder) / "history", (256, 256, 60)))
        if full:
            yield from _large_project(_volume(Path(folder) / "large", (64, 64, 20)))
    yield Row("peak memory of all this", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")


def _volume(folder: Path, shape: tuple[int, int, int]) -> Volume:
    project = Project.create(folder, Definitions((LabelClass("tumour"),)))
    geometry = VolumeGeometry(shape, np.diag([0.8, 0.8, 2.5, 1.0]))
    array = np.zeros(shape, np.int16, order="F")
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, shape))
    return project.dataset("scans", create=True).add_volume(
        "scan", VolumeImage(array, geometry, source, "CT")
    )


def _stroke(random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[Box, np.ndarray]:
    """A brush of radius 12 drawn along a curve of some 150 voxels on one axial slice."""
    span = 140
    plane = np.zeros((span, span), bool)
    disc = np.hypot(*np.mgrid[-12:13, -12:13]) <= 12
    angle = random.uniform(0, 2 * np.pi)
    for t in np.linspace(-1, 1, 150):
        i = int(69 + 55 * t * np.cos(angle) + 10 * np.sin(4 * t))
        j = int(69 + 55 * t * np.sin(angle) + 10 * np.cos(4 * t))
        i, j = min(max(i, 12), span - 13), min(max(j, 12), span - 13)
        plane[i - 12 : i + 13, j - 12 : j + 13] |= disc
    start = (
        int(random.integers(shape[0] - span)),
        int(random.integers(shape[1] - span)),
        int(random.integers(shape[2])),
    )
    return Box(start, (start[0] + span, start[1] + span, start[2] + 1)), plane[:, :, None]


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _strokes(volume: Volume) -> Iterator[Row]:
    random = np.random.default_rng(1)
    raw = float(np.prod(SHAPE))
    with VolumeSession.open(volume, "bench", "command", rest_seconds=1000) as session:
        with session.edit("New tumour") as edit:
            key = edit.add_object(LabelObject("tumour")).key

        def stroke() -> None:
            box, brush = _stroke(random, SHAPE)
            with session.edit("Brush", "brush") as edit:
                edit.write_mask(key, box, session.annotation.object(key).mask.read(box) | brush
                                if session.annotation.object(key).mask else brush)  # fmt: skip

        times = sorted(_timed(stroke) for _ in range(STROKES))
        yield Row("a brush stroke, median", times[STROKES // 2], "ms")
        yield Row("a brush stroke, 95th percentile", times[int(STROKES * 0.95)], "ms", 10)
        with session._journal.reading() as connection:
            sizes = [
                size for (size,) in connection.execute("SELECT length(ops) FROM entries WHERE ops NOTNULL")
            ]
        yield Row("a brush stroke, share of the mask's raw size", 100 * max(sizes) / raw, "%", 2)
        times = sorted(_timed(session.undo) for _ in range(100))
        yield Row("undo, 95th percentile", times[95], "ms", 30)
        yield Row("writing the files once editing rests", _timed(session.flush), "ms")


def _snapshots() -> Iterator[Row]:
    """What a tool does that keeps the whole mask for each edit, raw in memory or compressed."""
    mask = np.zeros(SHAPE, bool, order="F")
    mask[150:350, 180:330, 40:90] = True
    yield Row("a whole snapshot, copied in memory", _timed(mask.copy), "ms")
    yield Row("a whole snapshot, its size in memory", mask.nbytes / 1e6, "MB")
    yield Row("a whole snapshot, compressed", _timed(lambda: encode_voxels(mask)), "ms")


def _long_history(volume: Volume) -> Iterator[Row]:
    random = np.random.default_rng(2)
    with VolumeSession.open(volume, "bench", "command", rest_seconds=1000) as session:
        with session.edit("New tumour") as edit:
            key = edit.add_object(LabelObject("tumour")).key
        for number in range(ENTRIES):
            box, brush = _stroke(random, session.annotation.shape)
            with session.edit("Brush", "brush") as edit:
                edit.write_mask(key, box, brush if number % 3 else ~brush)
            if number % 500 == 499:
                session.flush()
    size = sum(path.stat().st_size for path in volume.dataset.project.private.rglob("*") if path.is_file())
    yield Row(f"the journal of {ENTRIES} strokes", size / 1e6, "MB")
    opened: list[VolumeSession] = []
    took = _timed(lambda: opened.append(VolumeSession.open(volume, "bench", "command")))
    yield Row(f"opening a volume of {ENTRIES} entries", took, "ms", 1000)
    yield Row("its history, listed", _timed(opened[0].history), "ms")
    took = _timed(lambda: opened[0].history(count=200))
    yield Row("its newest 200 steps, as the panels list them", took, "ms", 50)
    middle = opened[0].history()[ENTRIES // 2].id
    yield Row("a preview of its middle", _timed(lambda: opened[0].preview(middle)), "ms")
    opened[0].close()


def _large_project(volume: Volume) -> Iterator[Row]:
    project = volume.dataset.project
    VolumeSession.open(volume, "bench", "command").close()
    with Journal.open(project, "command", "bench") as journal, journal.writing() as connection:
        for number in range(VOLUMES):
            name, parent = f"{number:032x}", None
            for _ in range(ENTRIES_OF_EACH):
                new = NewEntry(name, "edit", "Brush", "bench", "command", "brush", ops=bytes(200))
                parent = entries.append(connection, new, parent).seq
            connection.execute("INSERT INTO volumes VALUES (?, 'scans', ?)", (name, f"v{number}.nrrd"))
    opened: list[VolumeSession] = []

    def open_it() -> None:
        opened.append(VolumeSession.open(next(Project.open(project.path).volumes()), "bench", "command"))

    total = VOLUMES * ENTRIES_OF_EACH
    yield Row(f"opening a project of {total} entries, and a volume of it", _timed(open_it), "ms", 1000)

    def edit_it() -> None:
        with opened[0].edit("New tumour") as edit:
            edit.add_object(LabelObject("tumour"))

    yield Row("an edit in it", _timed(edit_it), "ms", 10)
    opened[0].close()
