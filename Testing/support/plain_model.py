"""What a session must be equal to: labels as plain arrays, with whole copies for undo."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from MedLabelLib.model.annotation import Annotation, LabelObject, PlaneFigure
from MedLabelLib.model.box import Box
from MedLabelLib.model.figures import Rectangle
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.session import VolumeSession

Action = tuple[str, dict[str, Any]]
CLASSES = ("tumour", "node")


class PlainModel:
    """Objects as ``[key, class, full mask]``, figures as ``key → (object, slice, corner)``."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.now: dict[str, Any] = {"objects": [], "figures": {}}
        self.past: list = []
        self.future: list = []

    def keys(self) -> list[str]:
        return [entry[0] for entry in self.now["objects"]]

    def change(self, after: dict[str, Any]) -> None:
        if not same(self.now, after):
            self.past.append(self.now)
            self.future.clear()
            self.now = after

    def do(self, action: Action) -> None:
        kind, what = action
        if kind == "undo":
            if self.past:
                self.future.append(self.now)
                self.now = self.past.pop()
            return
        if kind == "redo":
            if self.future:
                self.past.append(self.now)
                self.now = self.future.pop()
            return
        after = copy.deepcopy(self.now)
        if kind == "add":
            after["objects"].insert(what["at"], [what["key"], what["cls"], np.zeros(self.shape, bool)])
        elif kind == "remove":
            after["objects"] = [entry for entry in after["objects"] if entry[0] != what["key"]]
            after["figures"] = {k: f for k, f in after["figures"].items() if f[0] != what["key"]}
        elif kind == "class":
            next(entry for entry in after["objects"] if entry[0] == what["key"])[1] = what["cls"]
        elif kind == "figure":
            after["figures"][what["figure"]] = (what["key"], what["slice"], what["corner"])
        elif kind == "brush":
            mask = next(entry for entry in after["objects"] if entry[0] == what["key"])[2]
            mask[what["box"].slices] = what["voxels"]
        self.change(after)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        one["figures"] == other["figures"]
        and len(one["objects"]) == len(other["objects"])
        and all(
            a[:2] == b[:2] and np.array_equal(a[2], b[2])
            for a, b in zip(one["objects"], other["objects"], strict=True)
        )
    )


def plain(annotation: Annotation) -> dict[str, Any]:
    """An annotation in the model's form."""
    empty = np.zeros(annotation.shape, bool)
    return {
        "objects": [
            [entry.key, entry.class_name, empty if entry.mask is None else entry.mask.full() > 0]
            for entry in annotation.objects
        ],
        "figures": {
            figure.key: (figure.object_key, figure.slice_index, figure.shape.corners[1])
            for figure in annotation.figures
        },
    }


def do_in_session(session: VolumeSession, action: Action, edit_id: str | None = None) -> None:
    kind, what = action
    if kind == "undo":
        session.undo()
    elif kind == "redo":
        session.redo()
    else:
        with session.edit(kind, kind, edit_id) as edit:
            if kind == "add":
                edit.add_object(LabelObject(what["cls"], what["key"]), what["at"])
            elif kind == "remove":
                edit.remove_object(what["key"])
            elif kind == "class":
                edit.change_object(what["key"], class_name=what["cls"])
            elif kind == "figure":
                shape = Rectangle(((0.0, 0.0), what["corner"]))
                edit.put_figure(PlaneFigure(what["key"], Plane.AXIAL, what["slice"], shape, what["figure"]))
            else:
                edit.write_mask(what["key"], what["box"], what["voxels"])


def choose(random: np.random.Generator, model: PlainModel) -> Action:
    """Some action that the model allows now; the same generator gives the same."""
    keys = model.keys()
    kinds = ["add"] if len(keys) < 3 else []
    kinds += ["brush"] * 6 + ["undo", "undo", "redo", "figure", "class", "remove"] if keys else []
    kind = str(random.choice(kinds))
    if kind in ("undo", "redo"):
        return kind, {}
    if kind == "add":
        key = random.bytes(16).hex()
        return kind, {
            "key": key,
            "cls": str(random.choice(CLASSES)),
            "at": int(random.integers(len(keys) + 1)),
        }
    what: dict[str, Any] = {"key": str(random.choice(keys))}
    if kind == "class":
        what["cls"] = str(random.choice(CLASSES))
    elif kind == "figure":
        corner = (float(random.integers(1, 9)), float(random.integers(1, 9)))
        what |= {"figure": f"{int(random.integers(4)):032x}", "corner": corner}
        what["slice"] = int(random.integers(model.shape[2]))
    elif kind == "brush":
        start = tuple(int(random.integers(n)) for n in model.shape)
        stop = tuple(int(random.integers(a, n)) + 1 for a, n in zip(start, model.shape, strict=True))
        what["box"] = Box(start, stop)
        what["voxels"] = random.random(what["box"].shape) < random.choice([0.0, 0.5, 1.0])
    return kind, what
