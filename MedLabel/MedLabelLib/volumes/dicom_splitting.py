"""Parting images that lie at the same places: the echoes, b-values or time points of one series."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from .dicom_header import DicomHeader
from .dicom_slices import SAME_PLACE_MM

# in the order in which a reader would name them
_TRAITS = (
    "b", "direction", "echo", "ti", "flip", "complex", "t", "trigger", "reference", "type", "kernel",
    "acquisition", *(f"dimension{at}" for at in range(1, 9)),
)  # fmt: skip


def split_images(images: Sequence[DicomHeader]) -> list[tuple[str, list[DicomHeader]]]:
    """The images parted so that, where their headers allow, each part has one image a place.

    All are of one size and orientation. Returns for each part the words that tell it from the others
    (``b1000``, ``echo2.3``; empty where there is one part) and its images in the order given.
    """
    parts = []
    for name, stack in _by_stack(images):
        heights = np.array([image.position for image in stack]) @ _normal(stack[0])
        parts += [
            ("-".join(filter(None, (name, more))), part) for more, part in _split(stack, _places(heights))
        ]
    return parts


def _by_stack(images: Sequence[DicomHeader]) -> list[tuple[str, list[DicomHeader]]]:
    """Stacks are apart by what DICOM means with them, whether their slices share places or not."""
    groups = defaultdict(list)
    for image in images:
        groups[image.traits.get("stack", "")].append(image)
    if len(groups) == 1:
        return [("", list(images))]
    return [(f"stack{number}", group) for number, group in enumerate(groups.values(), 1)]


def _normal(image: DicomHeader) -> np.ndarray:
    return np.cross(image.orientation[:3], image.orientation[3:])


def _places(heights: np.ndarray) -> list[int]:
    """A number for each image that is the same for images of one place."""
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order]) > SAME_PLACE_MM
    numbers = np.empty(len(heights), int)
    numbers[order] = np.concatenate([[0], np.cumsum(steps)])
    return numbers.tolist()


def _split(images: list[DicomHeader], places: list[int]) -> list[tuple[str, list[DicomHeader]]]:
    most = max(Counter(places).values())
    if most == 1:
        return [("", images)]
    for trait in _TRAITS:
        groups = _groups([_plain(image.traits.get(trait)) for image in images])
        # a trait that differs from slice to slice makes more groups than any place has images
        if 2 <= len(groups) <= most and _repeats(groups, places) < _repeats([range(len(images))], places):
            break
    else:
        trait = "t"
        groups = _by_time(images, places)
    if len(groups) < 2:
        return [("", images)]
    parts = []
    for number, members in enumerate(groups, 1):
        value = images[members[0]].traits.get(trait) if trait != "t" else number
        told = f"{trait}{value:g}" if isinstance(value, int | float) else f"{trait}{number}"
        inner = _split([images[at] for at in members], [places[at] for at in members])
        parts += [("-".join(filter(None, (told, more))), part) for more, part in inner]
    return parts


def _plain(value: object) -> Hashable:
    return round(value, 3) if isinstance(value, float) else value


def _groups(values: list[Hashable]) -> list[list[int]]:
    """Indices of equal values together, numbers in their order."""
    groups = defaultdict(list)
    for at, value in enumerate(values):
        groups[value].append(at)
    if all(isinstance(value, int | float) for value in groups):
        return [groups[value] for value in sorted(groups)]
    return list(groups.values())


def _repeats(groups: Sequence[Sequence[int]], places: list[int]) -> int:
    """How many images lie where another of their group does."""
    return sum(len(group) - len({places[at] for at in group}) for group in groups)


def _by_time(images: list[DicomHeader], places: list[int]) -> list[list[int]]:
    """Time points, where each place has as many images and only their times tell them apart."""
    at_place = defaultdict(list)
    for at, place in enumerate(places):
        at_place[place].append(at)
    counts = {len(members) for members in at_place.values()}
    if len(counts) != 1:
        return []
    groups: list[list[int]] = [[] for _ in range(counts.pop())]
    for members in at_place.values():
        times = [str(images[at].traits.get("time", "")) for at in members]
        if len(set(times)) != len(times):
            return []
        for group, (_, at) in zip(groups, sorted(zip(times, members, strict=True)), strict=True):
            group.append(at)
    return [sorted(group) for group in groups]
