"""What can go wrong with the journal."""

from __future__ import annotations

from ...model.errors import LockedError, MedLabelError


class JournalError(MedLabelError):
    """The journal cannot be read or written now: locked, the disk full, the folder not writable."""


class JournalDamagedError(JournalError):
    """The journal's file is torn or altered; ``medlabel check --repair`` mends what it can."""


class TakenOverError(LockedError):
    """Another session took the volume over; what was acknowledged before is in the journal."""
