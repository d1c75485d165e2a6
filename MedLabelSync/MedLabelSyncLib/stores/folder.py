"""A folder, on a disk or a share, as a store.

``medlabel-store.json`` makes a folder a store. ``revisions/<aa>/<scan>-<revision>[-<parent>…].json`` are
the revisions: the names alone tell what each is based on, so that comparing reads no file.
``masks/<aa>/<digest>`` are the masks, each once; ``scans/<aa>/<scan>.nrrd`` the scans. Every file is written
beside its place, flushed, and linked to its name, which fails where the name is taken: several writers never
see half a file, and never replace one another's.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import uuid
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.atomic import PARTIAL, sync_file, sync_folder
from MedLabelLib.storage.volume import Volume

from ..content import ReadMask, mask_digest
from ..errors import AccessError, StoreDataError, StoreError
from ..identity import canonical_json
from ..revision import MOST_PARENTS, Reference, Revision, Scan, is_id
from .mask_blob import decode_mask_blob, encode_mask_blob
from .store import Progress

MARKER = "medlabel-store.json"
LARGEST_REVISION = 1 << 28
LARGEST_MASK = 1 << 30


class FolderStore:
    """A store in a folder; see the module for its layout."""

    leaves_machine = False

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = self._read_marker()
        return self._identity

    def create(self) -> None:
        """Make the folder a store, if it is none yet. An existing folder must be empty."""
        if (self.path / MARKER).exists():
            return
        try:
            if self.path.exists() and any(self.path.iterdir()):
                raise StoreError("the folder is not empty, and no store", self.path)
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed("it cannot be made", error) from error
        marker = {"format": 1, "id": uuid.uuid4().hex}
        self._put(self.path / MARKER, canonical_json(marker))

    def test(self) -> str:
        self._read_marker()
        probe = self.path / f".{secrets.token_hex(4)}{PARTIAL}"
        try:
            probe.write_bytes(b"")
            probe.unlink()
        except OSError:
            return "it can be read, not written"
        return "it can be read and written"

    # -- revisions ---------------------------------------------------------------------------------------

    def references(self, scan_ids: Collection[str] | None = None) -> dict[str, list[Reference]]:
        self._read_marker()
        wanted = None if scan_ids is None else set(scan_ids)
        shelves = (
            sorted(self._names(self.path / "revisions"))
            if wanted is None
            else sorted({scan_id[:2] for scan_id in wanted})
        )
        found: dict[str, list[Reference]] = {}
        for shelf in shelves:
            for name in self._names(self.path / "revisions" / shelf):
                scan_id, reference = _parse(name)
                if reference is not None and (wanted is None or scan_id in wanted):
                    found.setdefault(scan_id, []).append(reference)
        return found

    def read(self, scan_id: str, revision_id: str) -> Revision:
        shelf = self.path / "revisions" / scan_id[:2]
        for name in self._names(shelf):
            reference = _parse(name)[1]
            if name.startswith(scan_id) and reference is not None and reference.id == revision_id:
                content = self._get(shelf / name, LARGEST_REVISION)
                try:
                    revision = Revision.from_json(json.loads(content))
                except ValueError as error:
                    raise StoreDataError(f"it is damaged: {error}", shelf / name) from error
                except StoreDataError as error:
                    raise StoreDataError(error.reason, shelf / name) from error
                if revision.reference != reference or revision.scan.id != scan_id:
                    raise StoreDataError("it is not the revision that its name says", shelf / name)
                return revision
        raise StoreDataError(f"there is no revision {revision_id} in the store", self.path)

    def write(self, revision: Revision, read_mask: ReadMask, progress: Progress, volume: Volume) -> bool:
        self._read_marker()
        if len(revision.parents) > MOST_PARENTS:
            raise StoreError(f"a revision has at most {MOST_PARENTS} parents")
        reference = revision.reference
        name = "-".join((revision.scan.id, reference.id, *reference.parents)) + ".json"
        place = self.path / "revisions" / revision.scan.id[:2] / name
        if place.exists():
            return False
        for digest in sorted(revision.content.masks):
            progress.check()
            path = self._mask_path(digest)
            if not path.exists():
                content = encode_mask_blob(read_mask(digest))
                self._put(path, content)
                progress.sent("mask", len(content))
        # the revision comes last: whoever sees it finds all that it names
        content = canonical_json(revision.to_json())
        written = self._put(place, content)
        progress.sent("labels", len(content))
        return written

    def read_mask(self, revision: Revision, digest: str) -> Mask:
        path = self._mask_path(digest)
        mask = decode_mask_blob(self._get(path, LARGEST_MASK), path, revision.content.shape)
        if mask_digest(mask) != digest:
            raise StoreDataError("the mask is not the one that its name says", path)
        return mask

    # -- scans -------------------------------------------------------------------------------------------

    def has_scan(self, scan: Scan) -> bool:
        return self._scan_path(scan.id).exists()

    def write_scan(self, revision: Revision, volume: Volume, progress: Progress) -> bool:
        if self.has_scan(revision.scan):
            return False
        progress.check()
        try:
            with volume.nrrd_file() as path:
                content = path.read_bytes()
        except OSError as error:
            raise self._failed("the scan cannot be read", error) from error
        written = self._put(self._scan_path(revision.scan.id), content)
        progress.sent("scan", len(content))
        return written

    def read_scan(self, revision: Revision, folder: Path) -> Path:
        path = self._scan_path(revision.scan.id)
        if not path.exists():
            raise StoreDataError(f"the scan of {revision.scan.label} is not in the store", self.path)
        return path

    # -- files -------------------------------------------------------------------------------------------

    def _mask_path(self, digest: str) -> Path:
        return self.path / "masks" / digest[:2] / digest

    def _scan_path(self, scan_id: str) -> Path:
        return self.path / "scans" / scan_id[:2] / f"{scan_id}.nrrd"

    def _read_marker(self) -> str:
        content = self._get(self.path / MARKER, 1 << 16)
        try:
            marker = json.loads(content)
            if marker["format"] == 1 and is_id(marker["id"]):
                return marker["id"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDataError(f"it is damaged: {error}", self.path / MARKER) from error
        raise StoreDataError("a newer MedLabel made this store", self.path / MARKER)

    def _names(self, folder: Path) -> list[str]:
        try:
            return os.listdir(folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed("it cannot be read", error) from error

    def _get(self, path: Path, largest: int) -> bytes:
        try:
            with path.open("rb") as stream:
                if os.fstat(stream.fileno()).st_size > largest:
                    raise StoreDataError("it is larger than such a file may be", path)
                return stream.read(largest + 1)
        except FileNotFoundError as error:
            if path.name == MARKER:
                # an unmounted share looks like an empty or missing folder
                raise StoreError("there is no store in this folder now", self.path, temporary=True) from error
            raise StoreDataError("it is missing from the store", path) from error
        except OSError as error:
            raise self._failed("it cannot be read", error) from error

    def _put(self, path: Path, content: bytes) -> bool:
        """Add a file, unless its name is taken; returns whether it was added."""
        partial = path.with_name(f".{secrets.token_hex(8)}{PARTIAL}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as stream:
                stream.write(content)
            sync_file(partial)
            added = _link(partial, path)
            sync_folder(path.parent)
            return added
        except OSError as error:
            raise self._failed("it cannot be written", error) from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _failed(self, what: str, error: OSError) -> StoreError:
        reason = f"{what}: {error.strerror or error}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return AccessError(reason, self.path)
        return StoreError(reason, self.path, temporary=True)


def _link(partial: Path, path: Path) -> bool:
    """Give a finished file its name, unless that is taken."""
    try:
        os.link(partial, path)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
    # a file system without links: names follow from content, so that two writers replace like by like
    if path.exists():
        return False
    os.replace(partial, path)
    return True


def _parse(name: str) -> tuple[str, Reference | None]:
    if name.startswith(".") or not name.endswith(".json"):
        return "", None
    parts = name.removesuffix(".json").split("-")
    if len(parts) < 2 or not all(map(is_id, parts)):
        return "", None
    return parts[0], Reference(parts[1], tuple(parts[2:]))
