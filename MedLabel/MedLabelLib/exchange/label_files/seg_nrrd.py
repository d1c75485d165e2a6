"""Reading 3D Slicer's segmentation files, ``.seg.nrrd``."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

from ...model.colors import parse_color
from ...model.errors import AnnotationError, FileFormatError
from ..formats.seg_nrrd import CLASS, TAG_PREFIX
from .label_file import FoundLabel, LabelFile
from .layered_image import LayeredImage
from .nrrd_header import read_nrrd_header


def read_seg_nrrd(path: str | Path) -> LabelFile:
    """The segments of the file, in order. Raises FileFormatError when it is none or damaged; OSError."""
    path = Path(path)
    pairs = read_nrrd_header(path).pairs
    if "Segment0_ID" not in pairs:
        raise FileFormatError("it is no segmentation of Slicer's: it names no segments", path)
    image = LayeredImage.read(path, "NrrdImageIO")
    labels = []
    while f"Segment{len(labels)}_ID" in pairs:
        number = len(labels)

        def of(name: str, default: str = "", number: int = number) -> str:
            return pairs.get(f"Segment{number}_{name}", default)

        try:
            # older files have one component for each segment, as 0 and 1
            layer, value = int(of("Layer", str(number))), int(of("LabelValue", "1"))
            if not 0 <= layer < len(image):
                raise ValueError(f"layer {layer} of {len(image)}")
            color = _color(of("Color") or of("DefaultColor"))
        except (ValueError, AnnotationError) as error:
            raise FileFormatError(f"what it says of segment {number} is damaged ({error})", path) from error
        tags = dict(part.split(":", 1) for part in of("Tags").split("|") if ":" in part)
        name = of("Name") or of("ID")
        own = tuple(_tag(key, text) for key, text in tags.items() if key.startswith(TAG_PREFIX))
        class_name = unquote(tags.get(CLASS, "")) or name
        labels.append(FoundLabel(name, class_name, color, value, own, image.carry(layer, value)))
    return LabelFile(path, "seg.nrrd", tuple(labels), grid=image.geometry)


def _tag(key: str, text: str) -> tuple[str, str | float | None]:
    # a tag that is there several times is numbered
    name = unquote(key.removeprefix(TAG_PREFIX).partition("#")[0])
    return name, json.loads(unquote(text)) if text else None


def _color(text: str) -> str | None:
    parts = [float(part) for part in text.split()]
    if len(parts) != 3:
        return None
    return parse_color("#{:02X}{:02X}{:02X}".format(*(round(min(1.0, max(0.0, c)) * 255) for c in parts)))
