"""``meta.json`` of a project: classes and tags in Supervisely's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..model.definitions import Definitions, LabelClass, TagDefinition
from ..model.errors import FileFormatError, MedLabelError
from .atomic import json_bytes

_CLASS_FIELDS = {"title", "shape", "color", "description", "hotkey"}
_TAG_FIELDS = {"name", "value_type", "values", "color", "applicable_type", "classes", "hotkey"}
_META_FIELDS = {"classes", "tags", "projectType"}


def definitions_to_json(definitions: Definitions) -> dict[str, Any]:
    """What ``meta.json`` holds; fields that MedLabel does not use are kept."""
    return {
        **definitions.extra,
        "classes": [class_to_json(entry) for entry in definitions.classes],
        "tags": [tag_to_json(entry) for entry in definitions.tags],
        "projectType": "volumes",
    }


def class_to_json(entry: LabelClass) -> dict[str, Any]:
    return {
        "geometry_config": {},
        **entry.extra,
        "title": entry.name,
        "shape": entry.shape,
        "color": entry.color,
        "description": entry.description,
        "hotkey": entry.hotkey,
    }


def tag_to_json(entry: TagDefinition) -> dict[str, Any]:
    data = {
        **entry.extra,
        "name": entry.name,
        "value_type": entry.value_type,
        "color": entry.color,
        "applicable_type": entry.applicable_type,
        "classes": list(entry.classes),
        "hotkey": entry.hotkey,
    }
    if entry.value_type == "oneof_string":
        data["values"] = list(entry.values)
    return data


def definitions_from_json(data: Any) -> Definitions:
    """Raises FileFormatError where ``data`` is not what a volume project's ``meta.json`` holds."""
    if not isinstance(data, dict) or not isinstance(data.get("classes"), list):
        raise FileFormatError("meta.json has no list of classes")
    kind = data.get("projectType", "volumes")
    if kind != "volumes":
        raise FileFormatError(f"this is a Supervisely project of {kind}, not of volumes")
    try:
        return Definitions(
            tuple(class_from_json(entry) for entry in data["classes"]),
            tuple(tag_from_json(entry) for entry in data.get("tags") or ()),
            {name: value for name, value in data.items() if name not in _META_FIELDS},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"a class or tag in meta.json is incomplete: {error}") from error


def class_from_json(data: dict[str, Any]) -> LabelClass:
    return LabelClass(
        name=data["title"],
        shape=data["shape"],
        color=data["color"],
        description=data.get("description") or "",
        hotkey=data.get("hotkey") or "",
        extra={name: value for name, value in data.items() if name not in _CLASS_FIELDS},
    )


def tag_from_json(data: dict[str, Any]) -> TagDefinition:
    return TagDefinition(
        name=data["name"],
        value_type=data["value_type"],
        values=tuple(data.get("values") or ()),
        color=data["color"],
        applicable_type=data.get("applicable_type") or "all",
        classes=tuple(data.get("classes") or ()),
        hotkey=data.get("hotkey") or "",
        extra={name: value for name, value in data.items() if name not in _TAG_FIELDS},
    )


def definitions_bytes(definitions: Definitions) -> bytes:
    """The content of ``meta.json``."""
    return json_bytes(definitions_to_json(definitions))


def parse_definitions(content: bytes, path: Path) -> Definitions:
    """The definitions in the content of ``meta.json``. Raises FileFormatError naming ``path``."""
    try:
        return definitions_from_json(json.loads(content))
    except ValueError as error:
        raise FileFormatError(f"it cannot be read: {error}", path) from error
    except MedLabelError as error:
        raise FileFormatError(error.reason, path) from error


def read_definitions(path: Path) -> Definitions:
    """The definitions in ``meta.json``. Raises FileFormatError naming the file and what is wrong in it."""
    try:
        return parse_definitions(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise FileFormatError("there is no such file", path) from error
    except OSError as error:
        raise FileFormatError(f"it cannot be read: {error.strerror or error}", path) from error
