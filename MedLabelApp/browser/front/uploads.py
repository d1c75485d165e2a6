"""Files dropped on the page: streamed into a private folder that goes when the front does."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from MedLabelLib.model.errors import MedLabelError

_PREFIX = "medlabel-uploads-"
_BLOCK = 1 << 20
_DEEPEST = 32
_LONGEST_NAME = 200
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class UploadError(MedLabelError):
    """An upload that cannot be taken: no room, a name that leads out of its folder, no such upload."""


@dataclass
class _Upload:
    folder: Path
    stored: dict[str, Path] = field(default_factory=dict)


class Uploads:
    """The uploads of one front. ``reserve`` bytes of the disk are always left free."""

    def __init__(self, reserve: int = 1 << 30) -> None:
        self._reserve = reserve
        self._root: Path | None = None
        self._uploads: dict[str, _Upload] = {}

    def create(self) -> str:
        """A new, empty upload's identity."""
        if self._root is None:
            _remove_leftovers()
            # mkdtemp makes the folder readable by this user alone.
            self._root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        identity = secrets.token_hex(16)
        folder = self._root / identity
        folder.mkdir(mode=0o700)
        self._uploads[identity] = _Upload(folder)
        return identity

    async def write(self, identity: str, name: str, blocks: AsyncIterator[bytes], size: int | None) -> int:
        """Store one file of an upload; a broken transfer leaves nothing behind.

        Args:
            identity: of the upload.
            name: the file's path relative to what was dropped, with slashes.
            blocks: the file's bytes as they arrive.
            size: how many are announced, when that is known.

        Returns:
            How many bytes were stored.

        Raises:
            UploadError: no such upload, an unsafe name, no room, or fewer bytes than announced.
        """
        upload = self._find(identity)
        target = self._place(upload, name)
        self._check_room(upload, size or 0)
        partial = target.with_name(f".{secrets.token_hex(8)}.part")
        stored = 0
        try:
            await asyncio.to_thread(target.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
            with await asyncio.to_thread(partial.open, "xb") as file:
                gathered = bytearray()
                async for block in blocks:
                    gathered += block
                    if len(gathered) >= _BLOCK:
                        self._check_room(upload, len(gathered))
                        await asyncio.to_thread(file.write, gathered)
                        stored += len(gathered)
                        gathered = bytearray()
                self._check_room(upload, len(gathered))
                await asyncio.to_thread(file.write, gathered)
                stored += len(gathered)
            if size is not None and stored != size:
                raise UploadError(f"the transfer broke off after {stored} of {size} bytes")
            await asyncio.to_thread(partial.replace, target)
        except OSError as error:
            raise UploadError(f"the file could not be stored: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
        upload.stored[name] = target
        return stored

    def path(self, identity: str) -> Path:
        """What was uploaded: the file, or the folder of several.

        Raises:
            UploadError: no such upload, or nothing in it.
        """
        upload = self._find(identity)
        if not upload.stored:
            raise UploadError("nothing was uploaded")
        if len(upload.stored) == 1:
            return next(iter(upload.stored.values()))
        return upload.folder

    def close(self) -> None:
        """Remove everything that was uploaded."""
        self._uploads.clear()
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _find(self, identity: str) -> _Upload:
        upload = self._uploads.get(identity)
        if upload is None:
            raise UploadError("there is no such upload")
        return upload

    def _place(self, upload: _Upload, name: str) -> Path:
        """Where the file goes: safe names only, and no two files in one place."""
        if name in upload.stored:
            return upload.stored[name]
        relative = safe_relative_path(name)
        target = upload.folder / relative
        taken = set(upload.stored.values())
        number = 2
        while target in taken:
            target = (upload.folder / relative).with_name(f"{number}-{relative.name}")
            number += 1
        return target

    def _check_room(self, upload: _Upload, needed: int) -> None:
        if shutil.disk_usage(upload.folder).free - needed < self._reserve:
            raise UploadError("there is not enough room on the disk for this upload")


def safe_relative_path(name: str) -> Path:
    """``name`` as a relative path of harmless parts.

    Raises:
        UploadError: it is empty, absolute, leads upward, or is too deep.
    """
    parts = re.split(r"[/\\]", name)
    if any(part in ("", ".", "..") for part in parts) or len(parts) > _DEEPEST:
        raise UploadError("the upload has a file name that cannot be used")
    return Path(*(_safe_part(part) for part in parts))


def _safe_part(part: str) -> str:
    part = _UNSAFE.sub("_", part.encode("utf-8", "replace").decode()).rstrip(". ") or "_"
    if _RESERVED.match(part):
        part = f"_{part}"
    encoded = part.encode()
    if len(encoded) > _LONGEST_NAME:
        # The end is kept: it carries the suffixes by which a file's format is known.
        part = encoded[-_LONGEST_NAME:].decode(errors="ignore")
    return part


def _remove_leftovers() -> None:
    """Remove the uploads of fronts that were killed: they are patients' scans."""
    if os.name != "posix":
        return  # asking whether a process lives by signal 0 would end it on Windows
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not owner.isdigit() or folder.is_symlink() or folder.stat().st_uid != os.getuid():
            continue
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue
