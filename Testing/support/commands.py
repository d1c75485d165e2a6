"""The real command in a process of its own, and what it left on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedLabelApp.command.main import main


@dataclass(frozen=True)
class Answer:
    status: int
    lines: list[str]
    complaints: list[str]

    @property
    def document(self) -> dict[str, Any]:
        (line,) = self.lines
        return json.loads(line)


def medlabel(
    *arguments: str | Path, environment: dict[str, str] | None = None, bound: bool = False
) -> Answer:
    """Run ``medlabel`` and wait for it. ``bound`` makes file permissions count for root too."""
    command = [sys.executable, "-m", "MedLabelApp.command.main", *map(str, arguments)]
    if bound and os.getuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Answer(ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines())


def medlabel_here(*arguments: str | Path) -> Answer:
    """Run ``medlabel`` in this process, where many short commands are to be tried."""
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        status = main([str(argument) for argument in arguments])
    return Answer(status, said.getvalue().splitlines(), complained.getvalue().splitlines())


def tree(folder: Path) -> dict[str, str]:
    """Every file under a folder with its SHA-256, every folder with nothing."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }
