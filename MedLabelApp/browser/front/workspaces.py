"""The workspaces of this front: a process per browser window, with one started ahead of need.

What a workspace process has to do (``workspace_control`` and ``workspace_guard`` are its side of it):

1. It is started as ``WorkspaceSettings.command`` with its key in the environment as
   ``MEDLABEL_WORKSPACE_KEY``, in a session of its own, standard error inherited.
2. It listens on 127.0.0.1, a port of its choice, and then writes the line ``{"port": N}`` to standard
   output. It refuses (403) every request whose header ``X-MedLabel-Key`` is not its key.
3. It reads one line from standard input, ``{"open": {"project": PATH, "dataset": NAME, "volume": NAME}}`` or
   ``{"open": {"file": PATH}}`` (a file or a folder), and answers ``{"opened": true}`` or
   ``{"error": "one sentence"}``. After an error it is stopped.
4. When standard input ends it saves and leaves, within 10 s of being stopped by the front. It also ends when
   the front is killed: the pipe is then closed by the system.
5. Its page is ``/index.html``, its WebSocket ``/ws`` and its wslink secret the key (``proxy`` says how the
   page learns of it).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .workspace_process import WorkspaceError, WorkspaceProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkspaceSettings:
    """How workspaces are kept. Times are in seconds.

    ``spare`` keeps one process started ahead; ``limit`` is how many may be open at once; ``grace`` how long
    one stays without a window; ``saving`` how long it may take to save and leave.
    """

    command: Sequence[str] = (sys.executable, "-m", "MedLabelApp.browser.workspace", "--control")
    spare: bool = True
    limit: int = 8
    grace: float = 600.0
    starting: float = 120.0
    opening: float = 600.0
    saving: float = 10.0


@dataclass(eq=False)
class Workspace:
    """One window's workspace. ``identity`` is in its address, and is in lower case, as trame's client needs.

    ``connections`` counts its WebSockets; ``idle_since`` is the monotonic time of the last one's end.
    """

    process: WorkspaceProcess
    what: Mapping[str, str]
    identity: str = field(default_factory=lambda: secrets.token_hex(16))
    connections: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def address(self) -> str:
        return f"/w/{self.identity}/"

    def connected(self) -> None:
        """A WebSocket was opened."""
        self.connections += 1

    def disconnected(self) -> None:
        """A WebSocket was closed."""
        self.connections -= 1
        self.idle_since = time.monotonic()


class Workspaces:
    """All workspaces of one front. To be used on one event loop, between ``start`` and ``close``."""

    def __init__(self, settings: WorkspaceSettings) -> None:
        self.settings = settings
        self._open: dict[str, Workspace] = {}
        self._ended: dict[str, str] = {}
        self._opening = 0
        self._processes: set[WorkspaceProcess] = set()
        self._spare: asyncio.Task[WorkspaceProcess] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the spare, and the watch over idle workspaces."""
        self._prepare_spare()
        self._background(self._stop_idle())

    async def open(self, what: Mapping[str, str]) -> Workspace:
        """A workspace with ``what`` open: one left without a window, or else a new process.

        Raises:
            WorkspaceError: it could not be opened, or too many windows are open.
        """
        for workspace in self._open.values():
            if workspace.what == what and not workspace.connections and workspace.process.running:
                workspace.idle_since = time.monotonic()
                return workspace
        await self._make_room()
        self._opening += 1
        try:
            process = await self._take_process()
            try:
                await process.open(what, self.settings.opening)
            except BaseException:
                self._background(self._stop_process(process))
                raise
            workspace = Workspace(process, dict(what))
            self._open[workspace.identity] = workspace
        finally:
            self._opening -= 1
        self._background(self._watch(workspace))
        self._prepare_spare()
        return workspace

    def find(self, identity: str) -> Workspace | None:
        """The running workspace of that identity."""
        workspace = self._open.get(identity)
        return workspace if workspace is not None and workspace.process.running else None

    def reason_ended(self, identity: str) -> str | None:
        """Why the workspace of that identity is gone; ``None`` when there never was one."""
        if identity in self._open:
            return "Its process ended unexpectedly. What it had saved is kept."
        return self._ended.get(identity)

    async def stop(self, identity: str, reason: str) -> None:
        """Let one workspace save and end it."""
        workspace = self._open.pop(identity, None)
        if workspace is not None:
            self._ended[identity] = reason
            await self._stop_process(workspace.process)

    async def stop_idle_of(self, what: Mapping[str, str], reason: str) -> None:
        """Let workspaces with ``what`` open that are without a window save, and end them."""
        for workspace in tuple(self._open.values()):
            if workspace.what == what and not workspace.connections:
                await self.stop(workspace.identity, reason)

    async def close(self) -> None:
        """Let every workspace save, and end them all, the spare too."""
        for task in self._tasks:
            task.cancel()
        if self._spare is not None:
            self._spare.cancel()
            await asyncio.wait([self._spare])
        await asyncio.gather(*(self._stop_process(process) for process in tuple(self._processes)))

    async def _take_process(self) -> WorkspaceProcess:
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                process = await spare
            except WorkspaceError:
                log.info("the spare workspace did not start; another is tried")
            else:
                if process.running:
                    return process
                await self._stop_process(process)
        return await self._start_process()

    async def _start_process(self) -> WorkspaceProcess:
        process = await WorkspaceProcess.start(self.settings.command, self.settings.starting)
        self._processes.add(process)
        return process

    async def _stop_process(self, process: WorkspaceProcess) -> None:
        await process.stop(self.settings.saving)
        self._processes.discard(process)

    def _prepare_spare(self) -> None:
        if self.settings.spare and self._spare is None:
            self._spare = asyncio.create_task(self._start_process())
            # Read the error of a spare that nobody takes, so that asyncio does not report it as lost.
            self._spare.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _make_room(self) -> None:
        """Stop the workspace that has been without a window for longest, when there are too many."""
        if len(self._open) + self._opening < self.settings.limit:
            return
        idle = [workspace for workspace in self._open.values() if not workspace.connections]
        if not idle:
            raise WorkspaceError(f"{self.settings.limit} windows are open; close one to open another")
        longest = min(idle, key=lambda workspace: workspace.idle_since)
        await self.stop(longest.identity, "It was saved and closed to make room for another.")

    async def _watch(self, workspace: Workspace) -> None:
        """Note when a workspace ends by itself."""
        status = await workspace.process.wait()
        self._processes.discard(workspace.process)
        if self._open.pop(workspace.identity, None) is not None:
            log.warning("a workspace ended with status %d", status)
            self._ended[workspace.identity] = "Its process ended unexpectedly. What it had saved is kept."

    async def _stop_idle(self) -> None:
        grace = self.settings.grace
        while True:
            await asyncio.sleep(min(grace / 4, 30.0))
            limit = time.monotonic() - grace
            for workspace in tuple(self._open.values()):
                if not workspace.connections and workspace.idle_since < limit:
                    reason = "It was saved and closed after a while without a window."
                    self._background(self.stop(workspace.identity, reason))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
