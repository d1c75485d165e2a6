"""The labels of a volume as the label formats need them: names, numbers, colours, voxels, origin."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from ...model.annotation import Annotation, Tag
from ...model.definitions import Definitions
from ...model.geometry import VolumeGeometry
from ...model.mask import Mask
from ...storage.provenance import ObjectProvenance, VolumeProvenance, volume_provenance
from ...storage.volume import Volume


@dataclass(frozen=True)
class LabelItem:
    """One object of a volume.

    ``name`` is its class's, with ``#n`` where the volume has several of the class. ``value`` is its own
    integer among the volume's objects: the fixed one of its class for the first object of the class, one
    above those of all classes for a further one. ``mask`` is on the canonical grid, maybe empty.
    """

    key: str
    class_name: str
    number: int
    name: str
    value: int
    color: str
    mask: Mask
    tags: tuple[Tag, ...] = ()
    origin: ObjectProvenance | None = None

    @property
    def is_empty(self) -> bool:
        return self.mask.box is None

    @property
    def title(self) -> str:
        """As it is called where its number always stands: ``class#n``."""
        return f"{self.class_name}#{self.number}"

    def digest(self, mask: Mask) -> bytes:
        """A hash of all that it says, with ``mask`` for its own on another grid."""
        told = (self.key, self.class_name, self.name, self.color, self.origin)
        digest = hashlib.sha256(repr(told).encode())
        if (box := mask.box) is not None:
            digest.update(repr((box.start, box.stop)).encode())
            digest.update(np.packbits(mask.look(box).T))
        return digest.digest()

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Its colour as red, green and blue from 0 to 255."""
        return tuple(int(self.color[at : at + 2], 16) for at in (1, 3, 5))


@dataclass(frozen=True)
class VolumeLabels:
    """All labels of a volume: its annotation, its objects in order, and when they were last changed."""

    volume: Volume
    annotation: Annotation
    geometry: VolumeGeometry
    items: tuple[LabelItem, ...]
    changed: datetime

    @property
    def label(self) -> str:
        return self.volume.label


def read_labels(volume: Volume) -> VolumeLabels:
    """The labels of a volume. Raises FileFormatError where a file of it is missing or damaged."""
    annotation = volume.read_annotation()
    provenance = volume_provenance(volume)
    items = label_items(annotation, volume.dataset.project.definitions, provenance)
    times = [entry.updated_at for entry in provenance.objects.values() if entry.updated_at is not None]
    written = datetime.fromtimestamp(int(volume.annotation_path.stat().st_mtime), tz=timezone.utc)
    changed = max(times).replace(microsecond=0) if times else written
    return VolumeLabels(volume, annotation, volume.geometry(), tuple(items), changed)


def label_items(
    annotation: Annotation, definitions: Definitions, provenance: VolumeProvenance | None = None
) -> list[LabelItem]:
    """The objects of an annotation, in order."""
    counts = Counter(entry.class_name for entry in annotation.objects)
    numbers: Counter[str] = Counter()
    further = len(definitions.classes)
    items = []
    for entry in annotation.objects:
        numbers[entry.class_name] += 1
        number = numbers[entry.class_name]
        if number == 1:
            value = definitions.class_value(entry.class_name)
        else:
            further += 1
            value = further
        items.append(
            LabelItem(
                entry.key,
                entry.class_name,
                number,
                entry.class_name if counts[entry.class_name] == 1 else f"{entry.class_name}#{number}",
                value,
                definitions.label_class(entry.class_name).color,
                entry.mask or Mask(annotation.shape),
                tuple(entry.tags),
                None if provenance is None else provenance.objects.get(entry.key),
            )
        )
    return items
