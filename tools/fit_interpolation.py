"""Fit the network of the image-guided interpolation to the demo scans, and write its weights.

    .venv/bin/python tools/fit_interpolation.py

It sees the structures that ``MedLabelApp/bench/interpolation_cases.py`` marks as fitted to, and labels of the
brain atlas that the benchmark has not, as the benchmark draws them: every third structure of the chest CT and
of the benchmark's of the atlas, both demo lesions. No other scan is opened; the cases held out in the demo's
archives are not touched. The seed is fixed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from MedLabelApp.bench.interpolation_cases import (
    DATASETS,
    Case,
    Structure,
    cases,
    other_brain_structures,
    structures,
)
from MedLabelInterpolateLib.evidence import FEATURES, coarse, evidence
from MedLabelInterpolateLib.image_guided import WEIGHTS, clipped

HIDDEN = (24, 12)
EPOCHS = 25
SEED = 0

#: So many voxels of a gap are looked at; of the atlas's other labels, which are many, fewer.
_VOXELS, _VOXELS_OF_OTHERS = 250, 120

#: The atlas counts so much more; and no voxel more than so many times the mean.
_BRAIN, _MOST = 1.2, 20.0

Samples = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", nargs="?", type=Path, default=WEIGHTS, help="default: the shipped weights")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only each n-th structure, to try it"
    )
    wanted = parser.parse_args()
    fitted = [found for name in DATASETS for found in structures(name) if found.fitted]
    parts = [
        _samples(fitted[:: wanted.every], _VOXELS),
        _samples(list(other_brain_structures())[:: wanted.every], _VOXELS_OF_OTHERS),
    ]
    features, inside, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    print(f"{len(inside)} voxels")
    layers = _fitted(features, inside, weights)
    wanted.output.write_text(json.dumps({"features": list(FEATURES), "layers": layers}), encoding="utf-8")
    print(wanted.output)


def _samples(chosen: Iterable[Structure], most: int) -> Samples:
    """Features, truth and weight of some voxels of every gap and cap."""
    random = np.random.default_rng(SEED)
    found = [
        sample for structure in chosen for case in cases(structure) for sample in _of(case, most, random)
    ]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _of(case: Case, most: int, random: np.random.Generator) -> Iterator[Samples]:
    """A voxel's weight: its share of the undrawn object, so that it counts as it does in 1 − Dice."""
    problem, mask = case.problem, case.structure.mask
    undrawn = [index - mask.box.start[2] for gap in problem.gaps() for index in gap.slices]
    if not undrawn:
        return
    size = max(1, np.count_nonzero(mask.read(mask.box)[:, :, undrawn]))
    for gap in problem.gaps(caps=True):
        found = evidence(problem, gap)
        if found is None or not found.near.any():
            continue
        truth = np.moveaxis(mask.read(found.box), 2, 0).astype(np.float32)
        inside = (coarse(truth, found.factor) >= 0.5)[found.near]
        count = min(len(inside), most)
        at = random.choice(len(inside), count, replace=False)
        weight = len(inside) * found.factor**2 / count / size
        weight *= _BRAIN if case.structure.dataset == "brain MR" else 1.0
        yield found.features[at], inside[at], np.full(count, weight)


def _fitted(
    features: NDArray[np.float32], inside: NDArray[np.bool_], weights: NDArray[np.float64]
) -> list[dict[str, list]]:
    """The network's layers; the scaling of its inputs is folded into the first."""
    scaler = StandardScaler().fit(clipped(features))
    network = MLPClassifier(
        HIDDEN, alpha=1e-3, batch_size=1024, learning_rate_init=3e-3, max_iter=EPOCHS, random_state=SEED
    )
    with warnings.catch_warnings():
        # so many epochs are meant
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(
            scaler.transform(clipped(features)),
            inside,
            sample_weight=np.minimum(weights / weights.mean(), _MOST),
        )
    matrices, biases = list(network.coefs_), list(network.intercepts_)
    biases[0] = biases[0] - (scaler.mean_ / scaler.scale_) @ matrices[0]
    matrices[0] = matrices[0] / scaler.scale_[:, None]
    return [
        {"weights": [_short(row) for row in matrix], "bias": _short(bias)}
        for matrix, bias in zip(matrices, biases, strict=True)
    ]


def _short(values: NDArray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


if __name__ == "__main__":
    main()
