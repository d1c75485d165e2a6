"""What a test needs and a machine may lack: skipped on a developer's machine, a failure where CI is set."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Whether nothing may be skipped, as on the build machine."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def lacking(what: str) -> NoReturn:
    """Ends the test: something it needs is not on this machine."""
    if in_ci():
        pytest.fail(f"{what}; in CI nothing is skipped", pytrace=False)
    pytest.skip(what)
