"""A volume of a project whose objects Slicer's Segment Editor edits, and what is saved of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo

from ..model.edits import Change
from ..model.errors import MedLabelError
from ..model.planes import Plane
from ..storage.session import VolumeSession
from ..storage.steps import SavedState, Step
from ..storage.volume import Volume
from .compat import vtkSegmentation
from .effect_names import DoneBy
from .history_preview import HistoryPreview
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

    The segments are free to be edited by whatever works on the scene. Soon after it did, the face calls
    :meth:`journal`, and what the segments have become is a step of its own, named by the effect;
    ``on_touch`` tells the face of each change. Undo, redo and restore go through the journal, and the
    segments follow. ``listen`` tells when what is saved has changed.
    """

    def __init__(self, scene, volume: Volume, author: str, face: str, take_over: bool = False) -> None:
        """Read the volume and show it. ``take_over`` takes it from another session that edits it.

        Raises
        ------
        FileFormatError
            when a file of it is missing or damaged; the scene is as it was then.
        """
        self.volume = volume
        self.scene = scene
        self.notices: list[str] = []
        self.on_touch: Callable[[], None] = lambda: None
        self._listeners: list[Callable[[], None]] = []
        self.closed = False
        self._touched = False
        self._quiet = False
        self._problem = ""
        self._done_by = DoneBy()
        image = volume.read_image()
        self.session = VolumeSession.open(volume, author, face, take_over=take_over)
        self.notices += self.session.notes
        self.volume_node = add_volume_node(scene, image, volume.name)
        self.binding = SegmentationBinding(scene, self.volume_node, image.geometry, f"{volume.name} labels")
        self.binding.show(self.session.annotation, volume.dataset.project.definitions)
        self.sync = SegmentSync(self.binding, self.session)
        self.history = HistoryPreview(
            scene, self.volume_node, self.binding, self.session, segment_of=self.sync.segment_of
        )
        self._stop_listening = self.session.listen(self._follow)
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

    # -- the journal -------------------------------------------------------------------------------------

    def journal(self) -> None:
        """Make what effects have changed since a step of its own, named by the effect; cheap for one stroke.

        For soon after :attr:`on_touch`. What goes wrong is told by :attr:`saved` and ``notices``: the
        segments stay as they are, and the next call, or :meth:`save`, tries again.
        """
        if not self._touched or self.read_only or not self.in_scene:
            return
        try:
            self._take_over(touched_only=True)
            self._problem = ""
        except MedLabelError as error:
            self._problem = error.reason
        self._tell()

    def undo(self) -> Step | None:
        """Take the last step of the volume back, whichever face made it; None when there is none."""
        return self._move(self.session.undo)

    def redo(self) -> Step | None:
        return self._move(self.session.redo)

    def go_there(self) -> Step | None:
        """Restore the state that :attr:`history` shows, as a step."""
        return self._move(self.history.go_there)

    def bring_back(self, object_key: str) -> Step | None:
        """Restore one object alone from the state that :attr:`history` shows, as a step."""
        return self._move(lambda: self.history.bring_back(object_key))

    def show_earlier(self, entry: int) -> str:
        """Show in the views what going to an entry would change; returns it in words."""
        self.journal()
        self.history.show(entry)
        return self.history.sentence()

    def notice_takeover(self) -> bool:
        """Find out, cheaply, whether another session has the volume now; those who listen are told."""
        found = self.session.notice_takeover()
        if found:
            self._tell()
        return found

    def provenance_text(self, segment_id: str) -> str:
        """How the object of a segment came about, along each plane, and who set it last; a line for each."""
        key = self.sync.key_of(segment_id)
        if key is None:
            return ""
        origins = [self.session.object_provenance(key, plane) for plane in Plane]
        lines = [origin.summary() for origin in reversed(origins) if origin.ranges]
        if origins and origins[0].updated_at is not None:
            when = origins[0].updated_at.astimezone()
            lines.append(f"last set by {origins[0].updated_by}, {when:%Y-%m-%d %H:%M}")
        return "\n".join(lines)

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
        self._stop_listening()
        self.history.close()
        for node in (self.binding.node, self.volume_node):
            remove_node(self.scene, node)
        self.closed = True
        self.session.close()

    # -- inside ------------------------------------------------------------------------------------------

    def _stop_observing(self) -> None:
        for tag in self._observers:
            self._segmentation.RemoveObserver(tag)
        self._observers = []

    def _take_over(self, touched_only: bool = False) -> None:
        with self._undisturbed():
            self.notices = self.sync.commit(self._done_by, touched_only).notices
        self._touched = False

    def _move(self, move: Callable[[], Step | None]) -> Step | None:
        """What effects have changed is a step first, so that nothing is taken back but what is meant."""
        self.journal()
        try:
            return move()
        finally:
            self._tell()

    def _follow(self, changes: list[Change]) -> None:
        """The session's labels have changed; where that was not by the segments, they follow."""
        if not self._quiet:
            with self._undisturbed():
                self.sync.follow(changes)
            self._tell()

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Changes of the segments in the block are our own."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _on_change(self, *_: object) -> None:
        if self._quiet:
            return
        # now, for the effect may be another one when editing rests
        self._done_by = self._active_effect()
        if not self._touched:
            self._touched = True
            self._tell()
        self.on_touch()

    def _active_effect(self) -> DoneBy:
        """The effect that a Segment Editor of the scene has active on these segments, and its segment."""
        kind = "vtkMRMLSegmentEditorNode"
        for at in range(self.scene.GetNumberOfNodesByClass(kind)):
            node = self.scene.GetNthNodeByClass(at, kind)
            if node.GetSegmentationNode() is self.binding.node and node.GetActiveEffectName():
                return DoneBy(node.GetActiveEffectName(), node.GetSelectedSegmentID() or "")
        return DoneBy()

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
