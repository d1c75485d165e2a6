"""Random labels, and random edits of them, for tests of merging and of stores."""

from __future__ import annotations

import numpy as np

from MedLabelLib.model.annotation import Annotation, LabelObject, PlaneFigure, Tag
from MedLabelLib.model.box import Box
from MedLabelLib.model.definitions import Definitions, LabelClass, TagDefinition
from MedLabelLib.model.figures import Bitmap, Polygon, Rectangle
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelSyncLib.content import Content, content_of, mask_reader
from MedLabelSyncLib.merge.merge import Side

SHAPE = (6, 5, 4)
KINDS = ("add", "remove", "paint", "paint", "class", "tag", "figure", "unfigure", "volume")
DEFINITIONS = Definitions(
    (LabelClass("tumour"), LabelClass("node", color="#56B4E9")),
    (TagDefinition("solid"), TagDefinition("stage", "any_string")),
)


def random_labels(random: np.random.Generator, shape: tuple[int, int, int] = SHAPE) -> Annotation:
    annotation = Annotation(shape)
    for _ in range(int(random.integers(1, 4))):
        edit_labels(random, annotation, kinds=("add",))
    for _ in range(int(random.integers(0, 4))):
        edit_labels(random, annotation)
    return annotation


def edit_labels(
    random: np.random.Generator,
    annotation: Annotation,
    kinds: tuple[str, ...] = (
        "add",
        "remove",
        "paint",
        "paint",
        "class",
        "tag",
        "figure",
        "unfigure",
        "volume",
    ),
) -> None:
    """One random change, in place."""
    kind = str(random.choice(kinds))
    if kind == "add" or not annotation.objects:
        entry = LabelObject(str(random.choice(["tumour", "node"])), random.bytes(16).hex())
        entry.mask = Mask.from_array(random.random(annotation.shape) < 0.3)
        entry.mask_key = random.bytes(16).hex()
        annotation.objects.insert(int(random.integers(len(annotation.objects) + 1)), entry)
        return
    entry = annotation.objects[int(random.integers(len(annotation.objects)))]
    if kind == "remove":
        annotation.objects.remove(entry)
        annotation.figures = [figure for figure in annotation.figures if figure.object_key != entry.key]
    elif kind == "paint":
        start = tuple(int(random.integers(n)) for n in annotation.shape)
        stop = tuple(int(random.integers(a, n)) + 1 for a, n in zip(start, annotation.shape, strict=True))
        box = Box(start, stop)
        entry.mask = Mask(annotation.shape) if entry.mask is None else entry.mask.copy()
        entry.mask_key = entry.mask_key or random.bytes(16).hex()
        entry.mask.write(box, np.full(box.shape, random.random() < 0.5))
    elif kind == "class":
        entry.class_name = "node" if entry.class_name == "tumour" else "tumour"
    elif kind == "tag":
        entry.tags = _with_tag(random, entry.tags)
    elif kind == "volume":
        annotation.tags = _with_tag(random, annotation.tags)
    elif kind == "figure":
        key = entry.key[:31] + str(int(random.integers(3)))
        annotation.figures = [figure for figure in annotation.figures if figure.key != key]
        annotation.figures.append(_figure(random, entry.key, key))
    elif annotation.figures:
        del annotation.figures[int(random.integers(len(annotation.figures)))]


def _with_tag(random: np.random.Generator, tags: list[Tag]) -> list[Tag]:
    kept = [tag for tag in tags if random.random() < 0.5]
    name, value = [("solid", None), ("stage", "T1"), ("stage", "T2")][int(random.integers(3))]
    return [*(tag for tag in kept if tag.name != name), Tag(name, value, random.bytes(16).hex())]


def _figure(random: np.random.Generator, object_key: str, key: str) -> PlaneFigure:
    corner = (float(random.integers(1, 4)), float(random.integers(1, 4)))
    shape = [
        Rectangle(((0.0, 0.0), corner)),
        Polygon(((0.0, 0.0), (corner[0], 0.0), corner)),
        Bitmap((0, 1), np.ones((int(corner[1]), int(corner[0])), bool)),
    ][int(random.integers(3))]
    return PlaneFigure(object_key, Plane.AXIAL, int(random.integers(SHAPE[2])), shape, key)


def copy_of(annotation: Annotation) -> Annotation:
    """Labels whose change leaves the original alone."""
    content, masks = content_of(annotation, DEFINITIONS)
    made = content.annotation(lambda digest: masks[digest].copy())
    made.key = annotation.key
    return made


def side(annotation: Annotation) -> Side:
    content, masks = content_of(annotation, DEFINITIONS)
    return Side(content, mask_reader(masks))


def label_sets(content: Content, read_mask, keys: list[str]) -> np.ndarray:
    """Boolean ``[object, i, j, k]``: which objects hold each voxel; nothing for one that is not there."""
    masks = {record["key"]: record["mask"] for record in content.objects}
    empty = np.zeros(content.shape, bool)
    return np.array(
        [empty if masks.get(key) is None else read_mask(masks[key]).full() > 0 for key in keys]
    ).reshape(len(keys), *content.shape)
