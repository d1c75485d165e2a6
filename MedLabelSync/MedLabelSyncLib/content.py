"""The labels of a volume as content: JSON records and masks, named by their hashes."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from MedLabelLib.model.annotation import Annotation, LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.model.mask import Mask
from MedLabelLib.model.records import (
    class_from_record,
    class_record,
    figure_from_record,
    figure_record,
    object_record,
    plain,
    tag_definition_from_record,
    tag_definition_record,
    tag_from_record,
    tag_record,
)

from .errors import StoreDataError
from .identity import digest_of

Record = dict[str, Any]
ReadMask = Callable[[str], Mask]


@dataclass
class Content:
    """Everything that is synchronised of a volume.

    ``objects`` are the records of objects in order, each with ``mask``: the digest of its mask or None.
    ``figures``, ``tags`` (the volume's) and ``extra`` (what else belongs to the annotation as a whole) are
    as :mod:`MedLabelLib.model.records` has them. ``classes`` and ``tag_definitions`` are the project's
    definitions of what the labels use, by name.
    """

    shape: tuple[int, int, int]
    objects: list[Record] = field(default_factory=list)
    figures: list[Record] = field(default_factory=list)
    tags: list[Record] = field(default_factory=list)
    extra: Record = field(default_factory=dict)
    classes: dict[str, Record] = field(default_factory=dict)
    tag_definitions: dict[str, Record] = field(default_factory=dict)

    def to_json(self) -> Record:
        return {
            "shape": list(self.shape),
            "objects": self.objects,
            "figures": self.figures,
            "tags": self.tags,
            "extra": self.extra,
            "classes": self.classes,
            "tag_definitions": self.tag_definitions,
        }

    @classmethod
    def from_json(cls, data: Any) -> Content:
        """Raises StoreDataError where ``data`` is no such content; every record is tried out."""
        try:
            content = cls(
                tuple(int(n) for n in data["shape"]),
                list(data["objects"]),
                list(data["figures"]),
                list(data["tags"]),
                dict(data["extra"]),
                dict(data["classes"]),
                dict(data["tag_definitions"]),
            )
            content.check()
        except (KeyError, TypeError, ValueError, AttributeError, MedLabelError) as error:
            raise StoreDataError(f"labels in the store are damaged: {error}") from error
        return content

    def check(self) -> None:
        """Raises where a record is none, or the labels contradict themselves."""
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"a volume of {self.shape} voxels")
        definitions = definitions_of(self)
        for record in self.objects:
            digest = record["mask"]
            if digest is not None and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
                raise ValueError("a mask's digest is none")
        self.annotation(lambda _: Mask(self.shape)).check(definitions)

    @property
    def digest(self) -> str:
        """Names the content: equal contents have equal digests, and no others do."""
        return digest_of(self.to_json())

    @property
    def masks(self) -> set[str]:
        """The digests of all masks."""
        return {record["mask"] for record in self.objects if record["mask"] is not None}

    def annotation(self, read_mask: ReadMask, like: Annotation | None = None) -> Annotation:
        """The content as an annotation.

        ``like`` is the volume's own: its key, ``volume_meta`` and the mask keys of its objects are kept.
        """
        known = {} if like is None else {entry.key: entry for entry in like.objects}
        made = Annotation(
            self.shape,
            tags=[tag_from_record(record) for record in self.tags],
            figures=[figure_from_record(_native(record)) for record in self.figures],
            extra=plain(self.extra),
        )
        if like is not None:
            made.key, made.volume_meta = like.key, like.volume_meta
        for record in self.objects:
            old = known.get(record["key"])
            entry = LabelObject(
                record["class_name"],
                record["key"],
                [tag_from_record(tag) for tag in record["tags"]],
                extra=plain(record["extra"]),
            )
            if record["mask"] is not None:
                entry.mask = read_mask(record["mask"])
                entry.mask_key = (old and old.mask_key) or record["key"]
            elif old is not None and old.mask_key is not None:
                # an empty mask is no mask; that it has a key makes no difference
                entry.mask_key, entry.mask = old.mask_key, Mask(self.shape)
            made.objects.append(entry)
        return made


def content_of(annotation: Annotation, definitions: Definitions) -> tuple[Content, dict[str, Mask]]:
    """The content of an annotation, and its masks by their digests (live ones, not copies)."""
    masks: dict[str, Mask] = {}
    objects = []
    for entry in annotation.objects:
        record = object_record(entry)
        del record["mask_key"]
        digest = None
        if entry.mask is not None and entry.mask.box is not None:
            digest = mask_digest(entry.mask)
            masks[digest] = entry.mask
        objects.append({**record, "mask": digest})
    tags = [tag_record(tag) for tag in annotation.tags]
    used_tags = {tag["name"] for record in (*objects, {"tags": tags}) for tag in record["tags"]}
    used = {record["class_name"] for record in objects}
    content = Content(
        tuple(int(n) for n in annotation.shape),
        objects,
        [_portable(figure_record(figure)) for figure in annotation.figures],
        tags,
        plain(annotation.extra),
        {entry.name: _common(class_record(entry)) for entry in definitions.classes if entry.name in used},
        {
            entry.name: _common(tag_definition_record(entry))
            for entry in definitions.tags
            if entry.name in used_tags
        },
    )
    return content, masks


def definitions_of(content: Content) -> Definitions:
    """The definitions that the content brings along."""
    return Definitions(
        tuple(class_from_record(record) for record in content.classes.values()),
        tuple(tag_definition_from_record(record) for record in content.tag_definitions.values()),
    )


def mask_digest(mask: Mask) -> str:
    """SHA-256, in hex, of a mask's size, box and voxels; compression has no part in it."""
    box = mask.box
    head = repr((mask.shape, None if box is None else (box.start, box.stop)))
    sha = hashlib.sha256(head.encode("ascii"))
    if box is not None:
        sha.update(np.packbits(mask.read(box).ravel(order="F")))
    return sha.hexdigest()


def _common(record: Record) -> Record:
    """A definition without what is of one project alone: a server's number, what is written by default."""
    extra = {
        name: value
        for name, value in record["extra"].items()
        if name != "id" and (name, value) != ("geometry_config", {})
    }
    return {**record, "extra": extra}


def _portable(record: Record) -> Record:
    """A figure's record without compression, which another build may spell in other bytes."""
    shape = record["shape"]
    if "bitmap" not in shape:
        return record
    bits = zlib.decompress(base64.b64decode(shape["bitmap"]))
    rest = {name: value for name, value in shape.items() if name != "bitmap"}
    return {**record, "shape": {**rest, "bits": base64.b64encode(bits).decode("ascii")}}


def _native(record: Record) -> Record:
    shape = record["shape"]
    if "bits" not in shape:
        return record
    rows, columns = shape["size"]
    bits = base64.b64decode(shape["bits"], validate=True)
    if len(bits) != (rows * columns + 7) // 8:
        raise ValueError("a bitmap does not fill its size")
    rest = {name: value for name, value in shape.items() if name != "bits"}
    return {**record, "shape": {**rest, "bitmap": base64.b64encode(zlib.compress(bits)).decode("ascii")}}


def mask_reader(*sources: Mapping[str, Mask], otherwise: ReadMask | None = None) -> ReadMask:
    """Reads a mask from the first that has it; ``otherwise`` is asked once for each of the others."""
    fetched: dict[str, Mask] = {}

    def read(digest: str) -> Mask:
        for source in (*sources, fetched):
            if digest in source:
                return source[digest]
        if otherwise is None:
            raise StoreDataError("a mask is missing")
        fetched[digest] = otherwise(digest)
        return fetched[digest]

    return read
