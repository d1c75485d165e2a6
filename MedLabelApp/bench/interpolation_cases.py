"""The cases of the benchmark of interpolation: structures of the demo scans, some of their slices drawn."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelApp.demo.fetch import fetch_source
from MedLabelApp.demo.sources import CH2, CHEST, RADIOMICS
from MedLabelInterpolateLib.distance_maps import signed_distance
from MedLabelInterpolateLib.problem import Problem
from MedLabelLib.exchange.label_image import LabelImage
from MedLabelLib.model.box import Box
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.volumes.image import VolumeImage
from MedLabelLib.volumes.reading import read_volume

DATASETS = ("chest CT", "brain MR", "lesions")

#: Which slices are drawn: every n-th; at random distances of 2 to 10; every 6th with a shaky hand.
DRAWINGS = ("every 4th", "every 6th", "every 10th", "uneven", "jittered")

#: A structure counts if it reaches over so many axial slices: two of every 10th are drawn.
_LEAST_SLICES = 12
_BRAIN_STRUCTURES, _OTHER_BRAIN_STRUCTURES = 30, 26

#: The image-guided method's network was fitted to each so many-th structure of the CT and of the atlas.
_FITTED_EVERY = 3
_PARTS = r"left|right|upper|lower|middle|[A-Z]?\d+"


@dataclass(frozen=True)
class Structure:
    """A labelled structure: its dataset, its name, the class it counts to, scan and mask.

    ``fitted`` says whether the image-guided method's network was fitted to it.
    """

    dataset: str
    name: str
    group: str
    image: VolumeImage
    mask: Mask
    fitted: bool = True


@dataclass(frozen=True)
class Case:
    """A structure of which some axial slices are drawn."""

    structure: Structure
    drawing: str
    problem: Problem


def structures(dataset: str, every: int = 1) -> Iterator[Structure]:
    """The structures of a dataset in order; with ``every`` only each n-th of them."""
    makers = {"chest CT": _chest, "brain MR": _brain, "lesions": _lesions}
    for number, structure in enumerate(makers[dataset]()):
        if number % every == 0:
            fitted = dataset == "lesions" or number % _FITTED_EVERY == 0
            yield replace(structure, fitted=fitted)


def other_brain_structures() -> Iterator[Structure]:
    """Labels of the atlas that are in no benchmark; the network was fitted to them too."""
    yield from _brain(others=True)


def _chest() -> Iterator[Structure]:
    files = fetch_source(CHEST).files
    with open(files["structures.csv"], encoding="utf-8") as table:
        names = {int(row["id"]): row["structure"] for row in csv.DictReader(table)}
    image = read_volume(files["cxr.nii.gz"])
    for value, mask in _masks(LabelImage.read(files["mask.nii.gz"])):
        name = names[value]
        yield Structure("chest CT", name, _group(name), image, mask)


def _group(name: str) -> str:
    """A structure's class: its name without side, part and number."""
    return "_".join(word for word in name.split("_") if not re.fullmatch(_PARTS, word))


def _brain(others: bool = False) -> Iterator[Structure]:
    files = fetch_source(CH2).files
    names = {}
    for line in filter(str.strip, files["aal.nii.txt"].read_text(encoding="utf-8").splitlines()):
        value, name, *_ = line.split()
        names[int(value)] = name
    image = read_volume(files["ch2.nii.gz"])
    found = list(_masks(LabelImage.read(files["aal.nii.gz"])))
    chosen = np.linspace(0, len(found) - 1, _BRAIN_STRUCTURES).astype(int)
    if others:
        chosen = np.setdiff1d(np.arange(len(found)), chosen)[::_FITTED_EVERY]
        chosen = chosen[np.linspace(0, len(chosen) - 1, _OTHER_BRAIN_STRUCTURES).astype(int)]
    for value, mask in (found[at] for at in chosen):
        yield Structure("brain MR", names[value], names[value].split("_")[0], image, mask)


def _lesions() -> Iterator[Structure]:
    files = fetch_source(RADIOMICS).files
    for name in ("lung2", "brain1"):
        labels = LabelImage.read(files[f"{name}_label.nrrd"])
        image = read_volume(files[f"{name}_image.nrrd"])
        yield Structure("lesions", name, name, image, Mask.from_array(labels.array))


def _masks(labels: LabelImage) -> Iterator[tuple[int, Mask]]:
    """Each label that reaches over enough slices, in order."""
    for number, found in enumerate(ndimage.find_objects(labels.array)):
        if found is not None and found[2].stop - found[2].start >= _LEAST_SLICES:
            box = Box(tuple(s.start for s in found), tuple(s.stop for s in found))
            yield number + 1, Mask.from_box(labels.array.shape, box, labels.array[found] == number + 1)


def cases(structure: Structure, drawings: tuple[str, ...] = DRAWINGS) -> Iterator[Case]:
    """The structure as drawn in each way; none where that draws fewer than two slices."""
    for drawing in drawings:
        keys = _key_slices(structure, drawing)
        if len(keys) >= 2:
            mask = _jittered(structure, keys) if drawing == "jittered" else structure.mask
            problem = Problem(structure.image.geometry, {Plane.AXIAL: keys}, mask, structure.image.array)
            yield Case(structure, drawing, problem)


def _random(structure: Structure, drawing: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"{structure.dataset} {structure.name} {drawing}".encode()))


def _key_slices(structure: Structure, drawing: str) -> tuple[int, ...]:
    """The first of them at random within a step of the structure's first slice; the last within it."""
    first, stop = structure.mask.box.start[2], structure.mask.box.stop[2]
    random = _random(structure, drawing)
    if drawing == "uneven":
        keys = first + int(random.integers(3)) + np.concatenate([[0], random.integers(2, 11, 200).cumsum()])
    else:
        step = {"every 4th": 4, "every 6th": 6, "every 10th": 10, "jittered": 6}[drawing]
        # at least two of them lie in the structure
        keys = np.arange(first + int(random.integers(min(step, max(1, stop - first - step)))), stop, step)
    return tuple(int(key) for key in keys if key < stop)


def _jittered(structure: Structure, keys: tuple[int, ...]) -> Mask:
    """The key slices as a shaky hand draws them: the outline is off by a wave of up to 2 voxels."""
    random, box = _random(structure, "jitter"), structure.mask.box
    start = tuple(max(0, a - 3) if axis < 2 else a for axis, a in enumerate(box.start))
    stop = tuple(
        min(n, b + 3) if axis < 2 else b
        for axis, (n, b) in enumerate(zip(structure.mask.shape, box.stop, strict=True))
    )
    box = Box(start, stop)
    voxels = structure.mask.read(box)
    for key in keys:
        drawn = voxels[:, :, key - start[2]]
        if drawn.any():
            shaken = signed_distance(drawn, (1.0, 1.0)) + _wave(random, drawn.shape)
            voxels[:, :, key - start[2]] = shaken > 0
    return Mask.from_box(structure.mask.shape, box, voxels)


def _wave(random: np.random.Generator, shape: tuple[int, int]) -> NDArray:
    wave = ndimage.gaussian_filter(random.normal(size=shape), 6.0, mode="wrap")
    return np.clip(1.25 * wave / wave.std(), -2, 2)
