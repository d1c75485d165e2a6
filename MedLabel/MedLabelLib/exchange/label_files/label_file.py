"""What a file of labels holds, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...model.geometry import VolumeGeometry
from ...model.mask import Mask


@dataclass(frozen=True)
class References:
    """The images that labels say they are of: UIDs of series and of images, and their frame of reference."""

    series: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    frame_of_reference: str = ""

    def __bool__(self) -> bool:
        return bool(self.series or self.images or self.frame_of_reference)


@dataclass(frozen=True)
class FoundLabel:
    """One label of a file, to become an object.

    ``name`` is what the file calls it, ``class_name`` the class that this means, ``color`` #RRGGBB or
    None, ``value`` its number in the file, ``tags`` names and values. ``carry`` gives its mask on a
    volume's canonical grid, and a sentence that says what had to be done, empty when nothing; it raises
    GeometryError where the label does not lie in the volume.
    """

    name: str
    class_name: str
    color: str | None = None
    value: int | None = None
    tags: tuple[tuple[str, str | float | None], ...] = ()
    carry: Callable[[VolumeGeometry], tuple[Mask, str]] = field(default=None, repr=False, compare=False)

    def mask(self, geometry: VolumeGeometry) -> tuple[Mask, str]:
        """The label's voxels on ``geometry``; as ``carry``."""
        return self.carry(geometry)


@dataclass(frozen=True)
class LabelFile:
    """A file of labels.

    ``kind`` names its format, ``notes`` are sentences for the user, ``grid`` is the canonical grid of its
    voxels where it has one of its own.
    """

    path: Path
    kind: str
    labels: tuple[FoundLabel, ...]
    references: References = References()
    notes: tuple[str, ...] = ()
    grid: VolumeGeometry | None = None
