"""How well and how fast slices are filled between drawn ones, beside ITK's and Slicer's filters."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from MedLabelApp.bench.interpolation_cases import DATASETS, DRAWINGS, Case, Structure, cases, structures
from MedLabelApp.bench.interpolation_next import next_slice_rows
from MedLabelApp.bench.interpolation_peers import Peer, peers
from MedLabelApp.bench.interpolation_scores import Scores, score
from MedLabelApp.bench.rows import Row
from MedLabelApp.demo.errors import DemoSourceError
from MedLabelInterpolateLib.gaps import gaps_beside
from MedLabelInterpolateLib.methods import DEFAULT_METHOD, METHODS, fill_gap, filled_mask, interpolate
from MedLabelInterpolateLib.problem import Problem
from MedLabelLib.model.box import Box

TITLE = "filling between drawn slices, beside ITK's and Slicer's filters"

OURS = ("image", "shape")
_PART = 8


@dataclass
class Result:
    """What was measured of one case: scores between and beyond the drawn slices, seconds, by method."""

    case: Case
    between: dict[str, Scores] = field(default_factory=dict)
    beyond: dict[str, Scores] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    edit_seconds: dict[str, float] = field(default_factory=dict)


def run(full: bool = False) -> Iterator[Row]:
    """``full``: every structure; else each eighth, and the lesions."""
    filters = peers()
    results: list[Result] = []
    chosen: list[Structure] = []
    for dataset in DATASETS:
        found = _structures(dataset, 1 if full or dataset == "lesions" else _PART)
        yield Row(f"{dataset}: structures", len(found), "")
        chosen += found
        results += [_measured(case, filters) for structure in found for case in cases(structure)]
    names = [*OURS, *(peer.name for peer in filters)]
    results = [result for result in results if set(result.between) == set(names)]
    for dataset in DATASETS:
        yield from _quality_rows([r for r in results if r.case.structure.dataset == dataset], dataset, names)
    yield from _summary_rows(results, [peer.name for peer in filters])
    yield from _time_rows(results, filters)
    yield from next_slice_rows(chosen)
    for peer in filters:
        peer.close()


def _structures(dataset: str, every: int) -> list[Structure]:
    try:
        return list(structures(dataset, every))
    except DemoSourceError:
        return []  # the row says that there are none


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def _measured(case: Case, filters: list[Peer]) -> Result:
    result, problem = Result(case), case.problem
    gaps = problem.gaps(caps=True)
    inner = [index for gap in gaps if not gap.is_cap for index in gap.slices]
    outer = [index for gap in gaps if gap.is_cap for index in gap.slices]
    truth = case.structure.mask
    box = truth.box if problem.mask_box is None else truth.box.union(problem.mask_box)
    for name in OURS:
        result.seconds[name], fills = _timed(lambda name=name: interpolate(problem, name))
        fills = fills + [fill_gap(problem, gap, name) for gap in gaps if gap.is_cap]
        mask = filled_mask(problem, fills)
        whole = box if mask.box is None else box.union(mask.box)
        _put(result.between, name, case, whole, mask.read(whole), inner)
        _put(result.beyond, name, case, whole, mask.read(whole), outer)
        result.edit_seconds[name] = _edit_seconds(problem, name)
    for peer in filters:
        around, voxels = peer.fill(problem)
        whole = box.union(around)
        filled = np.zeros(whole.shape, dtype=bool)
        filled[around.within(whole)] = voxels
        _put(result.between, peer.name, case, whole, filled, inner)
        if case.drawing == "every 6th":
            labels = np.zeros(problem.geometry.shape, dtype=np.uint8, order="F")
            labels[around.slices] = problem.mask.read(around) & problem.known(around)
            result.seconds[peer.name], _ = _timed(lambda peer=peer, labels=labels: peer.fill_volume(labels))
    return result


def _put(
    into: dict[str, Scores], name: str, case: Case, box: Box, filled: NDArray[np.bool_], slices: list[int]
) -> None:
    inside = [index - box.start[2] for index in slices if box.start[2] <= index < box.stop[2]]
    truth = case.structure.mask.read(box)
    found = score(filled, truth, inside, case.problem.geometry.spacing) if inside else None
    if found is not None:
        into[name] = found


def _edit_seconds(problem: Problem, method: str) -> float:
    """How long the gaps beside the middle key slice take after an edit on it."""
    keys = problem.key_slices[problem.plane]

    def edit() -> None:
        edited = Problem(problem.geometry, problem.key_slices, problem.mask, problem.image)
        for gap in gaps_beside(edited.gaps(), problem.plane, keys[len(keys) // 2]):
            fill_gap(edited, gap, method)

    return _timed(edit)[0]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _quality_rows(results: list[Result], dataset: str, names: list[str]) -> Iterator[Row]:
    for drawing in DRAWINGS:
        of_drawing = [result for result in results if result.case.drawing == drawing]
        for name in names if of_drawing else ():
            missed = _mean([result.between[name].missed for result in of_drawing])
            yield Row(f"{dataset}, {drawing}: 1 − Dice, {_title(name)}", missed, "")
    for name in names if results else ():
        surface = _mean([result.between[name].surface for result in results])
        yield Row(f"{dataset}: surface Dice at 2 mm, {_title(name)}", surface, "")
        yield Row(f"{dataset}: HD95, {_title(name)}", _mean([r.between[name].hd95 for r in results]), "mm")
    for name in OURS:
        missed = [result.beyond[name].missed for result in results if name in result.beyond]
        if missed:
            yield Row(f"{dataset}, caps: 1 − Dice, {_title(name)}", _mean(missed), "")


def _summary_rows(results: list[Result], peer_names: list[str]) -> Iterator[Row]:
    if not results or not peer_names:
        return
    for drawings, limit in ((DRAWINGS, 0.7), *(((drawing,), None) for drawing in DRAWINGS)):
        some = [result for result in results if result.case.drawing in drawings]
        means = {name: _mean([r.between[name].missed for r in some]) for name in (*OURS, *peer_names)}
        better = min(means[name] for name in peer_names)
        what = "all" if limit else drawings[0]
        for name in OURS:
            yield Row(
                f"{what}: 1 − Dice, {_title(name)}, of the better peer's",
                means[name] / better,
                "×",
                limit if name == DEFAULT_METHOD else None,
            )
    for dataset in DATASETS:
        new = [r for r in results if r.case.structure.dataset == dataset and not r.case.structure.fitted]
        if new:
            mine = _mean([result.between[DEFAULT_METHOD].missed for result in new])
            best = min(_mean([result.between[name].missed for result in new]) for name in peer_names)
            what = f"{dataset}, structures it was not fitted to: 1 − Dice, {_title(DEFAULT_METHOD)}"
            yield Row(f"{what}, of the better peer's", mine / best, "×")
    groups = defaultdict(list)
    for result in results:
        groups[f"{result.case.structure.dataset}: {result.case.structure.group}"].append(result)
    worse = {}
    for group, some in groups.items():
        best = min(_mean([r.between[name].missed for r in some]) for name in peer_names)
        worse[group] = _mean([r.between[DEFAULT_METHOD].missed for r in some]) - best
    worst = max(worse, key=worse.get)
    yield Row(f"1 − Dice above the better peer's, worst class ({worst})", worse[worst], "", 0.01)


def _time_rows(results: list[Result], filters: list[Peer]) -> Iterator[Row]:
    limits = {"shape": (0.1, 20), "image": (1.0, 150)}
    whole = [result for result in results if filters and filters[0].name in result.seconds]
    for name in OURS:
        if whole:
            peer = filters[0].name
            mine = sum(result.seconds[name] for result in whole)
            yield Row(
                f"a whole object, {_title(name)}, of {peer} on the full volume",
                mine / sum(result.seconds[peer] for result in whole),
                "×",
                limits[name][0],
            )
        edits = [1000 * result.edit_seconds[name] for result in results]
        if edits:
            what = f"one edited key slice, {_title(name)}"
            yield Row(f"{what}, median", float(np.median(edits)), "ms")
            yield Row(f"{what}, 95th percentile", float(np.percentile(edits, 95)), "ms", limits[name][1])


def _title(name: str) -> str:
    return METHODS[name].title.lower() if name in METHODS else name
