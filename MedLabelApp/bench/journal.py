"""How long the journal takes and how much room it needs, beside a whole snapshot for each edit."""

from __future__ import annotations

import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.storage.following import bring_up_to_date
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
OBJECTS = 88
VOLUMES, ENTRIES_OF_EACH = 10_000, 100


def run(full: bool = False) -> Iterator[Row]:
    """``full``: a project of a million entries too."""
    with tempfile.TemporaryDirectory() as folder:
        # before what takes much memory at once, so that its growth is seen
        yield from _long_history(_volume(Path(folder) / "history", (256, 256, 60)))
        yield from _strokes(_volume(Path(folder) / "strokes", SHAPE))
        yield from _saving(_volume(Path(folder) / "saving", SHAPE))
        if full:
            yield from _large_project(_volume(Path(folder) / "large", (64, 64, 20)))
    yield Row("peak memory of all this", _peak(), "MB")


def _peak() -> float:
    """The most memory that the process had until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
        median = times[STROKES // 2]
        yield Row("a brush stroke, median", median, "ms")
        yield Row("a brush stroke, 95th percentile", times[int(STROKES * 0.95)], "ms", 10)
        with session._journal.reading() as connection:
            sizes = [
                size for (size,) in connection.execute("SELECT length(ops) FROM entries WHERE ops NOTNULL")
            ]
        yield Row("a brush stroke, share of the mask's raw size", 100 * max(sizes) / raw, "%", 2)
        undone = sorted(_timed(session.undo) for _ in range(100))
        yield Row("undo, 95th percentile", undone[95], "ms", 30)
        yield Row("writing the files once editing rests", _timed(session.flush), "ms")
        mask = session.annotation.object(key).mask.full().astype(bool)
    yield from _snapshots(mask, median, undone[50], float(np.mean(sizes)))


def _snapshots(mask: np.ndarray, stroke: float, undo: float, size: float) -> Iterator[Row]:
    """A whole snapshot for each edit, as Slicer's undo keeps it, beside the journal's figures (ms, bytes).

    In memory it is gone with the process; compressed is what keeping it on the disk would take at least.
    """
    copied = sorted(_timed(mask.copy) for _ in range(9))[4]
    compressed: list[bytes] = []
    packed = sorted(_timed(lambda: compressed.append(encode_voxels(mask)[1])) for _ in range(5))[2]
    target = np.zeros_like(mask)
    back = sorted(_timed(lambda: np.copyto(target, mask)) for _ in range(9))[4]
    yield Row("a whole snapshot, copied in memory", copied, "ms")
    yield Row("a whole snapshot, compressed, not yet written", packed, "ms")
    yield Row("a stroke beside a whole snapshot in memory: time", stroke / copied, "×")
    yield Row("a stroke beside a whole snapshot in memory: bytes", size / mask.nbytes, "×")
    yield Row("a stroke beside a compressed snapshot: time", stroke / packed, "×")
    yield Row("a stroke beside a compressed snapshot: bytes", size / len(compressed[0]), "×")
    yield Row("an undo beside copying a snapshot back: time", undo / back, "×")


def _saving(volume: Volume) -> Iterator[Row]:
    """How long an edit waits at most while the files of many objects are written beside it."""
    random = np.random.default_rng(3)
    grid = np.ogrid[-1:1:150j, -1:1:150j, -1:1:60j]
    organ = np.asfortranarray(sum(axis**2 for axis in grid) < 1)
    with VolumeSession.open(volume, "bench", "command", rest_seconds=1000) as session:
        with session.edit("Segment", "segment") as edit:
            for _ in range(OBJECTS):
                start = tuple(int(random.integers(n - m)) for n, m in zip(SHAPE, organ.shape, strict=True))
                key = edit.add_object(LabelObject("tumour")).key
                edit.write_mask(key, Box(start, tuple(np.add(start, organ.shape).tolist())), organ)
        keys = [entry.key for entry in session.annotation.objects]

        def stroke(key: str) -> None:
            box, brush = _stroke(random, SHAPE)
            with session.edit("Brush", "brush") as edit:
                edit.write_mask(key, box, brush)

        def hand(until: Callable[[], bool]) -> list[float]:
            """Strokes at the pace of a fast hand; how long each took, in ms, the shortest first."""
            times: list[float] = []
            while not until() or len(times) < 20:
                times.append(_timed(lambda: stroke(keys[len(times) % OBJECTS])))
                time.sleep(0.05)
            return sorted(times)

        quiet = hand(lambda: True)
        writer = threading.Thread(target=session.flush)
        began = time.perf_counter()
        writer.start()
        times = hand(lambda: not writer.is_alive())
        took = time.perf_counter() - began
        yield Row(f"writing the files of {OBJECTS} objects, in the background", took, "s")
        yield Row("the longest stroke with nothing beside it", quiet[-1], "ms")
        yield Row("the longest stroke while they are written", times[-1], "ms", 100)
        yield Row("the median stroke while they are written", times[len(times) // 2], "ms")


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
            if number == ENTRIES // 5:
                early = _peak()
        yield Row(f"memory grown over the last {ENTRIES * 4 // 5} strokes", _peak() - early, "MB", 50)
        yield Row("the same with a snapshot for each", ENTRIES * 4 / 5 * np.prod(SHAPE) / 1e6, "MB")
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
            connection.execute(
                "INSERT INTO files (volume, name, hash, seq) VALUES (?, 'annotation', ?, ?)",
                (name, bytes(32), parent),
            )
            (volume.annotation_path.parent / f"v{number}.nrrd.json").write_text(f'{{"key": "{name}"}}')
    opened: list[VolumeSession] = []

    def open_it() -> None:
        again = Project.open(project.path)
        bring_up_to_date(again, "command")
        opened.append(VolumeSession.open(again.find_volume("scans/scan"), "bench", "command"))

    total = VOLUMES * ENTRIES_OF_EACH
    yield Row(
        f"opening a project of {VOLUMES} volumes and {total} entries, and one volume",
        _timed(open_it),
        "ms",
        1000,
    )

    def edit_it() -> None:
        with opened[0].edit("New tumour") as edit:
            edit.add_object(LabelObject("tumour"))

    yield Row("an edit in it", _timed(edit_it), "ms", 10)
    opened[0].close()
