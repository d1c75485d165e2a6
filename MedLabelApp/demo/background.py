"""The demo project being made by a child process while its page is served."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from MedLabelApp.demo.project import DemoEvent

_STARTING = ""


def _arrival(name: str, message: str) -> dict[str, Any]:
    return {"name": name, "percent": None, "message": message}


class BackgroundMaking:
    """Follows the child's events. ``arriving()`` and ``problems()`` are as the projects page shows them."""

    def __init__(self, path: Path, on_event: Callable[[DemoEvent], None]) -> None:
        self._on_event = on_event
        self._lock = threading.Lock()
        # until the child has said what is missing, so that the page keeps asking
        self._arriving: dict[str, dict[str, Any]] = {_STARTING: _arrival("the demo scans", "starting")}
        self._problems: list[str] = []
        self._stopping = False
        self._child = subprocess.Popen(
            [sys.executable, "-m", "MedLabelApp.demo", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl+C is for the server, which then ends it
        )
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def arriving(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._arriving.values()]

    def problems(self) -> list[str]:
        with self._lock:
            return list(self._problems)

    def stop(self) -> None:
        """End the making, with what it has started; what it has fetched and made so far stays."""
        self._stopping = True
        with suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(self._child.pid, signal.SIGTERM)
            else:
                self._child.terminate()
        self._child.wait()
        self._thread.join(5)

    def _follow(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            event = DemoEvent(**json.loads(line))
            self._take(event)
            self._on_event(event)
        status = self._child.wait()
        if status != 0 and not self._stopping:
            self._take(DemoEvent("problem", text="the making of the demo ended unexpectedly; start it again"))
        with self._lock:
            self._arriving.clear()

    def _take(self, event: DemoEvent) -> None:
        with self._lock:
            if event.kind == "waiting":
                self._arriving[event.source] = _arrival(event.title, "waiting")
            elif event.kind == "size":
                self._arriving.pop(_STARTING, None)
            elif event.kind == "fetching" and event.total:
                percent = round(100 * event.done / event.total)
                self._arriving[event.source].update(percent=percent, message="")
            elif event.kind == "making":
                self._arriving[event.source].update(percent=None, message=f"making {event.text}")
            elif event.kind == "problem":
                self._problems.append(event.text)
            elif event.kind == "ended":
                self._arriving.pop(event.source, None)


@contextmanager
def making_in_background(path: Path, on_event: Callable[[DemoEvent], None]) -> Iterator[BackgroundMaking]:
    """The making runs for as long as the block does, and is stopped at its end."""
    making = BackgroundMaking(path, on_event)
    try:
        yield making
    finally:
        making.stop()
