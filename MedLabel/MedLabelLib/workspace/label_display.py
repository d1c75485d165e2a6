"""How the labels look: shown at all, filled or outlined, how thick, how strong; in the slices and in 3D."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..model.box import Box
from .workspace import Workspace

WIDEST_LINE = 6


@dataclass
class LabelLook:
    """What the user chose: ``fill`` is filled labels' opacity, ``line`` the outline's width in pixels."""

    shown: bool = True
    filled: bool = True
    outlined: bool = True
    fill: float = 0.3
    line: int = 2

    def changed(self, **values: Any) -> LabelLook:
        """With other values, kept within what can be shown; unknown names and wrong types are left out."""
        known = asdict(self)
        for field in fields(self):
            value = values.get(field.name)
            if isinstance(value, bool) == isinstance(known[field.name], bool) and isinstance(
                value, int | float
            ):
                known[field.name] = type(known[field.name])(value)
        known["fill"] = min(max(known["fill"], 0.0), 1.0)
        known["line"] = min(max(known["line"], 1), WIDEST_LINE)
        return LabelLook(**known)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def show_labels(workspace: Workspace, look: LabelLook) -> None:
    """Let the labels of an open volume look so, in all slice views."""
    display = workspace.binding.node.GetDisplayNode()
    modified = display.StartModify()
    display.SetVisibility(look.shown)
    display.SetVisibility2DFill(look.filled)
    display.SetVisibility2DOutline(look.outlined)
    display.SetOpacity2DFill(look.fill)
    display.SetSliceIntersectionThickness(look.line)
    display.EndModify(modified)
    workspace.tell("display")


def objects_at(workspace: Workspace, ijk: tuple[int, int, int]) -> list[str]:
    """The titles of the visible objects in a voxel, the volume's order."""
    if not bool(workspace.geometry.contains(ijk)):
        return []
    box = Box(tuple(ijk), tuple(n + 1 for n in ijk))
    return [
        workspace.title(entry)
        for entry in workspace.objects
        if entry.key not in workspace.hidden and entry.mask is not None and entry.mask.read(box).any()
    ]
