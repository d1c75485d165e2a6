"""Files that are either as they were or wholly new, whatever happens in between."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..model.errors import ProjectError

# while a file is being written it carries this ending, so that what a crash left is known for what it is
PARTIAL = ".medlabel-partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content``; after a crash or power cut it holds the old or the new, whole.

    Raises
    ------
    ProjectError
        when the file cannot be written; the old content then still stands.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


def write_json(path: Path, data: object) -> None:
    """Replace ``path`` by ``data`` as JSON, as :func:`write_bytes` does."""
    write_bytes(path, json_bytes(data))


def json_bytes(data: object) -> bytes:
    """JSON as it stands in the project's files."""
    return json.dumps(data, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; at the end it is flushed and takes the place of ``path``.

    The temporary name keeps the suffix of ``path``, since libraries choose a format by it. When the
    block raises, the temporary file is removed and ``path`` is as it was.
    """
    path = Path(path)
    partial = path.with_name(f".{secrets.token_hex(4)}{PARTIAL}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        sync_file(partial)
        os.replace(partial, path)
        sync_folder(path.parent)
    except OSError as error:
        raise ProjectError(f"it cannot be written: {error.strerror or error}", path) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Ask the system to put a file's content on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Ask the system to put a folder's entries on the disk, where it has a way to."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep_partials(folder: Path) -> None:
    """Remove the temporary files that a crash left in ``folder``."""
    for leftover in folder.glob(f".*{PARTIAL}*"):
        with suppress(OSError):
            leftover.unlink()
