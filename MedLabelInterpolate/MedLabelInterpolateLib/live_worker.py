"""The thread that fills a live interpolation's gaps while the user goes on drawing."""

from __future__ import annotations

import threading
import time

from MedLabelLib.model.errors import MedLabelError

from .live import LiveInterpolation

# while edits come gaps are filled by the quick method; the chosen one follows once they have rested
QUICK = "shape"
REST_SECONDS = 0.2


class LiveWorker:
    """Does the work of a live interpolation on a thread of its own; the newest request wins."""

    def __init__(self, live: LiveInterpolation, rest_seconds: float = REST_SECONDS) -> None:
        self._live = live
        self._rest_seconds = rest_seconds
        self._wake = threading.Condition()
        self._changed_at = 0.0
        self._closed = False
        self.failure = ""
        self._thread = threading.Thread(target=self._run, name="interpolation", daemon=True)
        live.listen(self._on_change)
        self._thread.start()

    def close(self) -> None:
        """End the thread; it gives up what it is at."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    def _on_change(self, work: bool) -> None:
        if work:
            with self._wake:
                self._changed_at = time.monotonic()
                self._wake.notify_all()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            if not self._closed:
                self.failure = "the interpolation broke off; the server's log says why"
                self._live.tell()

    def _work(self) -> None:
        live = self._live
        seen = -1
        while True:
            with self._wake:
                while not self._closed and live.generation == seen:
                    self._wake.wait()
                if self._closed:
                    return
            seen = live.generation

            def is_old(mine: int = seen) -> bool:
                return self._closed or live.generation != mine

            try:
                if live.method != QUICK:
                    # not given up: while the brush moves there is always a newer request
                    live.compute(QUICK, only_new=True)
                if live.method == QUICK:
                    live.compute()
                elif self._rests(seen):
                    # at once what the quick method says of the weak places; the chosen one may take its time
                    live.judge(is_old, QUICK)
                    live.compute(cancel=is_old)
                if self._rests(seen):
                    live.judge(is_old)
                self.failure = ""
            except MedLabelError as error:
                self.failure = error.reason
                live.tell()

    def _rests(self, generation: int) -> bool:
        """Wait until edits have rested; False when there was another one."""
        with self._wake:
            while not self._closed and self._live.generation == generation:
                left = self._changed_at + self._rest_seconds - time.monotonic()
                if left <= 0:
                    return True
                self._wake.wait(left)
        return False
