"""What a format has no place for, said to the user."""

from __future__ import annotations

from .label_item import VolumeLabels


def tell_losses(labels: VolumeLabels, lost: list[str], tags: bool = True, empty: bool = True) -> None:
    """Add sentences on what a format of masks cannot hold: figures, and ``tags`` and ``empty`` objects."""
    if empty:
        for item in labels.items:
            if item.is_empty:
                lost.append(f"{labels.label}: {item.title} has no mask, and so no file")
    of_volume = len(labels.annotation.tags)
    of_objects = sum(len(item.tags) for item in labels.items)
    count = of_volume + of_objects if tags else of_volume
    for number, what in ((len(labels.annotation.figures), "figures on slices"), (count, "tags")):
        if number:
            lost.append(f"{labels.label}: {number} {what} have no place in the format")
    others = len(labels.annotation.extra.get("spatialFigures", ()))
    if others:
        lost.append(f"{labels.label}: {others} meshes or further masks of another tool have no place in it")
