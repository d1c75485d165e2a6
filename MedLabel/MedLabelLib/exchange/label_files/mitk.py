"""Reading MITK's labels: label stacks (``.mitklabel.json``) and multilabel NRRD files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...model.errors import FileFormatError
from ..formats.mitk import CLASS, STACK
from .label_file import FoundLabel, LabelFile
from .layered_image import LayeredImage
from .nrrd_header import read_nrrd_header

MULTILABEL = "org.mitk.multilabel.segmentation"


def read_mitk(path: str | Path) -> LabelFile:
    """The labels of a label stack, or of a multilabel NRRD, in the order of their values.

    Raises FileFormatError when it is none or damaged; OSError.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".json":
            labels, grid = _stack(path)
        else:
            labels, grid = _multilabel(path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileFormatError(
            f"what it says of its labels is damaged ({type(error).__name__}: {error})", path
        ) from error
    labels.sort(key=lambda label: label.value)
    return LabelFile(path, "MITK label stack", tuple(labels), grid=grid)


def _stack(path: Path):
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.get("type") != STACK:
        raise FileFormatError("it is no label stack of MITK's", path)
    images: dict[str, LayeredImage] = {}

    def image(name: str) -> LayeredImage:
        # a file of the stack lies beside it
        if name not in images:
            place = path.parent / name
            if path.parent.resolve() not in place.resolve().parents or not place.is_file():
                raise FileFormatError(f"its image {name!r} is not beside it", path)
            images[name] = LayeredImage.read(place)
        return images[name]

    labels, grid = [], None
    for group in data["groups"]:
        for label in group["labels"]:
            own = label.get("_file")
            found = image(own or group["_file"])
            value = int(label.get("_file_value", label["value"])) if own else int(label["value"])
            labels.append(_label(label, found.carry(0, value)))
            grid = found.geometry
    return labels, grid


def _multilabel(path: Path):
    pairs = read_nrrd_header(path).pairs
    if pairs.get("modality") != MULTILABEL:
        raise FileFormatError("it is no multilabel segmentation of MITK's", path)
    groups = json.loads(pairs[f"{MULTILABEL}.labelgroups"])
    image = LayeredImage.read(path, "NrrdImageIO")
    labels = []
    for layer, group in enumerate(groups):
        inside = group["labels"] if isinstance(group, dict) else group
        labels += [_label(label, image.carry(layer, int(label["value"]))) for label in inside or ()]
    return labels, image.geometry


def _label(label: dict[str, Any], carry) -> FoundLabel:
    name = str(label["name"])
    class_name = str(label.get(CLASS) or name)
    return FoundLabel(name, class_name, _color(label.get("color")), int(label["value"]), carry=carry)


def _color(value: Any) -> str | None:
    """Three numbers, whole ones to 255 or fractions to 1, in a property of MITK's or not."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, list) or len(value) != 3:
        return None
    parts = [part if isinstance(part, int) else round(255 * float(part)) for part in value]
    return "#{:02X}{:02X}{:02X}".format(*(min(255, max(0, part)) for part in parts))
