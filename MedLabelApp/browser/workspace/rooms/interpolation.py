"""The Interpolate panel: proposals between the drawn slices, seen in all views before they are applied."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from MedLabelInterpolateLib.labels import SessionLabels
from MedLabelInterpolateLib.live import LiveInterpolation
from MedLabelInterpolateLib.live_worker import LiveWorker
from MedLabelInterpolateLib.methods import DEFAULT_METHOD, METHODS
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.steps import ReadOnlyError
from MedLabelLib.workspace.strokes import Stroke

from ..opening import Opened
from .room import Room

CLOSED: dict[str, Any] = {
    "open": False,
    "objects": [],
    "axis": "",
    "keys": [],
    "gaps": [],
    "next": None,
    "busy": False,
    "applying": False,
    "failure": "",
}


class InterpolationRoom(Room):
    name = "interpolation"
    state: ClassVar[dict[str, Any]] = {
        "ml_interp": CLOSED,
        "ml_interp_methods": [{"name": name, "title": METHODS[name].title} for name in METHODS],
        "ml_interp_method": DEFAULT_METHOD,
        "ml_interp_plane": "auto",
        "ml_interp_live": True,
        "ml_interp_caps": False,
    }
    offers = (
        "interp_open",
        "interp_objects",
        "interp_plane",
        "interp_method",
        "interp_live",
        "interp_caps",
        "interp_refresh",
        "interp_choose",
        "interp_next",
        "interp_follow",
        "interp_apply",
        "interp_cancel",
    )

    def __init__(self, app) -> None:
        super().__init__(app)
        self._live: LiveInterpolation | None = None
        self._worker: LiveWorker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False
        self._applying = False
        self._image = None

    def show(self, opened: Opened) -> None:
        self._loop = asyncio.get_running_loop()
        self._image = opened.image

    def changed(self, what: str) -> None:
        if what == "objects" and self._live is not None:
            self._show_rows()

    # -- from the page -----------------------------------------------------------------------------------

    def interp_open(self) -> dict:
        """Open the panel on the chosen object."""
        if self.workspace.selected is None:
            raise MedLabelError("Choose the object to interpolate, or add one and draw it on a few slices.")
        return self._begin([self.workspace.selected])

    def interp_objects(self, keys: list[str]) -> dict:
        """Interpolate these objects together, and not what was interpolated until now."""
        return self._begin(keys) if keys else self.interp_cancel()

    def interp_plane(self, plane: str) -> dict:
        self.page.ml_interp_plane = plane
        return self._begin([entry.key for entry in self._live.objects]) if self._live else {}

    def interp_method(self, method: str) -> None:
        self.page.ml_interp_method = method
        if self._live is not None:
            self._live.set_method(method)

    def interp_live(self, live: bool) -> None:
        self.page.ml_interp_live = live
        if self._live is not None:
            self._live.set_follows(live)

    def interp_caps(self, caps: bool) -> dict:
        self.page.ml_interp_caps = caps
        return self._begin([entry.key for entry in self._live.objects]) if self._live else {}

    def interp_refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def interp_choose(self, gap: str, choice: str) -> None:
        if self._live is not None:
            self._live.choose(gap, choice)

    def interp_follow(self, data: dict) -> None:
        """A stroke that is still being drawn."""
        self.workspace.follow(Stroke.from_json(data))

    def interp_next(self) -> dict:
        """Show the slice where a drawing would gain most."""
        found = self._live.next_slice() if self._live is not None else None
        if found is None:
            return {"error": "There is no slice left that a drawing would gain much on."}
        self.workspace.select(found.object_key)
        for name, view in self.workspace.views.items():
            if view.plane is found.plane:
                self.workspace.go(name, found.index)
        return {"plane": found.plane.value, "index": found.index}

    def interp_apply(self) -> dict:
        """Put the proposals into the labels; where they are still being made, as soon as they are."""
        if self._live is None:
            return {}
        if not self._live.is_ready and not self._worker.failure:
            self._applying = True
            self._show_rows()
            return {"waits": True}
        self._applying = False
        done = self._live.apply()
        self._end()
        return {"changed": sum(done.values())}

    def interp_cancel(self) -> dict:
        """End, and leave no trace."""
        self._end()
        return {}

    # -- inside ------------------------------------------------------------------------------------------

    def _begin(self, keys: list[str]) -> dict:
        session = self.workspace.session
        if session.read_only:
            raise ReadOnlyError(session.read_only_reason)
        chosen = self.page.ml_interp_plane
        live = LiveInterpolation(
            SessionLabels(session),
            self.workspace.geometry,
            self._image.array,
            keys,
            None if chosen == "auto" else Plane(chosen),
            self.page.ml_interp_method,
            self.page.ml_interp_caps,
            self.page.ml_interp_live,
        )
        self._stop()
        self._live, self._worker = live, LiveWorker(live)
        live.listen(self._on_live)
        self.workspace.show_preview(live)
        self._show_rows()
        return {"error": live.problem} if live.problem else {}

    def _end(self) -> None:
        self._stop()
        self.workspace.show_preview(None)
        self.page.ml_interp = CLOSED

    def _stop(self) -> None:
        if self._live is not None:
            self._live.close()
            self._worker.close()
        self._live, self._worker, self._applying = None, None, False

    def _on_live(self, _work: bool) -> None:
        """On the interpolation's thread: what it made is shown on the main one, many changes at once."""
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self._told = False
        if self._live is None:
            return
        with self.app.state:
            self.workspace.refresh_preview()
            self._show_rows()
            if self._applying and self._live.is_ready:
                try:
                    self.interp_apply()
                except MedLabelError as error:
                    self._applying = False
                    self.page.ml_interp = {**self.page.ml_interp, "failure": str(error)}

    def _show_rows(self) -> None:
        live = self._live
        if live is None:
            return
        found = live.next_slice()
        plane = live.plane
        failure = self._worker.failure if self._worker else ""
        self.page.ml_interp = {
            "open": True,
            "objects": [entry.key for entry in live.objects],
            "axis": plane.value if plane else "",
            "keys": sorted({index for entry in live.objects for index in entry.key_slices}),
            "gaps": [gap_row(each) for each in live.gaps],
            "next": found and {"plane": found.plane.value, "index": found.index},
            "busy": not live.is_ready,
            "applying": self._applying,
            "failure": failure or live.problem,
        }


def gap_row(live) -> dict[str, Any]:
    return {
        "id": live.id,
        "object": live.object_key,
        "from": live.gap.start,
        "to": live.gap.stop - 1,
        "choice": live.choice,
        "error": None if live.error is None else live.error.error,
        "made": live.made_by,
    }
