"""Decompressing DICOM pixels in child processes: side by side, and safe from what a decoder may do."""

from __future__ import annotations

import atexit
import json
import os
import struct
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from .python_program import python_program

_CHILD = Path(__file__).with_name("decoder_child.py")
MOST_CHILDREN = max(1, min(8, os.cpu_count() or 1))
SECONDS = 60.0


class DecoderPool:
    """Child processes that live on, as many as are in use at once. Safe to use from several threads.

    An image that takes longer than ``seconds`` counts as one that cannot be decoded.
    """

    def __init__(self, most: int = MOST_CHILDREN, seconds: float = SECONDS) -> None:
        self._room = threading.Semaphore(most)
        self._idle: list[subprocess.Popen] = []
        self._lock = threading.Lock()
        self._seconds = seconds

    def decode(self, path: Path, frame: int | None) -> tuple[NDArray, bool]:
        """The numbers of an image ``[row, column]``, and whether slope and intercept are applied already.

        Raises FileFormatError when no decoder can, or the child crashed or took too long.
        """
        with self._room:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            child = child or _start()
            overdue = threading.Event()
            clock = threading.Timer(self._seconds, lambda: (overdue.set(), child.kill()))
            clock.daemon = True
            clock.start()
            try:
                answer, pixels = _ask(child, path, frame)
            except (OSError, EOFError, ValueError) as error:
                child.kill()
                child.wait()
                why = f"took longer than {self._seconds:.0f} s" if overdue.is_set() else "crashed"
                raise FileFormatError(f"its pixels cannot be read: the decoder {why}", path) from error
            finally:
                clock.cancel()
            with self._lock:
                self._idle.append(child)
        if answer[0] == "error":
            raise FileFormatError(f"its pixels cannot be read ({answer[1]})", path)
        return pixels, answer[3]

    def close(self) -> None:
        """End the children that are idle."""
        with self._lock:
            children, self._idle = self._idle, []
        for child in children:
            with suppress(OSError):
                child.stdin.close()
            child.terminate()
            child.wait()
            child.stdout.close()


def _start() -> subprocess.Popen:
    # its standard error could hold parts of the header, so no one is to read it
    return subprocess.Popen(
        [python_program(), str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _ask(child: subprocess.Popen, path: Path, frame: int | None) -> tuple[tuple, NDArray | None]:
    request = json.dumps((str(path.absolute()), frame)).encode()
    child.stdin.write(struct.pack("<Q", len(request)) + request)
    child.stdin.flush()
    (size,) = struct.unpack("<Q", _read(child, 8))
    answer = json.loads(_read(child, size))
    if answer[0] == "error":
        return answer, None
    pixels = np.empty(answer[2], np.dtype(answer[1]))
    view = memoryview(pixels).cast("B")
    at = 0
    while at < len(view):
        if not (count := child.stdout.readinto(view[at:])):
            raise EOFError
        at += count
    return answer, pixels


def _read(child: subprocess.Popen, size: int) -> bytes:
    data = child.stdout.read(size)
    if len(data) < size:
        raise EOFError
    return data


_shared: DecoderPool | None = None
_shared_lock = threading.Lock()


def decoders() -> DecoderPool:
    """The pool that all readers of this process share."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = DecoderPool()
            atexit.register(_shared.close)
        return _shared
