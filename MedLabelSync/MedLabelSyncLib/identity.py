"""Names that follow from content: the same content has the same name everywhere."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

# of MedLabel's own; never to change, or what was pushed before would be pushed again
NAMESPACE = uuid.UUID("6d8d2f0e-2f5b-5f0a-9c53-8b6e0b1c7a11")
UID_ROOT = "2.25."


def canonical_json(value: Any) -> bytes:
    """The one spelling of a JSON value that hashes are taken of."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode("utf-8")


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def named(*parts: str) -> str:
    """The UUID, as 32 hex digits, that follows from ``parts`` (UUIDv5)."""
    return uuid.uuid5(NAMESPACE, "\n".join(parts)).hex


def uid_of(*parts: str) -> str:
    """A DICOM UID below 2.25 that follows from ``parts``."""
    return UID_ROOT + str(uuid.UUID(named(*parts)).int)
