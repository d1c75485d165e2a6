"""Work that is done once its cause has come to rest: here the files that follow the journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RestingWriter:
    """Calls ``work`` on a thread of its own, ``rest`` seconds after the last touch, ``longest`` at most."""

    def __init__(self, work: Callable[[], None], rest: float, longest: float = 30.0) -> None:
        self._work = work
        self._rest = rest
        self._longest = longest
        self._changed = threading.Condition()
        self._first: float | None = None
        self._last = 0.0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def touch(self) -> None:
        with self._changed:
            self._last = time.monotonic()
            if self._first is None:
                self._first = self._last
            self._wake()

    def hurry(self) -> None:
        """Work now, without waiting for rest."""
        with self._changed:
            self._first = time.monotonic() - self._longest
            self._wake()

    def _wake(self) -> None:
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(target=self._run, name="project-files", daemon=True)
            self._thread.start()
        self._changed.notify()

    def stop(self) -> None:
        """Work no more; what is at work is waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped:
                    if self._first is None:
                        self._changed.wait()
                        continue
                    due = min(self._last + self._rest, self._first + self._longest)
                    if (left := due - time.monotonic()) <= 0:
                        break
                    self._changed.wait(left)
                if self._stopped:
                    return
                self._first = None
            self._work()
