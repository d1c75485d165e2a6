"""What can go wrong between here and a store, said so that a queue knows whether to try again."""

from __future__ import annotations

from pathlib import Path

from MedLabelLib.model.errors import MedLabelError


class StoreError(MedLabelError):
    """A store that did not do what was asked. ``temporary`` says that the same may succeed later.

    ``retry_after`` is how many seconds the store asked to be left alone, where it did.
    """

    def __init__(
        self,
        message: str,
        path: str | Path | None = None,
        *,
        temporary: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, path)
        self.temporary = temporary
        self.retry_after = retry_after


class AccessError(StoreError):
    """The store refuses this user: no secret, a wrong one, or not allowed to."""


class StoreDataError(StoreError):
    """What a store holds or sent is damaged, of another kind, or larger than it may be."""


class ConflictsError(MedLabelError):
    """Both sides changed the same thing differently, and nothing says which to take. Nothing was changed."""


class CancelledError(MedLabelError):
    """The user stopped it."""
