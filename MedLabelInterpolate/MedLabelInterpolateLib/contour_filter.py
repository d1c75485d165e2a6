"""The side of ITK's contour filter that asks: a lasting child process, ended when it hangs."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import MedLabelLib
from MedLabelLib.model.errors import MedLabelError

from .contour_process import HEADER


class ContourFilterError(MedLabelError):
    """ITK's contour filter is not there, or its process ended or did not answer."""


class ContourFilter:
    """ITK's morphological contour interpolator in a lasting child process.

    ``source`` and ``options`` are the arguments of :mod:`MedLabelInterpolateLib.contour_process`.
    :meth:`start` begins loading it and returns at once. One request runs at a time; each may take
    ``limit`` seconds. After a failure the next request starts a new process.
    """

    def __init__(self, source: str = "any", *options: str, limit: float = 300.0) -> None:
        self._arguments = (source, *options)
        self._limit = limit
        self._process: subprocess.Popen[bytes] | None = None
        self._starting, self._asking = threading.Lock(), threading.Lock()
        self._ready = False

    def start(self) -> None:
        """Begin loading the filter, if it is not loaded or loading."""
        with self._starting:
            if self._process is not None and self._process.poll() is None:
                return
            self._ready = False
            self._process = subprocess.Popen(
                [sys.executable, "-m", "MedLabelInterpolateLib.contour_process", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
            atexit.register(self.close)

    def close(self) -> None:
        """End the process."""
        with self._starting:
            process, self._process = self._process, None
        atexit.unregister(self.close)
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def run(
        self, labels: NDArray[np.uint8], cancel: Callable[[], bool] | None = None
    ) -> NDArray[np.uint8] | None:
        """The filter's output for ``labels`` ``[i, j, k]``; None once ``cancel()`` says so.

        Raises
        ------
        ContourFilterError
            where there is no filter, and when its process ends or takes too long.
        """
        with self._asking:
            self.start()
            process = self._process
            answer: list[NDArray[np.uint8]] = []
            asking = threading.Thread(target=self._exchange, args=(process, labels, answer), daemon=True)
            asking.start()
            waited = 0.0
            while asking.is_alive():
                asking.join(0.05)
                waited += 0.05
                cancelled = cancel is not None and cancel()
                if asking.is_alive() and (cancelled or waited > self._limit):
                    self.close()
                    asking.join()
                    if cancelled:
                        return None
                    raise ContourFilterError(f"ITK's contour filter did not answer in {self._limit:g} s")
            if not answer:
                self.close()
                if self._ready:
                    raise ContourFilterError("ITK's contour filter crashed on this object")
                raise ContourFilterError(
                    "ITK's contour filter is neither in Slicer's libraries nor in an itk wheel here"
                )
            return answer[0]

    def _exchange(
        self, process: subprocess.Popen[bytes], labels: NDArray[np.uint8], answer: list[NDArray[np.uint8]]
    ) -> None:
        """Ask and wait; leaves ``answer`` empty where the process ends."""
        try:
            if not self._ready:
                self._ready = _read(process, HEADER.size) == HEADER.pack(1, 1, 1)
            if self._ready:
                process.stdin.write(HEADER.pack(*labels.shape) + labels.tobytes(order="F"))
                process.stdin.flush()
                shape = HEADER.unpack(_read(process, HEADER.size))
                voxels = np.frombuffer(_read(process, int(np.prod(shape))), dtype=np.uint8)
                answer.append(voxels.reshape(shape, order="F"))
        except (OSError, ValueError, EOFError):
            # the process has ended, or was ended
            return


def _read(process: subprocess.Popen[bytes], size: int) -> bytes:
    found = process.stdout.read(size)
    if len(found) < size:
        raise EOFError
    return found


def _environment() -> dict[str, str]:
    """This process's environment, with the folders of our packages on the path of Python."""
    folders = {str(Path(__file__).parents[1]), str(Path(MedLabelLib.__file__).parents[1])}
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*sorted(folders), *([path] if path else [])])}
