"""Names of datasets and volumes, which become names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..model.errors import ProjectError

_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST = 120


def check_name(kind: str, name: str) -> str:
    """``name`` when every file system takes it as a file's name; else ProjectError says why not."""
    if not name or name != name.strip() or name.startswith(".") or name.endswith("."):
        raise ProjectError(
            f"{name!r} is no name for a {kind}: it is empty or begins or ends with a blank or dot"
        )
    if _FORBIDDEN.search(name) or _WINDOWS_DEVICES.match(name):
        raise ProjectError(f"{name!r} is no name for a {kind}: it has a character that files may not have")
    if len(name.encode("utf-8")) > LONGEST:
        raise ProjectError(f"the name of the {kind} is longer than {LONGEST} bytes: {name[:40]!r}…")
    return name


def tame_name(text: str, fallback: str) -> str:
    """The nearest allowed name to ``text``."""
    name = _FORBIDDEN.sub("_", text).strip().strip(".").encode("utf-8")[:LONGEST].decode("utf-8", "ignore")
    if not name or _WINDOWS_DEVICES.match(name):
        return fallback
    return name


def free_name(name: str, taken: Collection[str]) -> str:
    """``name``, or ``name-2``, ``name-3``… when it is taken (in whatever case)."""
    lowered = {other.lower() for other in taken}
    if name.lower() not in lowered:
        return name
    number = 2
    while f"{name}-{number}".lower() in lowered:
        number += 1
    return f"{name}-{number}"
