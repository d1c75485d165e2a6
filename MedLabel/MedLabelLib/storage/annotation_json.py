"""``ann/<volume>.nrrd.json``: an annotation in Supervisely's form, without its masks' voxels."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.annotation import Annotation, LabelObject, PlaneFigure, Tag
from ..model.errors import AnnotationError, FileFormatError
from ..model.figures import Bitmap, OpaqueShape, PlaneShape, Polygon, Rectangle
from ..model.planes import Plane

_TAG_FIELDS = {"name", "value", "key"}
_OBJECT_FIELDS = {"key", "classTitle", "tags"}
_FIGURE_FIELDS = {"key", "objectKey", "geometryType", "geometry", "meta"}
_ANNOTATION_FIELDS = {"key", "volumeMeta", "tags", "objects", "planes", "spatialFigures"}
_NO_PLANE = {"sliceIndex": None, "planeName": None, "normal": None}


def annotation_to_json(annotation: Annotation) -> dict[str, Any]:
    """What the annotation's file holds. Masks stand as spatial figures that name their mask files."""
    return {
        **annotation.extra,
        "key": annotation.key,
        "volumeMeta": annotation.volume_meta,
        "tags": [tag_to_json(tag) for tag in annotation.tags],
        "objects": [object_to_json(entry) for entry in annotation.objects],
        "planes": _planes_to_json(annotation.figures),
        "spatialFigures": _spatial_to_json(annotation),
    }


def tag_to_json(tag: Tag) -> dict[str, Any]:
    return {**tag.extra, "name": tag.name, "value": tag.value, "key": tag.key}


def object_to_json(entry: LabelObject) -> dict[str, Any]:
    public = {name: value for name, value in entry.extra.items() if name != "maskFigure"}
    return {
        **public,
        "key": entry.key,
        "classTitle": entry.class_name,
        "tags": [tag_to_json(tag) for tag in entry.tags],
    }


def figure_to_json(figure: PlaneFigure) -> dict[str, Any]:
    kind, geometry = shape_to_json(figure.shape)
    return {
        **figure.extra,
        "key": figure.key,
        "objectKey": figure.object_key,
        "geometryType": kind,
        "geometry": geometry,
        "meta": {
            "sliceIndex": figure.slice_index,
            "planeName": figure.plane.value,
            "normal": figure.plane.normal,
        },
    }


def _planes_to_json(figures: list[PlaneFigure]) -> list[dict[str, Any]]:
    planes = []
    for plane in (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL):
        slices: dict[int, list] = {}
        for figure in figures:
            if figure.plane is plane:
                slices.setdefault(figure.slice_index, []).append(figure_to_json(figure))
        planes.append(
            {
                "name": plane.value,
                "normal": plane.normal,
                "slices": [{"index": index, "figures": slices[index]} for index in sorted(slices)],
            }
        )
    return planes


def _spatial_to_json(annotation: Annotation) -> list[dict[str, Any]]:
    figures = []
    for entry in annotation.objects:
        if entry.mask_key is None or entry.mask is None or entry.mask.box is None:
            continue
        figures.append(
            {
                **entry.extra.get("maskFigure", {}),
                "key": entry.mask_key,
                "objectKey": entry.key,
                "geometryType": "mask_3d",
                "geometry": {},
                "meta": dict(_NO_PLANE),
            }
        )
    # an object's first mask is the one that is edited, so that others come after it
    return figures + list(annotation.extra.get("spatialFigures", ()))


def shape_to_json(shape: PlaneShape) -> tuple[str, dict[str, Any]]:
    """A figure's shape as Supervisely's geometry type and geometry."""
    if isinstance(shape, OpaqueShape):
        return shape.geometry_type, shape.geometry
    if isinstance(shape, Bitmap):
        data = base64.b64encode(zlib.compress(_png(shape.pixels))).decode("ascii")
        return "bitmap", {"bitmap": {"origin": list(shape.origin), "data": data}}
    if isinstance(shape, Rectangle):
        return "rectangle", {"points": {"exterior": [list(p) for p in shape.corners], "interior": []}}
    return "polygon", {
        "points": {
            "exterior": [list(p) for p in shape.exterior],
            "interior": [[list(p) for p in hole] for hole in shape.interior],
        }
    }


