"""For the workspace process: its side of the pipes to the front (the protocol is in ``workspaces``)."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import TextIO

KEY_VARIABLE = "MEDLABEL_WORKSPACE_KEY"

#: Seconds between the front's end and this process's own, if it has not left by itself: a little more than
#: the front itself waits, since saving comes first.
_LAST_RESORT = 20.0


class WorkspaceControl:
    """The pipes to the front.

    ``take_over`` goes first in the process, before any import that prints: it keeps standard output for the
    protocol, and sends what libraries print there to standard error.
    """

    def __init__(self, commands: TextIO, answers: TextIO, key: str) -> None:
        self.key = key
        self._commands = commands
        self._answers = answers
        self._lock = threading.Lock()

    @classmethod
    def take_over(cls) -> WorkspaceControl:
        """Claim this process's standard input and output, and the key from its environment.

        Raises:
            KeyError: the process was not started by a front.
        """
        key = os.environ.pop(KEY_VARIABLE)
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        commands = os.fdopen(os.dup(0), encoding="utf-8")
        with open(os.devnull, encoding="utf-8") as nothing:
            os.dup2(nothing.fileno(), 0)
        sys.stdout = sys.stderr
        return cls(commands, answers, key)

    def announce(self, port: int) -> None:
        """Say that the process listens on 127.0.0.1:``port``."""
        self._answer({"port": port})

    def opened(self) -> None:
        """Say that what was asked for is open."""
        self._answer({"opened": True})

    def failed(self, message: str) -> None:
        """Say in one sentence why it could not be opened. It is shown to the user as it is."""
        self._answer({"error": message})

    def listen(self, on_open: Callable[[dict[str, str]], None], on_close: Callable[[], None]) -> None:
        """Read commands in a thread of its own. Both callables are called in that thread: hand them on to
        the server's loop (``loop.call_soon_threadsafe``).

        ``on_open`` gets what to open; ``on_close`` is called once, when the front has closed the pipe or
        died: save and leave. A process that is still there after 20 s is ended.
        """

        def read() -> None:
            for line in self._commands:
                command = json.loads(line)
                if "open" in command:
                    on_open(command["open"])
            last_resort = threading.Timer(_LAST_RESORT, os._exit, [1])
            last_resort.daemon = True
            last_resort.start()
            on_close()

        threading.Thread(target=read, name="front", daemon=True).start()

    def _answer(self, answer: dict[str, object]) -> None:
        try:
            with self._lock:
                self._answers.write(json.dumps(answer) + "\n")
                self._answers.flush()
        except BrokenPipeError:
            return  # the front is gone; the reading thread sees it too and closes
