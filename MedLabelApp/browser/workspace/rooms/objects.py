"""The objects of the volume: their list, the chosen one, new ones."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.workspace.workspace import Workspace

from ..opening import Opened
from .room import Room


class ObjectsRoom(Room):
    name = "objects"
    panel = "Objects"
    state: ClassVar[dict[str, Any]] = {
        "ml_objects": [],
        "ml_classes": [],
        "ml_selected": "",
        "ml_new_class": "",
    }
    offers = ("select", "show_object", "new_object", "delete_object")

    def show(self, opened: Opened) -> None:
        if self.workspace.selected is not None:
            self.select(self.workspace.selected)

    def changed(self, what: str) -> None:
        if what in ("objects", "mask"):
            self.page.ml_objects = object_rows(self.workspace)
            self.page.ml_classes = class_rows(self.workspace)
            self.page.ml_selected = self.workspace.selected or ""

    def select(self, key: str) -> None:
        self.workspace.select(key or None)
        center = self.workspace.center_of(key) if key else None
        if center is not None:
            self.workspace.go_to(center)

    def show_object(self, key: str, visible: bool) -> None:
        self.workspace.set_visible(key, visible)

    def new_object(self, class_name: str) -> dict:
        return {"key": self.workspace.new_object(class_name.strip()).key}

    def delete_object(self, key: str) -> None:
        self.workspace.delete_object(key)


def object_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The panel's rows, in order."""
    rows = []
    for entry in workspace.objects:
        voxels = 0 if entry.mask is None else entry.mask.count
        rows.append(
            {
                "key": entry.key,
                "title": workspace.title(entry),
                "color": workspace.color(entry),
                "ml": f"{voxels * workspace.geometry.voxel_ml:.1f}",
                "voxels": voxels,
                "visible": entry.key not in workspace.hidden,
                "tags": [tag.name if tag.value is None else f"{tag.name} {tag.value}" for tag in entry.tags],
            }
        )
    return rows


def class_rows(workspace: Workspace) -> list[str]:
    """The names of the classes an object may be made of."""
    if workspace.session is None:
        return []
    definitions = workspace.session.volume.dataset.project.definitions
    return [entry.name for entry in definitions.classes if entry.shape in ("mask_3d", "any")]
