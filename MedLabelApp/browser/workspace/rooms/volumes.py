"""The project's volumes: the list, the way to the next one, and the state of the work on the open one."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from MedLabelLib.curation.filters import Filter
from MedLabelLib.curation.tag_rules import check_place, is_required
from MedLabelLib.curation.tagging import put_tag, remove_tag
from MedLabelLib.curation.work import STATUSES, change_work, work_of
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.errors import AnnotationError, MedLabelError, NotFoundError
from MedLabelLib.storage.session import VolumeSession

from ..opening import Opened
from ..volume_list import VolumeList
from .room import Room

FOLLOW_SECONDS = 1.0


class VolumesRoom(Room):
    name = "volumes"
    panel = "Volumes"
    state: ClassVar[dict[str, Any]] = {
        "ml_volumes": {"rows": [], "total": 0, "at": 0, "before": "", "after": ""},
        "ml_volumes_text": "",
        "ml_volumes_status": "",
        "ml_work": {"status": "", "assignee": "", "remark": "", "tags": []},
        "ml_statuses": list(STATUSES),
        "ml_volume_tags": [],
        "ml_new_tag": "",
        "ml_new_tag_value": "",
    }
    offers = ("set_work", "put_volume_tag", "remove_volume_tag")

    def __init__(self, app) -> None:
        super().__init__(app)
        self._list: VolumeList | None = None
        self._asked_at = 0.0

    def start(self) -> None:
        self.page.change("ml_volumes_text", "ml_volumes_status")(lambda **_: self._ask(follow=False))

    def show(self, opened: Opened) -> None:
        if opened.session is not None:
            volume = opened.session.volume
            self._list = VolumeList(volume.dataset.project, volume.label)
            self._ask(follow=True)

    def close(self) -> None:
        if self._list is not None:
            self._list.close()

    def changed(self, what: str) -> None:
        session = self.workspace.session
        if what in ("objects", "saved") and session is not None:
            self.page.ml_work = work_row(session)
            self.page.ml_volume_tags = tag_choices(session.volume.dataset.project.definitions)

    def tick(self) -> None:
        if self._list is None:
            return
        try:
            listed = self._list.collect()
        except MedLabelError as error:
            self.page.ml_note = str(error)
            return
        if listed is not None:
            self.page.ml_volumes = vars(listed)
        if not self._list.is_asking and time.monotonic() - self._asked_at > FOLLOW_SECONDS:
            self._ask(follow=True)

    def _ask(self, follow: bool) -> None:
        if self._list is None:
            return
        self._asked_at = time.monotonic()
        status = self.page.ml_volumes_status
        self._list.ask(
            Filter(text=self.page.ml_volumes_text or "", statuses=(status,) if status else ()), follow
        )

    # -- what the page asks for --------------------------------------------------------------------------

    def set_work(self, changes: dict[str, str]) -> None:
        """Status, assignee or remark, whichever is given."""
        change_work(self._session(), *(changes.get(name) for name in ("status", "assignee", "remark")))

    def put_volume_tag(self, name: str, value: str) -> None:
        put_tag(self._session(), name, value or None)

    def remove_volume_tag(self, name: str, value: str | None) -> None:
        remove_tag(self._session(), name, None if value is None else str(value))

    def _session(self) -> VolumeSession:
        if self.workspace.session is None:
            raise NotFoundError("the scan is in no project yet; its first label takes it into one")
        return self.workspace.session


def work_row(session: VolumeSession) -> dict[str, Any]:
    """The work on the open volume, and its tags."""
    tags = [{"name": tag.name, "value": tag.value} for tag in session.annotation.tags]
    return {**vars(work_of(session.annotation)), "tags": tags}


def tag_choices(definitions: Definitions) -> list[dict[str, Any]]:
    """The tags that a volume may carry, each with what its value may be."""
    rows = []
    for tag in definitions.tags:
        try:
            check_place(tag, None)
        except AnnotationError:
            continue
        rows.append(
            {
                "name": tag.name,
                "type": tag.value_type,
                "values": list(tag.values),
                "color": tag.color,
                "required": is_required(tag),
            }
        )
    return rows
