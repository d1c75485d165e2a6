"""Image-guided interpolation: the scan decides where the outline runs between the key slices.

Both outlines are carried through the gap by the motion of the scan from slice to slice. A small network
weighs these against the shape-based blend and against what the grey values on the key slices say
(:mod:`.evidence`), for each voxel near the outline. Its weights were fitted to a third of the structures
of the demo scans (``docs/interpolation.md``); it sees distances, likelihoods and no coordinates, and gives
the same for a gap looked at from its other end.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .crossing import correct_by_crossing_slices
from .evidence import BAND, FEATURES, Evidence, evidence
from .filling import Filling
from .gaps import Gap
from .problem import Problem

#: Made by ``tools/fit_interpolation.py``.
WEIGHTS = Path(__file__).with_name("image_guided_weights.json")

#: Features beyond this, in voxels, are taken as this.
_LIMIT = 40.0
_LIMIT_OF_WIDTH = 60.0

#: What the network says is smoothed by a Gaussian of so many voxels in the slice.
_SMOOTHING = 0.7


class ImageGuided:
    """See the module."""

    name = "image"
    title = "Image-guided"
    needs_image = True

    def fill(self, problem: Problem, gap: Gap) -> Filling | None:
        found = evidence(problem, gap)
        if found is None:
            return None
        voxel = min(problem.in_plane_spacing(gap.plane))
        odds = np.where(found.prior > 0, BAND, -BAND).astype(np.float32)
        odds[found.near] = np.clip(_log_odds(found.features), -BAND, BAND)
        # they are honest: each voxel is wrong with the probability of the less likely answer
        doubt = np.where(found.near, found.factor**2 / (1 + np.exp(np.abs(odds))), 0).sum(axis=(1, 2))
        field = _in_full(odds, found, gap)
        if problem.other_planes:
            field = correct_by_crossing_slices(problem, gap, found.box, field * np.float32(voxel))
        voxels = np.moveaxis(field > 0, 0, gap.plane.axis)
        return Filling(found.box, voxels, tuple(float(count) for count in doubt))


def _in_full(odds: NDArray[np.float32], found: Evidence, gap: Gap) -> NDArray[np.float32]:
    """The odds of every voxel of the box, smoothed."""
    width = found.factor * _SMOOTHING
    if found.factor > 1:
        odds = np.repeat(np.repeat(odds, found.factor, axis=1), found.factor, axis=2)
        rows, columns = (n for axis, n in enumerate(found.box.shape) if axis != gap.plane.axis)
        odds = odds[:, :rows, :columns]
    return ndimage.gaussian_filter(odds, (0, width, width), mode="nearest", truncate=2.5)


@cache
def network_layers(path: Path = WEIGHTS) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
    """Weights ``(inputs, outputs)`` and bias of each layer.

    Raises
    ------
    ValueError
        if the file is for other features than :data:`.evidence.FEATURES`.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    if tuple(stored["features"]) != FEATURES:
        raise ValueError(f"{path.name} is for other features than there are")
    return tuple(
        (np.array(layer["weights"], dtype=np.float32), np.array(layer["bias"], dtype=np.float32))
        for layer in stored["layers"]
    )


def clipped(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features as the network sees them, ``(n, len(FEATURES))``."""
    values = np.clip(features, -_LIMIT, _LIMIT)
    values[:, -1] = np.clip(features[:, -1], 0, _LIMIT_OF_WIDTH)
    return values


def _log_odds(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithm of the odds that each voxel belongs to the object, ``(n,)``."""
    values = clipped(features)
    *hidden, last = network_layers(WEIGHTS)
    for weights, bias in hidden:
        values = np.maximum(values @ weights + bias, 0)
    return (values @ last[0] + last[1])[:, 0]
