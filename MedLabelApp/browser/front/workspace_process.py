"""One workspace process: started, spoken to over its pipes, stopped."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from MedLabelLib.model.errors import MedLabelError

from .workspace_control import KEY_VARIABLE

_LONGEST_LINE = 1 << 20


class WorkspaceError(MedLabelError):
    """A workspace that could not be started, or could not open what it was asked to."""


class WorkspaceProcess:
    """A running workspace process: ``port`` on 127.0.0.1 and the ``key`` that its requests must carry."""

    def __init__(self, process: asyncio.subprocess.Process, key: str) -> None:
        self._process = process
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read_answers())
        self.key = key
        self.port = 0

    @classmethod
    async def start(cls, command: Sequence[str], timeout: float) -> WorkspaceProcess:
        """Start ``command`` and wait up to ``timeout`` seconds until it listens.

        Raises:
            WorkspaceError: it could not be started, ended, or did not listen in time.
        """
        key = secrets.token_urlsafe(32)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, KEY_VARIABLE: key},
                limit=_LONGEST_LINE,
                # Ctrl+C in the terminal is for the front, which then lets its workspaces save.
                start_new_session=True,
            )
        except OSError as error:
            raise WorkspaceError(f"the workspace could not be started: {error.strerror}") from error
        workspace = cls(process, key)
        try:
            answer = await workspace._answer("port", timeout, "did not start")
        except BaseException:
            await asyncio.shield(workspace.stop(0))
            raise
        workspace.port = int(answer["port"])
        return workspace

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.returncode is None

    async def open(self, what: Mapping[str, str], timeout: float) -> None:
        """Ask the process to open ``what`` and wait until it has.

        Raises:
            WorkspaceError: with the process's own words, or when it ended or took longer than ``timeout``.
        """
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps({"open": dict(what)}).encode() + b"\n")
            await stdin.drain()
        except ConnectionError as error:
            raise WorkspaceError("the workspace ended before it could open the scan") from error
        await self._answer("opened", timeout, "did not open the scan")

    async def wait(self) -> int:
        """The exit status, once the process has ended (negative: the signal that ended it)."""
        return await self._process.wait()

    async def stop(self, timeout: float) -> None:
        """Close the pipe, upon which the process saves and leaves; end it when ``timeout`` seconds pass."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), timeout)
        except asyncio.TimeoutError:
            if self.running:
                self._process.kill()
            await self._process.wait()
        self._reading.cancel()

    async def _answer(self, wanted: str, timeout: float, failure: str) -> dict[str, Any]:
        try:
            answer = await asyncio.wait_for(self._answers.get(), timeout)
        except asyncio.TimeoutError as error:
            raise WorkspaceError(f"the workspace {failure} within {timeout:.0f} s") from error
        if answer is None:
            self._answers.put_nowait(None)
            raise WorkspaceError(f"the workspace {failure}: its process ended")
        if wanted not in answer:
            raise WorkspaceError(str(answer.get("error", f"the workspace {failure}")))
        return answer

    async def _read_answers(self) -> None:
        """Queue the process's JSON lines, and ``None`` at their end; whatever else it prints is dropped."""
        stdout = self._process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if isinstance(answer, dict):
                self._answers.put_nowait(answer)
        self._answers.put_nowait(None)
