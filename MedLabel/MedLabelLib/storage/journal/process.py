"""Which process holds something, and whether it still lives."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class ProcessIdentity:
    """A process: its host, its number, and when it started, as numbers are used again."""

    host: str
    pid: int
    started: str

    def alive(self) -> bool | None:
        """Whether it lives; None when it is on another host and cannot be asked."""
        if self.host != platform.node():
            return None
        return self.started != "" and start_of(self.pid) == self.started


@lru_cache(maxsize=4)
def _identity(pid: int) -> ProcessIdentity:
    return ProcessIdentity(platform.node(), pid, start_of(pid))


def this_process() -> ProcessIdentity:
    return _identity(os.getpid())


def start_of(pid: int) -> str:
    """When a process of this host started, in the system's own form; empty when there is none."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""
        # a zombie has ended, though its parent has not looked yet
        return "" if fields[0] in "ZX" else f"{boot}-{fields[19]}"
    if sys.platform == "win32":
        return _windows_start(pid)
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


def _windows_start(pid: int) -> str:
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.windll.kernel32
    query_limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return ""
    times = [wintypes.FILETIME() for _ in range(4)]
    code = wintypes.DWORD()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.GetProcessTimes(handle, *(ctypes.byref(time) for time in times))
    kernel.CloseHandle(handle)
    return f"{times[0].dwHighDateTime}-{times[0].dwLowDateTime}" if code.value == still_active else ""
