"""A disk that loses what was not synced, replayed from the recorded system calls of a real process.

A file's content is durable once it was synced; each later write may be there, be missing, or be torn at
a sector. Names are durable once their folder was synced; later renames and removals may be missing from
some point on, as a journalling file system has them in order. A file that was synced keeps its first name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SECTOR = 512
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?")
_FILE = re.compile(r"^\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Event:
    """``write`` (data at offset), ``truncate`` (to offset), ``sync``, ``rename``, ``unlink`` or ``ack``."""

    kind: str
    path: str = ""
    data: bytes = b""
    offset: int = 0
    other: str = ""
    number: int = 0


@dataclass
class File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def content(self, random: np.random.Generator) -> bytes:
        result = bytearray(self.durable)
        for event in self.pending:
            fate = random.random()
            if fate < 0.4:
                continue
            if fate < 0.6 and len(event.data) > SECTOR:
                keep = int(random.integers(1, len(event.data) // SECTOR + 1)) * SECTOR
                event = Event("write", event.path, event.data[:keep], event.offset)
            _do(result, event)
        return bytes(result)


def _do(content: bytearray, event: Event) -> None:
    if event.kind == "truncate":
        del content[event.offset :]
        content.extend(bytes(event.offset - len(content)))
    else:
        content.extend(bytes(max(0, event.offset - len(content))))
        content[event.offset : event.offset + len(event.data)] = event.data


class Disk:
    """The files of one folder."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.names: dict[str, File] = {}
        self.durable_names: dict[str, File] = {}
        self.name_changes: list[dict[str, File]] = []

    @classmethod
    def of_folder(cls, root: Path) -> Disk:
        disk = cls(root)
        for path in root.rglob("*"):
            if path.is_file():
                disk.names[str(path)] = File(bytearray(path.read_bytes()))
        disk.durable_names = dict(disk.names)
        return disk

    def copy(self) -> Disk:
        disk = Disk(Path(self.root))
        disk.names = {path: File(bytearray(file.durable)) for path, file in self.names.items()}
        disk.durable_names = dict(disk.names)
        return disk

    def take(self, event: Event) -> None:
        """Let one event happen."""
        if event.kind in ("write", "truncate"):
            self.names.setdefault(event.path, File()).pending.append(event)
        elif event.kind == "sync" and event.path in self.names:
            file = self.names[event.path]
            for earlier in file.pending:
                _do(file.durable, earlier)
            file.pending.clear()
            if file not in self.durable_names.values():
                self.durable_names[event.path] = file
        elif event.kind == "sync":
            # a folder: with its names all earlier ones are durable too, they were made in order
            self.durable_names = dict(self.names)
            self.name_changes.clear()
        elif event.kind in ("rename", "unlink") and event.path in self.names:
            file = self.names.pop(event.path)
            if event.kind == "rename":
                self.names[event.other] = file
            self.name_changes.append(dict(self.names))

    def cut(self, random: np.random.Generator) -> Disk:
        """What is on the disk after the power was cut now."""
        changes = int(random.integers(len(self.name_changes) + 1))
        names = self.name_changes[changes - 1] if changes else self.durable_names
        after = Disk(Path(self.root))
        after.names = {path: File(bytearray(file.content(random))) for path, file in names.items()}
        return after

    def write(self, root: Path) -> None:
        for name, file in self.names.items():
            # SQLite makes its shared memory anew after a crash
            if not name.endswith("-shm"):
                path = root / Path(name).relative_to(self.root)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.durable)

    def events(self, trace: Path, acks: Path) -> list[Event]:
        """The events in this folder, and the acknowledgements, of an ``strace -xx -y`` of one thread."""
        found, places = [], {}
        for line in trace.read_text().splitlines():
            call = _CALL.match(line)
            if call is None or int(call[3]) < 0:
                continue
            name, arguments, result, opened = call.groups()
            texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
            file = _FILE.match(arguments)
            path = _plain(file[1]) if file else (texts[0].decode() if texts else "")
            if name == "openat":
                path = _plain(opened or "")
                places[path] = 0
                if "O_TRUNC" in arguments and self._holds(path):
                    found.append(Event("truncate", path))
            elif name == "write" and path == str(acks):
                found.append(Event("ack", number=int.from_bytes(texts[0], "little")))
            elif not self._holds(path):
                continue
            elif name in ("write", "pwrite64"):
                offset = int(arguments.rpartition(",")[2]) if name == "pwrite64" else places.get(path, 0)
                places[path] = offset + int(result)
                found.append(Event("write", path, texts[0][: int(result)], offset))
            elif name == "ftruncate":
                found.append(Event("truncate", path, offset=int(arguments.rpartition(",")[2])))
            elif name in ("fsync", "fdatasync"):
                found.append(Event("sync", path))
            elif name == "rename":
                found.append(Event("rename", path, other=texts[1].decode()))
            elif name == "unlink":
                found.append(Event("unlink", path))
        return found

    def _holds(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root + "/")


def _plain(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
