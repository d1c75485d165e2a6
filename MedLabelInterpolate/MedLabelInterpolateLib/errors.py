"""What can go wrong when slices are to be filled."""

from __future__ import annotations

from MedLabelLib.model.errors import MedLabelError


class InterpolationError(MedLabelError):
    """There is nothing to fill, or nothing to apply; the message says why."""
