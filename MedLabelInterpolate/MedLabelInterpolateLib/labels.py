"""Where a live interpolation finds the labels and puts what is applied: a session, or a Segment Editor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.edits import Change
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.planes import Plane
from MedLabelLib.storage.session import VolumeSession

from .key_slices import INTERPOLATED, drawn_slices, key_slices_in

TOOL = "interpolate"


@dataclass(frozen=True)
class Target:
    """What a part of an object's mask is to become: ``voxels`` ``[i, j, k]`` of ``box``.

    ``drawn`` are those of its slices of ``plane`` that were drawn on the proposal, ``filled`` the others.
    """

    object_key: str
    plane: Plane
    box: Box
    voxels: NDArray
    filled: tuple[int, ...]
    drawn: tuple[int, ...] = ()


class Labels(Protocol):
    """Objects with their masks on one grid."""

    def keys(self) -> list[str]:
        """The objects there are."""

    def title(self, key: str) -> str: ...

    def mask(self, key: str) -> Mask | None: ...

    def drawn(self, key: str, plane: Plane | None) -> dict[Plane, tuple[int, ...]]:
        """The key slices of an object, in ``plane`` or, with None, in those it was drawn in, first that of
        most slices."""

    def locked(self) -> Collection[str]:
        """The objects that may not be run over."""

    @property
    def last_step(self) -> int:
        """What changes with every undo step, back when it is undone."""

    def listen(self, callback: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call back with the keys of objects whose masks changed; the result stops that."""

    def write(self, name: str, targets: Sequence[Target]) -> dict[str, int]:
        """Make the masks what the targets say, as one undo step; how many voxels changed by object."""


class SessionLabels:
    """The objects of a volume's session; which slices were drawn is the journal's to say."""

    def __init__(self, session: VolumeSession, locked: Callable[[], Collection[str]] = tuple) -> None:
        self._session = session
        self._locked = locked

    def keys(self) -> list[str]:
        return [entry.key for entry in self._session.annotation.objects]

    def title(self, key: str) -> str:
        entry = self._session.annotation.object(key)
        return f"{entry.class_name} #{self._session.annotation.number(entry)}"

    def mask(self, key: str) -> Mask | None:
        return self._session.annotation.object(key).mask

    def drawn(self, key: str, plane: Plane | None) -> dict[Plane, tuple[int, ...]]:
        if plane is None:
            return drawn_slices(self._session, key)
        slices = key_slices_in(self._session, key, plane)
        return {plane: slices} if slices else {}

    def locked(self) -> Collection[str]:
        return self._locked()

    @property
    def last_step(self) -> int:
        return self._session.last_step

    def listen(self, callback: Callable[[set[str]], None]) -> Callable[[], None]:
        def hear(changes: Iterable[Change]) -> None:
            callback({change.object_key for change in changes if change.object_key is not None})

        return self._session.listen(hear)

    def write(self, name: str, targets: Sequence[Target]) -> dict[str, int]:
        changed: dict[str, int] = {}
        with self._session.edit(name, tool=TOOL) as edit:
            edit.set_provenance(INTERPOLATED)
            for target in targets:
                if target.drawn:
                    edit.keep_drawn(target.object_key, target.plane, target.drawn)
                count = edit.write_mask(target.object_key, target.box, target.voxels)
                changed[target.object_key] = changed.get(target.object_key, 0) + count
        return changed
