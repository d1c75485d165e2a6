"""A volume of a project whose objects Slicer's Segment Editor edits, and what is saved of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from ..model.errors import MedLabelError
from ..storage.session import VolumeSession
from ..storage.steps import SavedState
from ..storage.volume import Volume
from .compat import vtkSegmentation
from .scene_nodes import remove_node
from .segment_sync import SegmentSync
from .segmentation_node import SegmentationBinding
from .volume_node import add_volume_node

_CHANGES = (
    vtkSegmentation.SourceRepresentationModified,
    vtkSegmentation.SegmentAdded,
    vtkSegmentation.SegmentRemoved,
    vtkSegmentation.SegmentModified,
)


class EditedVolume:
    """One volume in a scene that is handed in: its scan, its objects as a segmentation, and its session.

    The segments are free to be edited by whatever works on the scene; :meth:`save` takes over what they
    have become. ``listen`` tells when what is saved has changed.
    """

    def __init__(self, scene, volume: Volume, author: str, face: str) -> None:
        """Read the volume and show it.

        Raises
        ------
        FileFormatError
            when a file of it is missing or damaged; the scene is as it was then.
        """
        self.volume = volume
        self.scene = scene
        self.notices: list[str] = []
        self._listeners: list[Callable[[], None]] = []
        self.closed = False
        self._touched = False
        self._quiet = False
        self._problem = ""
        image = volume.read_image()
        self.session = VolumeSession.open(volume, author, face)
        self.notices += self.session.notes
        self.volume_node = add_volume_node(scene, image, volume.name)
        self.binding = SegmentationBinding(scene, self.volume_node, image.geometry, f"{volume.name} labels")
        self.binding.show(self.session.annotation, volume.dataset.project.definitions)
        self.sync = SegmentSync(self.binding, self.session)
        self._segmentation = self.binding.segmentation
        self._observers = [self._segmentation.AddObserver(event, self._on_change) for event in _CHANGES]

    @property
    def read_only(self) -> str:
        """Why the volume may not be edited; empty when it may."""
        return self.session.read_only_reason

    @property
    def in_scene(self) -> bool:
        return bool(self._observers)

    @property
    def saved(self) -> SavedState:
        """What the user is told: segments that were touched since are not saved."""
        state = self.session.saved
        reason = self._problem or (self.read_only if self._touched else "")
        if reason or self._touched:
            return SavedState("not saved", state.at, reason or "there are changes")
        return state

    def listen(self, callback: Callable[[], None]) -> None:
        self._listeners.append(callback)

    def save(self) -> None:
        """Take over what the segments have become as one edit; the files follow at once, beside other work.

        ``notices`` then says what could not be taken over. Raises MedLabelError when the labels cannot be
        read from the scene or journalled, and :attr:`saved` says so; the segments stay as they are.
        """
        if self.read_only and not self._touched:
            return
        try:
            # a node that a scene has dropped still holds its segments
            if self.in_scene or self._touched:
                self._take_over()
            self._problem = ""
            # the edit is safe by now, and the files follow without making anyone wait
            self.session.save_soon()
        except MedLabelError as error:
            if self._touched:
                self._problem = error.reason
            raise
        finally:
            self._tell()

    def leave_scene(self) -> None:
        """Let the nodes go, which the scene is about to lose, and save.

        The edits are the session's by then: where writing them fails, :meth:`save` may be tried again.
        """
        if not self.in_scene:
            return
        try:
            self.save()
        finally:
            self._stop_observing()

    def close(self, discard: bool = False) -> None:
        """Save, and take the nodes out of the scene. When saving fails the volume stays open.

        With ``discard`` what the segments have become since the last save is given up.
        """
        if discard:
            self._touched, self._problem = False, ""
        else:
            try:
                self.save()
            except MedLabelError:
                if self._touched:
                    raise
                # the edit is in the journal, only the files lack: closing the session says so
        self._stop_observing()
        for node in (self.binding.node, self.volume_node):
            remove_node(self.scene, node)
        self.closed = True
        self.session.close()

    # -- inside ------------------------------------------------------------------------------------------

    def _stop_observing(self) -> None:
        for tag in self._observers:
            self._segmentation.RemoveObserver(tag)
        self._observers = []

    def _take_over(self) -> None:
        self._quiet = True
        try:
            self.notices = self.sync.commit().notices
        finally:
            self._quiet = False
        self._touched = False

    def _on_change(self, *_: object) -> None:
        if not self._quiet and not self._touched:
            self._touched = True
            self._tell()

    def _tell(self) -> None:
        for callback in list(self._listeners):
            callback()


def saved_text(state: SavedState, read_only: str = "", zone: tzinfo | None = None) -> str:
    """What a label says: ``saved at HH:MM``, ``NOT SAVED: reason``…, in local time (or in ``zone``)."""
    at = "" if state.at is None else f"{state.at.astimezone(zone):%H:%M}"
    if state.state == "saving":
        return "saving…"
    if state.state != "saved":
        return f"NOT SAVED: {state.reason or 'there are changes'}" + (at and f" (last saved at {at})")
    if read_only:
        return f"READ ONLY: {read_only}"
    return (f"saved at {at}" if at else "no changes") + (state.reason and f" ({state.reason})")
