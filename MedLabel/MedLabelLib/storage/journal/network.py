"""Whether a folder lies on a network file system, where SQLite's WAL must not be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "MEDLABEL_NETWORK_FOLDER"
_KINDS = {
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "ceph", "glusterfs",
    "lustre", "gpfs", "beegfs", "webdav", "davfs", "9p", "virtiofs", "vboxsf", "fuse.sshfs",
    "fuse.glusterfs", "fuse.ceph", "fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs",
}  # fmt: skip


def is_network_folder(path: Path) -> bool:
    """From the system's table of mounts; the environment's MEDLABEL_NETWORK_FOLDER (0 or 1) overrides it."""
    told = os.environ.get(VARIABLE)
    if told in ("0", "1"):
        return told == "1"
    path = path.resolve()
    if sys.platform == "win32":
        return _is_remote_drive(path)
    return _kind_of_mount(path, _mounts()) in _KINDS


def _mounts() -> list[tuple[str, str]]:
    """All mounts as (folder, kind of file system)."""
    table = Path("/proc/self/mountinfo")
    if table.exists():
        rows = []
        for line in table.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            left, _, right = line.partition(" - ")
            folder = left.split()[4].encode("latin-1", "replace").decode("unicode_escape")
            rows.append((folder, right.split()[0]))
        return rows
    listed = subprocess.run(["mount"], capture_output=True, text=True, check=False).stdout
    rows = []
    for line in listed.splitlines():
        folder, mark, options = line.partition(" on ")[2].rpartition(" (")
        if mark:
            rows.append((folder, options.split(",")[0].rstrip(")")))
    return rows


def _kind_of_mount(path: Path, mounts: list[tuple[str, str]]) -> str:
    holders = [(folder, kind) for folder, kind in mounts if path.is_relative_to(folder)]
    # of several mounts on one folder the last covers the others
    return max(enumerate(holders), key=lambda item: (len(item[1][0]), item[0]))[1][1] if holders else ""


def _is_remote_drive(path: Path) -> bool:
    import ctypes

    remote = 4
    return str(path).startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(path.anchor) == remote
