"""What the page is told: plain rows made from the workspace."""

from __future__ import annotations

from typing import Any

import numpy as np

from MedLabelLib.workspace.slice_frame import screen_letters
from MedLabelLib.workspace.workspace import Workspace

SHOWN_STEPS = 200


def object_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The objects panel's rows, in order."""
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


def history_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The newest steps of the volume's history, newest first."""
    session = workspace.session
    entries = [] if session is None else session.history()[-SHOWN_STEPS:]
    return [
        {
            "id": entry.id,
            "name": entry.name,
            "author": entry.author,
            "face": entry.face,
            "when": round(entry.when.timestamp()),
            "undone": entry.undone,
        }
        for entry in reversed(entries)
    ]


def view_rows(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Each slice view's slice, letters, and ``matrix``: from fractions of the view (right, down) to IJK."""
    rows = {}
    for name, view in workspace.views.items():
        columns, height = view.node.GetDimensions()[:2]
        matrix = view.pixels_to_ijk() @ np.diag([columns, height, 1.0])
        rows[name] = {
            "plane": view.plane.value,
            "index": view.index,
            "count": view.count,
            "zoom": round(view.zoom * 100),
            "width": view.mm_per_pixel() * columns,
            "matrix": matrix.ravel().tolist(),
            "letters": screen_letters(view.plane),
        }
    return rows


def saved_row(workspace: Workspace) -> dict[str, Any]:
    """Whether the work is saved: the state, since when (seconds since 1970), and why not."""
    session = workspace.session
    if session is None:
        return {"state": "saved", "at": None, "reason": ""}
    saved = session.saved
    return {
        "state": saved.state,
        "at": None if saved.at is None else round(saved.at.timestamp()),
        "reason": saved.reason,
    }
