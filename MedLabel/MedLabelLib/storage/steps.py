"""What a session says about its steps, its history and its saving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..model.errors import MedLabelError


class ReadOnlyError(MedLabelError):
    """The volume is open to be looked at only; the message says why."""


@dataclass(frozen=True)
class Step:
    """One undo step: the number of its entry in the journal, and its name."""

    id: int
    name: str


@dataclass(frozen=True)
class HistoryEntry:
    """One step of a volume's history. ``when`` is in UTC; ``undone`` says that it is not in effect now.

    ``current`` marks the place where the volume is: the newest step that is in effect.
    """

    id: int
    name: str
    tool: str
    author: str
    when: datetime
    face: str
    undone: bool
    current: bool = False


@dataclass(frozen=True)
class SavedState:
    """What the user is told about saving: ``saved``, ``saving`` or ``not saved``, since when, and why not.

    Edits are saved once they are in the journal. A reason beside ``saved`` says why the project's files
    do not show them yet.
    """

    state: str
    at: datetime | None
    reason: str = ""


@dataclass(frozen=True)
class SliceOrigin:
    """Who last set voxels of an object on a slice, and how: ``drawn``, ``interpolated``, ``model``, …"""

    kind: str
    model: str | None
    author: str
    when: datetime
    entry: int
