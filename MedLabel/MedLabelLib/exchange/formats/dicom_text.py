"""Text as DICOM's value representations may hold it."""

from __future__ import annotations

import re

_LONG_STRING = 64


def long_string(text: str) -> str:
    """``text`` as a LO value: no backslash, no control characters, at most 64 characters."""
    return re.sub(r"[\x00-\x1f\\]", " ", text).strip()[:_LONG_STRING].strip()


def decimal(value: float) -> str:
    """``value`` as a DS value: at most 16 characters, and as many digits as these hold."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))
