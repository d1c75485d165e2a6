"""UIDs that follow from what they name, so that the same content always has the same UID."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("6d65646c-6162-656c-8000-6c6162656c73")


def derived_uid(*parts: str) -> str:
    """The UID of what ``parts`` describe: ``2.25.`` and a UUIDv5 as an integer (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}"
