"""The workspace: a volume open in a MRML scene, its objects, a selection, and the tools that edit them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model.annotation import LabelObject
from ..model.brush import brush_stroke
from ..model.edits import Change
from ..model.errors import NotFoundError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from ..model.planes import Plane
from ..storage.project_journal import add_classes
from ..storage.session import ReadOnlyError, VolumeSession
from ..volumes.image import VolumeImage
from .history_preview import HistoryPreview
from .preview import PreviewProvider
from .preview_layer import PreviewLayer
from .scene_nodes import remove_node
from .segmentation_node import SegmentationBinding
from .slice_view import SliceViewState
from .strokes import Stroke
from .surfaces import Surfaces
from .volume_node import add_volume_node, get_window, set_window


class Workspace:
    """One volume at work in a scene that a face hands in.

    A face calls the methods and shows what they leave; ``listen`` tells it what changed: ``objects``
    (their list, names, selection, visibility), ``mask`` (voxels), ``views``, ``window``, ``saved``.
    ``history`` (an earlier state is shown, or no more), ``display`` (how labels are drawn).
    ``make_session`` is asked for a session at the first edit when the volume was opened without one.
    """

    def __init__(
        self,
        scene,
        image: VolumeImage,
        name: str,
        session: VolumeSession | None = None,
        make_session: Callable[[], VolumeSession] | None = None,
    ) -> None:
        self.scene = scene
        self.image = image
        self.name = name
        self.geometry: VolumeGeometry = image.geometry
        self.views: dict[str, SliceViewState] = {}
        self.selected: str | None = None
        self.hidden: set[str] = set()
        self.session: VolumeSession | None = None
        self.history: HistoryPreview | None = None
        self.preview: PreviewProvider | None = None
        self._preview_layer: PreviewLayer | None = None
        self._make_session = make_session
        self._listeners: list[Callable[[str], None]] = []
        self._stop_listening: Callable[[], None] = lambda: None
        self.volume_node = add_volume_node(scene, image, name)
        self.binding = SegmentationBinding(scene, self.volume_node, image.geometry, f"{name} labels")
        self.surfaces = Surfaces(scene, image.geometry)
        if session is not None:
            self._take(session)

    # -- telling -----------------------------------------------------------------------------------------

    def listen(self, callback: Callable[[str], None]) -> None:
        self._listeners.append(callback)

    def tell(self, what: str) -> None:
        for callback in list(self._listeners):
            callback(what)

    # -- views -------------------------------------------------------------------------------------------

    def add_view(self, name: str, slice_node, plane: Plane) -> SliceViewState:
        """Let the workspace drive a slice node of the scene."""
        view = SliceViewState(slice_node, self.geometry, plane)
        self.views[name] = view
        view.place()
        return view

    def go(self, view: str, index: int) -> None:
        if self.views[view].go(index):
            self.tell("views")

    def go_to(self, ijk: tuple[float, float, float]) -> None:
        """Show the slices through a voxel in every view."""
        for view in self.views.values():
            view.go(round(ijk[view.plane.axis]))
        self.tell("views")

    @property
    def window(self) -> tuple[float, float]:
        """(center, width)"""
        return get_window(self.volume_node)

    def set_window(self, center: float, width: float) -> None:
        set_window(self.volume_node, center, max(width, 1e-6))
        self.tell("window")

    def value_at(self, ijk: tuple[int, int, int]) -> float | None:
        """The scan's value in a voxel; None outside the volume."""
        if not bool(self.geometry.contains(ijk)):
            return None
        return self.image.array[tuple(int(n) for n in ijk)].item()

    # -- objects -----------------------------------------------------------------------------------------

    @property
    def objects(self) -> list[LabelObject]:
        return [] if self.session is None else self.session.annotation.objects

    def color(self, entry: LabelObject) -> str:
        definitions = self.session.volume.dataset.project.definitions
        return definitions.label_class(entry.class_name).color

    def new_object(self, class_name: str) -> LabelObject:
        """Add an object of a class and select it; an unknown class is made. Raises ReadOnlyError."""
        session = self._writable_session()
        add_classes(session.volume.dataset.project, {class_name: None}, session.author, session.face)
        added = LabelObject(class_name)
        with session.edit(f"New {class_name}", tool="objects") as edit:
            edit.add_object(added)
        self.select(added.key)
        return session.annotation.object(added.key)

    def delete_object(self, key: str) -> None:
        entry = self.object(key)
        with self._writable_session().edit(f"Delete {self.title(entry)}", tool="objects") as edit:
            edit.remove_object(key)

    def object(self, key: str) -> LabelObject:
        """Raises NotFoundError when there is none of this key."""
        if self.session is None:
            raise NotFoundError(f"there is no object {key} in the volume")
        return self.session.annotation.object(key)

    def title(self, entry: LabelObject) -> str:
        """``class #n``, as the screen says it."""
        return f"{entry.class_name} #{self.session.annotation.number(entry)}"

    def select(self, key: str | None) -> None:
        self.selected = None if key is None else self.object(key).key
        self.tell("objects")

    def set_visible(self, key: str, visible: bool) -> None:
        """Show or hide an object in all views."""
        self.object(key)
        if self.history is not None:
            self.history.cancel()
        (self.hidden.discard if visible else self.hidden.add)(key)
        self.binding.node.GetDisplayNode().SetSegmentVisibility(key, visible)
        self.surfaces.set_visible(key, visible)
        self.tell("objects")

    def center_of(self, key: str) -> tuple[int, int, int] | None:
        """A voxel of the object near its middle; None when it has none."""
        mask = self.object(key).mask
        box = None if mask is None else mask.box
        if box is None:
            return None
        inside = np.argwhere(mask.read(box))
        nearest = inside[np.argmin(((inside - inside.mean(axis=0)) ** 2).sum(axis=1))]
        return tuple(int(a + b) for a, b in zip(nearest, box.start, strict=True))

    # -- what is proposed ----------------------------------------------------------------------------------

    def show_preview(self, provider: PreviewProvider | None) -> None:
        """Show what a provider proposes and let tools edit it; None ends that and leaves no trace."""
        self.preview = provider
        if provider is None and self._preview_layer is not None:
            self._preview_layer.close()
            self._preview_layer = None
        self.refresh_preview()

    def refresh_preview(self) -> None:
        """Show the proposals anew, as they are now; called on the main thread."""
        if self.preview is not None:
            if self._preview_layer is None:
                name = f"{self.name} preview"
                self._preview_layer = PreviewLayer(self.scene, self.volume_node, self.geometry, name)
            there = {entry.key: entry for entry in self.objects}
            proposals = {key: mask for key, mask in self.preview.proposals().items() if key in there}
            wholes = {key: _joined(there[key].mask, mask) for key, mask in proposals.items()}
            self._preview_layer.show(proposals, wholes, {key: self.color(there[key]) for key in proposals})
        self.tell("preview")

    def collect_surfaces(self) -> bool:
        """Show the surfaces that are ready, the proposals' too; whether any were, or more are being made."""
        more = self.surfaces.collect()
        more = (self.history is not None and self.history.collect_surfaces()) or more
        return (self._preview_layer is not None and self._preview_layer.surfaces.collect()) or more

    # -- editing -----------------------------------------------------------------------------------------

    def draw(self, stroke: Stroke) -> int:
        """Draw a brush stroke into its object's mask; returns how many voxels changed.

        Raises ReadOnlyError, NotFoundError for an unknown object, GeometryError for a slice that is not.
        """
        entry = self.object(stroke.object_key)
        covered = brush_stroke(self.geometry, stroke.plane, stroke.index, stroke.path, stroke.radius)
        if covered is None:
            return 0
        box, voxels = covered
        if self.preview is not None:
            left = self.preview.draw(entry.key, box, voxels, stroke.mode == "add", stroke.id)
            taken = int(np.count_nonzero(voxels & ~left))
            if taken:
                self.refresh_preview()
            if not left.any():
                return taken
            voxels = left
        before = None if entry.mask is None else entry.mask.read(box)
        if stroke.mode == "add":
            after = voxels if before is None else before | voxels
        else:
            after = np.zeros_like(voxels) if before is None else before & ~voxels
        tool = "brush" if stroke.mode == "add" else "eraser"
        name = f"{tool.capitalize()} on {self.title(entry)}, {stroke.plane.value} {stroke.index + 1}"
        with self._writable_session().edit(name, tool=tool, edit_id=stroke.id) as edit:
            return edit.write_mask(entry.key, box, after)

    def follow(self, stroke: Stroke) -> None:
        """Let what is proposed follow a stroke that is still being drawn; nothing is changed by it."""
        if self.preview is None:
            return
        entry = self.object(stroke.object_key)
        covered = brush_stroke(self.geometry, stroke.plane, stroke.index, stroke.path, stroke.radius)
        if covered is not None:
            self.preview.hint(entry.key, *covered, stroke.mode == "add", stroke.id)

    def undo(self) -> str | None:
        if self.preview is not None and (name := self.preview.take_back()) is not None:
            self.refresh_preview()
            return name
        step = self._writable_session().undo()
        return None if step is None else step.name

    def redo(self) -> str | None:
        step = self._writable_session().redo()
        return None if step is None else step.name

    def take_over(self) -> None:
        """Edit the volume that another session has open; that one can only look from now on.

        Raises ReadOnlyError when it still may not be edited, for another reason.
        """
        old = self.session
        new = VolumeSession.open(old.volume, old.author, old.face, take_over=True)
        if new.read_only:
            new.close()
            raise ReadOnlyError(new.read_only_reason)
        self._stop_listening()
        self.history.close()
        before = {entry.key: entry.mask for entry in old.annotation.objects}
        old.close()
        if self.selected not in {entry.key for entry in new.annotation.objects}:
            self.selected = None
        for key in set(before) - {entry.key for entry in new.annotation.objects}:
            self.surfaces.remove(key)
        self._take(new)
        for entry in new.annotation.objects:
            if entry.key in before and entry.mask != before[entry.key]:
                self.binding.update(entry)
        for what in ("objects", "mask", "saved"):
            self.tell(what)

    def save(self) -> None:
        """Have the files written at once. The edits are saved already; the session says why files are not."""
        if self.session is not None:
            self.session.save_soon()
            self.tell("saved")

    def close(self) -> None:
        """Let the volume go: save, and take the nodes out of the scene."""
        self._stop_listening()
        self.show_preview(None)
        if self.history is not None:
            self.history.close()
        if self.session is not None:
            self.session.close()
        self.surfaces.close()
        for node in (self.binding.node, self.volume_node):
            remove_node(self.scene, node)

    # -- inside ------------------------------------------------------------------------------------------

    def _writable_session(self) -> VolumeSession:
        if self.session is None:
            if self._make_session is None:
                raise ReadOnlyError("the scan was opened to be looked at only")
            self._take(self._make_session())
        return self.session

    def _take(self, session: VolumeSession) -> None:
        self.session = session
        self._stop_listening = session.listen(self._on_changes)
        self.history = HistoryPreview(self.scene, self.volume_node, self.binding, session, self.surfaces)
        self.history.listen(self._on_history_preview)
        self.binding.show(session.annotation, session.volume.dataset.project.definitions)
        for entry in session.annotation.objects:
            self._request_surface(entry)
        if self.selected is None and session.annotation.objects:
            self.selected = session.annotation.objects[0].key

    def _on_history_preview(self) -> None:
        self.tell("history")
        self.tell("display")

    def _request_surface(self, entry: LabelObject) -> None:
        mask = entry.mask or Mask(self.geometry.shape)
        self.surfaces.request(entry.key, mask, self.color(entry), entry.key not in self.hidden)

    def _on_changes(self, changes: list[Change]) -> None:
        annotation = self.session.annotation
        if any(change.kind != "mask" for change in changes):
            gone = set(self.binding.keys) - {entry.key for entry in annotation.objects}
            for key in gone:
                self.surfaces.remove(key)
            if self.selected in gone:
                self.selected = annotation.objects[-1].key if annotation.objects else None
            self.binding.show(annotation, self.session.volume.dataset.project.definitions)
            self.tell("objects")
        for change in changes:
            if change.kind == "mask" and change.object_key in self.binding.keys:
                entry = annotation.object(change.object_key)
                self.binding.update(entry, change.box)
                self._request_surface(entry)
        self.tell("mask")
        self.tell("saved")


def _joined(mask: Mask | None, more: Mask) -> Mask:
    if mask is None:
        return more
    whole = mask.copy()
    box = more.box
    if box is not None:
        whole.write(box, whole.read(box) | more.read(box))
    return whole
