"""How fast a live interpolation follows the brush: one key slice edited, the gaps beside it filled anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from MedLabelApp.bench.interpolation_cases import Structure, cases, structures
from MedLabelApp.bench.rows import Row
from MedLabelInterpolateLib.labels import Target
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelInterpolateLib.live_worker import QUICK
from MedLabelInterpolateLib.methods import DEFAULT_METHOD
from MedLabelLib.model.box import Box
from MedLabelLib.model.brush import brush_stroke
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane

TITLE = "a live interpolation that follows the brush"

DRAWING = "every 6th"
EDITS = 6
BRUSH_MM = 8.0
OBJECT = "object"


class DrawnLabels:
    """One object drawn on some axial slices, held in memory."""

    def __init__(self, mask: Mask, keys: tuple[int, ...]) -> None:
        self._mask, self._keys = mask, keys
        self.last_step = 0

    def keys(self) -> list[str]:
        return [OBJECT]

    def title(self, key: str) -> str:
        return key

    def mask(self, key: str) -> Mask:
        return self._mask

    def drawn(self, key: str, plane: Plane | None) -> dict[Plane, tuple[int, ...]]:
        return {Plane.AXIAL: self._keys}

    def locked(self) -> Collection[str]:
        return ()

    def listen(self, callback: Callable[[set[str]], None]) -> Callable[[], None]:
        return lambda: None

    def write(self, name: str, targets: Sequence[Target]) -> dict[str, int]:
        raise NotImplementedError("nothing is applied here")


def run(full: bool = False) -> Iterator[Row]:
    """``full``: every structure of the chest CT, else each sixth."""
    quick: list[float] = []
    rested: list[float] = []
    for structure in structures("chest CT", 1 if full else 6):
        for took_quick, took_rested in _edits(structure):
            quick.append(took_quick)
            rested.append(took_rested)
    yield Row(f"an edited key slice, {QUICK}, median of {len(quick)}", float(np.median(quick)), "ms")
    yield Row(f"an edited key slice, {QUICK}, 95th percentile", _p95(quick), "ms", 20)
    yield Row(f"… {DEFAULT_METHOD} once the brush rests, median", float(np.median(rested)), "ms")
    yield Row(f"… {DEFAULT_METHOD} once the brush rests, 95th percentile", _p95(rested), "ms", 150)


def _edits(structure: Structure) -> Iterator[tuple[float, float]]:
    """For each edit: ms until the proposal follows, and ms that the default method then takes."""
    random = np.random.default_rng(7)
    for case in cases(structure, (DRAWING,)):
        keys = case.problem.key_slices[Plane.AXIAL]
        mask = _only(structure.mask, keys)
        live = LiveInterpolation(
            DrawnLabels(mask, keys), structure.image.geometry, structure.image.array, [OBJECT]
        )
        live.compute()
        for number in range(EDITS):
            if not _stroke(mask, structure, keys[int(random.integers(len(keys)))], random, number % 2 == 0):
                continue
            begin = time.perf_counter()
            live.refresh()
            live.compute(QUICK, only_new=True)
            live.proposals()
            followed = time.perf_counter()
            live.compute()
            yield (followed - begin) * 1000, (time.perf_counter() - followed) * 1000
        live.close()


def _only(mask: Mask, keys: Sequence[int]) -> Mask:
    box = mask.box
    voxels = mask.read(box)
    voxels[:, :, [k - box.start[2] for k in range(*_span(box)) if k not in keys]] = False
    return Mask.from_box(mask.shape, box, voxels)


def _span(box: Box) -> tuple[int, int]:
    return box.start[2], box.stop[2]


def _stroke(mask: Mask, structure: Structure, key: int, random: np.random.Generator, add: bool) -> bool:
    """A dab of the brush or the eraser somewhere on the drawn slice; False where nothing is drawn there."""
    whole = Box((0, 0, key), (*mask.shape[:2], key + 1))
    inside = np.argwhere(mask.read(whole)[:, :, 0])
    if not len(inside):
        return False
    i, j = inside[int(random.integers(len(inside)))]
    box, voxels = brush_stroke(
        structure.image.geometry, Plane.AXIAL, key, [(i, j, key), (i + 6, j + 4, key)], BRUSH_MM
    )
    before = mask.read(box)
    after = before | voxels if add else before & ~voxels
    mask.write(box, after)
    return not np.array_equal(before, after)


def _p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))
