"""How the objects came about: in short for each, and slice by slice of the chosen one along the sliders."""

from __future__ import annotations

from typing import Any, ClassVar

from MedLabelLib.model.planes import Plane

from .room import Room


class ProvenanceRoom(Room):
    name = "provenance"
    state: ClassVar[dict[str, Any]] = {"ml_origins": {}, "ml_marks": {}}

    def __init__(self, app) -> None:
        super().__init__(app)
        self._is_stale = False
        self._known: dict[str, tuple[int, dict[str, str]]] = {}

    def changed(self, what: str) -> None:
        if what in ("objects", "mask"):
            self._is_stale = True

    def tick(self) -> None:
        """After the stroke is shown, so that nobody waits for it."""
        session = self.workspace.session
        if not self._is_stale or session is None:
            return
        self._is_stale = False
        keys = [entry.key for entry in self.workspace.objects]
        self.page.ml_origins = {key: self._origin(key) for key in keys}
        selected = self.workspace.selected
        self.page.ml_marks = (
            {}
            if selected is None
            else {
                plane.value: [
                    {
                        "first": item.first,
                        "last": item.last,
                        "kind": item.kind,
                        "text": _mark_text(plane, item),
                    }
                    for item in session.object_provenance(selected, plane).ranges
                ]
                for plane in Plane
            }
        )

    def _origin(self, key: str) -> dict[str, str]:
        """In short, and who set it last; worked out anew only when the object has changed."""
        session = self.workspace.session
        stamp = session.last_change(key)
        known = self._known.get(key)
        if known is None or known[0] != stamp:
            origin = session.object_provenance(key)
            when = origin.updated_at
            row = {
                "summary": origin.summary(),
                "last": origin.updated_by,
                "when": "" if when is None else round(when.timestamp()),
                "text": origin.text(first_slice=1),
            }
            self._known[key] = known = (stamp, row)
        return known[1]


def _mark_text(plane: Plane, item) -> str:
    return f"{plane.value} {item.text(first_slice=1)}"