def _png(pixels: NDArray[np.bool_]) -> bytes:
    from PIL import Image

    image = Image.fromarray(pixels.astype(np.uint8), mode="P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=0, optimize=False)
    return buffer.getvalue()


# -- reading -----------------------------------------------------------------------------------------------


def annotation_from_json(data: Any, shape: tuple[int, int, int]) -> Annotation:
    """The annotation in ``data``, for a volume of ``shape`` voxels; masks are named, not yet read.

    Raises
    ------
    FileFormatError
        where ``data`` is not a volume's annotation; the message says what is missing or wrong.
    """
    try:
        annotation = Annotation(
            shape=tuple(shape),
            volume_meta=data["volumeMeta"],
            tags=[tag_from_json(tag) for tag in data["tags"]],
            objects=[object_from_json(entry) for entry in data["objects"]],
            extra={name: value for name, value in data.items() if name not in _ANNOTATION_FIELDS},
        )
        if data.get("key"):
            annotation.key = data["key"]
        for plane in data["planes"]:
            annotation.figures.extend(_plane_from_json(plane))
        other = [f for f in data.get("spatialFigures") or () if not _take_mask_figure(annotation, f)]
    except KeyError as error:
        raise FileFormatError(f"the annotation has no {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"the annotation is damaged: {error}") from error
    except AnnotationError as error:
        raise FileFormatError(error.reason) from error
    if other:
        annotation.extra["spatialFigures"] = other
    return annotation


def _take_mask_figure(annotation: Annotation, data: dict[str, Any]) -> bool:
    """Hand a mask figure to its object; False for another kind of figure or an object's second mask."""
    owner = next((entry for entry in annotation.objects if entry.key == data["objectKey"]), None)
    if owner is None:
        raise AnnotationError(f"the figure {data['key']} belongs to no object")
    if data["geometryType"] != "mask_3d" or owner.mask_key is not None:
        return False
    owner.mask_key = data["key"]
    extra = {name: value for name, value in data.items() if name not in _FIGURE_FIELDS}
    if extra:
        owner.extra["maskFigure"] = extra
    return True


def tag_from_json(data: dict[str, Any]) -> Tag:
    tag = Tag(data["name"], data.get("value"), extra=_rest(data, _TAG_FIELDS))
    if data.get("key"):
        tag.key = data["key"]
    return tag


def object_from_json(data: dict[str, Any]) -> LabelObject:
    return LabelObject(
        class_name=data["classTitle"],
        key=data["key"],
        tags=[tag_from_json(tag) for tag in data.get("tags") or ()],
        extra=_rest(data, _OBJECT_FIELDS),
    )


def _plane_from_json(data: dict[str, Any]) -> list[PlaneFigure]:
    plane = Plane(data["name"])
    figures = []
    for slice_ in data["slices"]:
        for entry in slice_["figures"]:
            figures.append(figure_from_json(entry, plane, int(slice_["index"])))
    return figures


def figure_from_json(
    data: dict[str, Any], plane: Plane | None = None, slice_index: int | None = None
) -> PlaneFigure:
    """A figure on a slice; its place is that of the slice it stands in, or else the one in its meta."""
    meta = data.get("meta") or {}
    return PlaneFigure(
        object_key=data["objectKey"],
        plane=plane or Plane(meta["planeName"]),
        slice_index=int(meta["sliceIndex"]) if slice_index is None else slice_index,
        shape=shape_from_json(data["geometryType"], data.get("geometry") or {}),
        key=data["key"],
        extra=_rest(data, _FIGURE_FIELDS),
    )


def shape_from_json(kind: str, geometry: dict[str, Any]) -> PlaneShape:
    """A shape from Supervisely's geometry; kinds that MedLabel does not draw are kept as they are."""
    if kind == "bitmap":
        bitmap = geometry["bitmap"]
        column, row = bitmap["origin"]
        return Bitmap((int(column), int(row)), _pixels(bitmap["data"]))
    if kind == "polygon":
        points = geometry["points"]
        holes = tuple(tuple(map(tuple, hole)) for hole in points.get("interior") or ())
        return Polygon(tuple(map(tuple, points["exterior"])), holes)
    if kind == "rectangle":
        first, second = geometry["points"]["exterior"]
        return Rectangle((tuple(first), tuple(second)))
    return OpaqueShape(kind, geometry)


def _pixels(data: str) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(zlib.decompress(base64.b64decode(data))))
        image.load()
    except (OSError, zlib.error) as error:
        raise AnnotationError(f"a bitmap figure is damaged: {error}") from error
    array = np.array(image)
    if array.ndim == 3:
        array = array[..., 3] if array.shape[2] >= 4 else array.any(axis=2)
    return array != 0


def _rest(data: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in known}
