"""Objects, figures, tags and definitions as plain JSON records, the form in which edits are kept."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np

from .annotation import Annotation, LabelObject, PlaneFigure, Tag
from .definitions import Definitions, LabelClass, TagDefinition
from .errors import AnnotationError
from .figures import Bitmap, OpaqueShape, PlaneShape, Polygon, Rectangle
from .planes import Plane

Record = dict[str, Any]


def plain(value: Any) -> Any:
    """``value`` as JSON gives it back (tuples become lists). Raises AnnotationError when it is no JSON."""
    try:
        return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AnnotationError(f"this cannot be kept, as JSON has no form for it: {error}") from error


def tag_record(tag: Tag) -> Record:
    return plain({"key": tag.key, "name": tag.name, "value": tag.value, "extra": tag.extra})


def tag_from_record(record: Record) -> Tag:
    return Tag(record["name"], record["value"], record["key"], plain(record["extra"]))


def object_record(entry: LabelObject) -> Record:
    """Everything of an object but its mask's voxels."""
    return plain(
        {
            "key": entry.key,
            "class_name": entry.class_name,
            "tags": [tag_record(tag) for tag in entry.tags],
            "mask_key": entry.mask_key,
            "extra": entry.extra,
        }
    )


def fill_object(entry: LabelObject, record: Record) -> None:
    """Make an object what its record says; without a mask key it has no mask."""
    entry.key = record["key"]
    entry.class_name = record["class_name"]
    entry.tags = [tag_from_record(tag) for tag in record["tags"]]
    entry.mask_key = record["mask_key"]
    entry.extra = plain(record["extra"])
    if entry.mask_key is None:
        entry.mask = None


def object_from_record(record: Record) -> LabelObject:
    entry = LabelObject(record["class_name"])
    fill_object(entry, record)
    return entry


def figure_record(figure: PlaneFigure) -> Record:
    return plain(
        {
            "key": figure.key,
            "object_key": figure.object_key,
            "plane": figure.plane.value,
            "slice_index": figure.slice_index,
            "shape": _shape_record(figure.shape),
            "extra": figure.extra,
        }
    )


def figure_from_record(record: Record) -> PlaneFigure:
    return PlaneFigure(
        record["object_key"],
        Plane(record["plane"]),
        record["slice_index"],
        _shape_from_record(record["shape"]),
        record["key"],
        plain(record["extra"]),
    )


def tags_record(tags: list[Tag]) -> Record:
    return {"tags": [tag_record(tag) for tag in tags]}


def head_record(annotation: Annotation) -> Record:
    """What belongs to the annotation as a whole, beside its tags, objects and figures."""
    return plain({"key": annotation.key, "volume_meta": annotation.volume_meta, "extra": annotation.extra})


def class_record(entry: LabelClass) -> Record:
    return plain(vars(entry))


def class_from_record(record: Record) -> LabelClass:
    return LabelClass(**record)


def tag_definition_record(entry: TagDefinition) -> Record:
    return plain(vars(entry))


def tag_definition_from_record(record: Record) -> TagDefinition:
    return TagDefinition(**{**record, "values": tuple(record["values"]), "classes": tuple(record["classes"])})


def definitions_record(definitions: Definitions) -> Record:
    return {
        "classes": [class_record(entry) for entry in definitions.classes],
        "tags": [tag_definition_record(entry) for entry in definitions.tags],
        "extra": plain(definitions.extra),
    }


def definitions_from_record(record: Record) -> Definitions:
    return Definitions(
        tuple(class_from_record(entry) for entry in record["classes"]),
        tuple(tag_definition_from_record(entry) for entry in record["tags"]),
        plain(record["extra"]),
    )


def _shape_record(shape: PlaneShape) -> Record:
    if isinstance(shape, Bitmap):
        bits = zlib.compress(np.packbits(shape.pixels != 0).tobytes(), 6)
        return {
            "bitmap": base64.b64encode(bits).decode("ascii"),
            "size": list(shape.pixels.shape),
            "origin": [int(n) for n in shape.origin],
        }
    if isinstance(shape, Polygon):
        return {"exterior": shape.exterior, "interior": shape.interior}
    if isinstance(shape, Rectangle):
        return {"corners": shape.corners}
    return {"geometry_type": shape.geometry_type, "geometry": shape.geometry}


def _shape_from_record(record: Record) -> PlaneShape:
    if "bitmap" in record:
        rows, columns = record["size"]
        bits = np.frombuffer(zlib.decompress(base64.b64decode(record["bitmap"])), dtype=np.uint8)
        pixels = np.unpackbits(bits, count=rows * columns).reshape(rows, columns).astype(bool)
        return Bitmap(tuple(record["origin"]), pixels)
    if "exterior" in record:
        return Polygon(_points(record["exterior"]), tuple(_points(hole) for hole in record["interior"]))
    if "corners" in record:
        return Rectangle(_points(record["corners"]))
    return OpaqueShape(record["geometry_type"], plain(record["geometry"]))


def _points(points: list) -> tuple:
    return tuple(tuple(point) for point in points)
