"""An earlier state of a volume, shown in the views before anything is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..model.box import Box
from ..model.edits import Change
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from ..storage.session import VolumeSession
from ..storage.steps import HistoryEntry, Step
from .compat import vtkMRMLScalarVolumeNode
from .history_difference import ObjectDifference, StateDifference, state_difference
from .overlay_node import OverlayNode
from .preview_layer import HATCH_STRIPES, hatch
from .segmentation_node import SegmentationBinding
from .surfaces import Surfaces


@dataclass(frozen=True)
class Look:
    """How one part is drawn: a colour, a pattern, opacities of the pattern and the outline, and of 3D."""

    color: str
    pattern: Callable[[Box, VolumeGeometry], np.ndarray] | None
    fill: float
    outline: float
    surface: float


def dots(box: Box, geometry: VolumeGeometry) -> np.ndarray:
    """Boolean ``[i, j, k]`` of a box: squares in mm, as fine as the hatch, in each of the three planes."""
    spacing = geometry.spacing
    extent = max(n * s for n, s in zip(geometry.shape, spacing, strict=True))
    side = max(extent / HATCH_STRIPES / 2, *spacing[:2])
    on = [
        (np.arange(a, b) * s // side % 2 == 0).astype(np.uint8)
        for a, b, s in zip(box.start, box.stop, spacing, strict=True)
    ]
    return np.asfortranarray(on[0][:, None, None] + on[1][None, :, None] + on[2][None, None, :] == 2)


# blue and vermilion are apart for all kinds of colour vision; the patterns tell them apart without colour
LOOKS = {
    "added": Look("#56B4E9", hatch, 0.75, 1.0, 0.85),
    "removed": Look("#D55E00", dots, 0.75, 1.0, 0.85),
    "kept": Look("#E6E6E6", None, 0.0, 0.6, 0.2),
}


@dataclass(frozen=True)
class Prepared:
    """What showing an entry needs, worked out beforehand."""

    entry: int
    newest: int
    difference: StateDifference


class HistoryPreview:
    """Shows what going to an entry of the history would change, and then goes there, or leaves no trace.

    Objects that would change are hidden and drawn by their parts instead: what is added, removed and kept.
    Any edit ends the preview, for it would no longer hold. ``listen`` tells when one begins or ends.
    """

    def __init__(
        self,
        scene,
        volume_node: vtkMRMLScalarVolumeNode,
        binding: SegmentationBinding,
        session: VolumeSession,
        surfaces: Surfaces | None = None,
        segment_of: Callable[[str], str] = lambda key: key,
    ) -> None:
        """``surfaces`` are the objects' own in 3D, if any; ``segment_of`` is an object's segment."""
        self.session = session
        self.entry: int | None = None
        self.difference = StateDifference(())
        self._scene = scene
        self._volume_node = volume_node
        self._binding = binding
        self._surfaces = surfaces
        self._segment_of = segment_of
        self._overlay: OverlayNode | None = None
        self._parts: dict[str, Surfaces] = {}
        self._hidden: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []
        self._stop_listening = session.listen(self._on_changes)

    def listen(self, callback: Callable[[], None]) -> None:
        self._listeners.append(callback)

    # -- showing -----------------------------------------------------------------------------------------

    def prepare(self, entry: int) -> Prepared:
        """Work out what going to an entry would change. Touches no scene: any thread may do it.

        Raises NotFoundError for another volume's entry, JournalDamagedError when the state cannot be had.
        """
        then = self.session.preview(entry)
        with self.session.reading() as now:
            return Prepared(entry, self.session.newest_entry, state_difference(now, then))

    def show(self, prepared: Prepared | int) -> StateDifference:
        """Show what going to an entry would change, in place of what was shown before."""
        if isinstance(prepared, int) or prepared.newest != self.session.newest_entry:
            # the labels were edited meanwhile
            prepared = self.prepare(prepared if isinstance(prepared, int) else prepared.entry)
        self._clear()
        self.entry, self.difference = prepared.entry, prepared.difference
        drawn = [
            entry for entry in prepared.difference.objects if entry.box is not None and any(entry.counts[:2])
        ]
        if drawn:
            self._draw(drawn)
        self._tell()
        return self.difference

    def sentence(self) -> str:
        """What would change, in words and millilitres."""
        return self.difference.sentence(self._binding.geometry.voxel_ml)

    def collect_surfaces(self) -> bool:
        """Show the surfaces that are ready; whether more are being made. For the main thread, often."""
        return any([surfaces.collect() for surfaces in self._parts.values()])

    # -- deciding ----------------------------------------------------------------------------------------

    def go_there(self) -> Step | None:
        """Restore the state that is shown, as one step that can be undone; None when nothing changes."""
        entry = self._shown_entry()
        self.cancel()
        return self.session.restore(entry)

    def bring_back(self, object_key: str) -> Step | None:
        """Restore one object alone from the state that is shown, as one step."""
        entry = self._shown_entry()
        self.cancel()
        return self.session.restore_object(object_key, entry)

    def cancel(self) -> None:
        """End the preview; the scene and the labels are as before it."""
        if self.entry is None:
            return
        self._clear()
        self._tell()

    def close(self) -> None:
        self._stop_listening()
        self._listeners.clear()
        self._clear()

    # -- inside ------------------------------------------------------------------------------------------

    def _shown_entry(self) -> int:
        if self.entry is None:
            raise ValueError("no entry is shown")
        return self.entry

    def _draw(self, drawn: list[ObjectDifference]) -> None:
        geometry = self._binding.geometry
        self._overlay = OverlayNode(
            self._scene, self._volume_node, geometry, f"{self._volume_node.GetName()} history preview"
        )
        modified = self._overlay.node.StartModify()
        for entry in drawn:
            self._hide(entry.key)
            # what is kept first: it lies under the rest
            for part in ("kept", "added", "removed"):
                voxels = getattr(entry, part)
                if not voxels.any():
                    continue
                look = LOOKS[part]
                self._overlay.fill(f"{part}-{entry.key}", voxels, entry.box, look.color, 0.0, look.outline)
                if look.pattern is not None:
                    pattern = voxels & look.pattern(entry.box, geometry)
                    self._overlay.fill(
                        f"{part}-pattern-{entry.key}", pattern, entry.box, look.color, look.fill, 0.0
                    )
                if part not in self._parts:
                    self._parts[part] = Surfaces(self._scene, geometry, look.surface)
                mask = Mask.from_box(geometry.shape, entry.box, voxels)
                self._parts[part].request(entry.key, mask, look.color)
        self._overlay.node.EndModify(modified)
        self._overlay.node.Modified()

    def _hide(self, key: str) -> None:
        segment_id = self._segment_of(key)
        display = self._binding.node.GetDisplayNode()
        if self._binding.segmentation.GetSegment(segment_id) is None or not display.GetSegmentVisibility(
            segment_id
        ):
            return
        self._hidden[key] = segment_id
        display.SetSegmentVisibility(segment_id, False)
        if self._surfaces is not None:
            self._surfaces.set_visible(key, False)

    def _clear(self) -> None:
        self.entry, self.difference = None, StateDifference(())
        for surfaces in self._parts.values():
            surfaces.close()
        self._parts.clear()
        if self._overlay is not None:
            self._overlay.close()
            self._overlay = None
        display = self._binding.node.GetDisplayNode()
        for key, segment_id in self._hidden.items():
            if display is not None and self._binding.segmentation.GetSegment(segment_id) is not None:
                display.SetSegmentVisibility(segment_id, True)
            if self._surfaces is not None:
                self._surfaces.set_visible(key, True)
        self._hidden.clear()

    def _on_changes(self, _changes: list[Change]) -> None:
        self.cancel()

    def _tell(self) -> None:
        for callback in list(self._listeners):
            callback()


def entry_text(entry: HistoryEntry) -> str:
    """One line for a list: by what means and by whom, as ``brush · Ada · browser``."""
    return " · ".join(part for part in (entry.tool, entry.author, entry.face) if part)
