"""Who is at work: the name that stands in the journal."""

from __future__ import annotations

import getpass


def author() -> str:
    """The user of this machine; ``unknown`` where the system has no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
