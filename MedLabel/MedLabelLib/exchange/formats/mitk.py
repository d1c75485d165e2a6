"""MITK's label stack: ``.mitklabel.json`` that describes label images beside it (version 3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ...model.geometry import VolumeGeometry
from ...storage.provenance import MANUAL
from .derived_uids import derived_uid
from .image_format import NRRD
from .label_item import LabelItem
from .label_layers import LabelLayers
from .verifying import write_verified

STACK = "org.mitk.multilabel.segmentation.stack"
CLASS = "MedLabel.Class"


def write_mitk(
    folder: Path, items: Sequence[LabelItem], layers: LabelLayers, geometry: VolumeGeometry
) -> list[Path]:
    """Write ``labels.mitklabel.json`` and an image for each layer, a group of MITK's. Returns the files."""
    files, groups = [folder / "labels.mitklabel.json"], []
    for number, layer in enumerate(layers.layers):
        path = folder / f"labels_Group_{number}.nrrd"
        write_verified(path, layer, geometry, NRRD)
        files.append(path)
        inside = [item for item, at in zip(items, layers.layer_of, strict=True) if at == number]
        groups.append({"_file": f"./{path.name}", "labels": [_label(item) for item in inside]})
    stack = {"version": 3, "type": STACK, "groups": groups}
    files[0].write_text(json.dumps(stack, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return files


def _label(item: LabelItem) -> dict:
    label = {
        "name": item.name,
        "value": item.value,
        "color": list(item.rgb),
        "opacity": 0.6,
        "locked": False,
        "visible": True,
        "tracking_id": item.title,
        "tracking_uid": derived_uid("object", item.key),
        CLASS: item.class_name,
    }
    if item.origin is not None:
        label["algorithm_type"] = item.origin.algorithm_type
        if item.origin.algorithm_type != MANUAL:
            label["algorithm_name"] = "|".join(item.origin.models) or "Interpolation between slices"
        if item.origin.text():
            label["description"] = item.origin.text()
    return label
