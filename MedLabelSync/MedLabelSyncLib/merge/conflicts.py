"""What both sides changed differently, as faces show it and as it is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import AnnotationError

MINE, THEIRS, BASE, BOTH = "mine", "theirs", "base", "both"
# ``both`` takes each object as its own three-way result, so that objects may come to overlap
SIDES = (MINE, THEIRS, BASE, BOTH)


@dataclass
class RecordConflict:
    """Something other than voxels: ``what`` is ``object``, ``class name``, ``tag``, ``extra``, ``figure``,

    ``volume tag``, ``class`` or ``tag definition``; ``name`` says which. A value of None means that it is
    not there on that side. ``choice`` is the side it is resolved to, or empty.
    """

    what: str
    object_key: str
    name: str
    base: Any
    mine: Any
    theirs: Any
    choice: str = ""

    @property
    def value(self) -> Any:
        """What holds: the chosen side's, mine as long as nothing is chosen."""
        return getattr(self, self.choice or MINE)

    def resolve(self, side: str) -> None:
        if side not in (MINE, THEIRS, BASE):
            raise AnnotationError(f"this is resolved to mine, theirs or base, not {side!r}")
        self.choice = side

    def sentence(self) -> str:
        owner = f" of object {self.object_key[:8]}" if self.object_key and self.what != "object" else ""
        name = self.name.replace("\x1f", " ")
        return f"the {self.what} {name}{owner} was changed on both sides"


@dataclass(frozen=True)
class Region:
    """A connected part of the voxels in conflict. ``where`` is boolean ``[i, j, k]`` over ``box``."""

    box: Box
    where: NDArray[np.bool_]

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.where))


@dataclass
class VoxelConflicts:
    """The voxels whose objects both sides changed, and not to the same.

    ``where`` is boolean ``[i, j, k]`` over ``box``. ``base``, ``mine`` and ``theirs`` give each object's
    voxels over ``box``, by object key. ``choices`` holds for each voxel 0 while it is open, else 1 plus the
    place of the side in SIDES.
    """

    box: Box
    where: NDArray[np.bool_]
    base: Mapping[str, NDArray[np.bool_]]
    mine: Mapping[str, NDArray[np.bool_]]
    theirs: Mapping[str, NDArray[np.bool_]]
    choices: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        self.choices = np.zeros(self.where.shape, np.uint8, order="F")

    @property
    def open_voxels(self) -> int:
        return int(np.count_nonzero(self.where & (self.choices == 0)))

    @property
    def objects(self) -> list[str]:
        """The keys of the objects concerned."""
        return [key for key in self.mine if self._of(key).any()]

    def regions(self) -> list[Region]:
        """The parts that hang together (by faces, edges or corners), the largest first."""
        labelled, _ = ndimage.label(self.where, np.ones((3, 3, 3)))
        found = []
        for number, slices in enumerate(ndimage.find_objects(labelled), 1):
            start = tuple(s.start + o for s, o in zip(slices, self.box.start, strict=True))
            stop = tuple(s.stop + o for s, o in zip(slices, self.box.start, strict=True))
            found.append(Region(Box(start, stop), labelled[slices] == number))
        return sorted(found, key=lambda region: (-region.voxels, region.box.start))

    def resolve(self, side: str) -> None:
        """All voxels to one side."""
        self._choose(self.where, side)

    def resolve_object(self, object_key: str, side: str) -> None:
        """The voxels at which the sides disagree about this object."""
        self._choose(self._of(object_key), side)

    def resolve_voxels(self, box: Box, voxels: NDArray, side: str) -> None:
        """The voxels set in ``voxels``, boolean ``[i, j, k]`` over ``box``, as of a region or a brush."""
        common = box.intersection(self.box)
        if common.is_empty:
            return
        chosen = np.zeros_like(self.where)
        chosen[common.within(self.box)] = voxels[common.within(box)]
        self._choose(chosen & self.where, side)

    def values(self, object_key: str) -> NDArray[np.bool_]:
        """The object's voxels over ``box`` as chosen; at open voxels mine. Only those in ``where`` count."""
        base, mine, theirs = (side[object_key] for side in (self.base, self.mine, self.theirs))
        both = np.where(mine != base, mine, theirs)
        return np.choose(self.choices, [mine, mine, theirs, base, both]).astype(bool)

    def _of(self, object_key: str) -> NDArray[np.bool_]:
        mine, theirs, base = (side[object_key] for side in (self.mine, self.theirs, self.base))
        return self.where & ((mine != theirs) | (mine != base))

    def _choose(self, where: NDArray[np.bool_], side: str) -> None:
        if side not in SIDES:
            raise AnnotationError(f"voxels are resolved to {', '.join(SIDES)}, not {side!r}")
        self.choices[where] = 1 + SIDES.index(side)
