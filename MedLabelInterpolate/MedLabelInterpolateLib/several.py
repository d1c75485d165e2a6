"""Several objects at once, which do not run into each other or over locked ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelLib.model.box import Box

from .methods import GapFill, interpolate
from .problem import Forbidden, Problem


def interpolate_several(
    problems: Mapping[str, Problem],
    method: str | None = None,
    caps: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, list[GapFill]]:
    """Fill all gaps of each object (by its key); no voxel is given to two of them.

    None takes what is drawn of another. A voxel that two fills want goes to the one in which it lies
    deeper, and to the first of them where it lies equally deep. Raises as
    :func:`~MedLabelInterpolateLib.methods.interpolate`.
    """
    apart = {
        key: replace(problem, forbidden=_also_forbidden(key, problem, problems))
        for key, problem in problems.items()
    }
    wanted = {key: problem.gaps(caps=caps) for key, problem in apart.items()}
    total, done = sum(map(len, wanted.values())), 0
    fills: dict[str, list[GapFill]] = {}
    for key, problem in apart.items():

        def step(number: int, _of: int, before: int = done) -> None:
            if progress is not None:
                progress(before + number, total)

        fills[key] = interpolate(problem, method, wanted[key], step, cancel)
        done += len(wanted[key])
    return keep_apart(fills, problems)


def keep_apart(
    fills: Mapping[str, list[GapFill]], problems: Mapping[str, Problem]
) -> dict[str, list[GapFill]]:
    """``fills`` with no voxel in two objects; see :func:`interpolate_several`."""
    result = {key: list(found) for key, found in fills.items()}
    for one, other in combinations(result, 2):
        spacing = problems[one].geometry.spacing
        for a, fill_a in enumerate(result[one]):
            for b in range(len(result[other])):
                fill_a, result[other][b] = _separate(fill_a, result[other][b], spacing)
            result[one][a] = fill_a
    return result


def _separate(a: GapFill, b: GapFill, spacing: tuple[float, float, float]) -> tuple[GapFill, GapFill]:
    common = a.box.intersection(b.box)
    if common.is_empty:
        return a, b
    in_a, in_b = common.within(a.box), common.within(b.box)
    both = a.voxels[in_a] & b.voxels[in_b]
    if not both.any():
        return a, b
    to_a = both & (_depth(a, spacing)[in_a] >= _depth(b, spacing)[in_b])
    return _without(a, in_a, both & ~to_a), _without(b, in_b, to_a)


def _depth(fill: GapFill, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """How deep each voxel lies in a fill, in mm, slice by slice (a gap's ends are no edge of the object)."""
    axis = fill.gap.plane.axis
    pad = [(0, 0) if a == axis else (1, 1) for a in range(3)]
    # slices so far apart that none sees its neighbour
    sampling = [1e6 if a == axis else s for a, s in enumerate(spacing)]
    depth = ndimage.distance_transform_edt(np.pad(fill.voxels, pad), sampling=sampling)
    return depth[tuple(slice(p[0], depth.shape[a] - p[1]) for a, p in enumerate(pad))]


def _without(fill: GapFill, cut: tuple[slice, slice, slice], taken: NDArray[np.bool_]) -> GapFill:
    voxels = fill.voxels.copy(order="F")
    voxels[cut] &= ~taken
    return replace(fill, voxels=voxels)


def _also_forbidden(key: str, problem: Problem, problems: Mapping[str, Problem]) -> Forbidden:
    others = [other for name, other in problems.items() if name != key]

    def forbidden(box: Box) -> NDArray[np.bool_]:
        result = np.zeros(box.shape, dtype=bool, order="F")
        if problem.forbidden is not None:
            result |= problem.forbidden(box)
        for other in others:
            result |= other.known(box) & other.mask.read(box)
        return result

    return forbidden
