"""A command that did part of its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from MedLabelLib.model.errors import MedLabelError


class PartlyDoneError(MedLabelError):
    """Not all could be done; ``document`` says in JSON what was. The exit status is 1."""

    def __init__(self, message: str, document: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.document = dict(document)
