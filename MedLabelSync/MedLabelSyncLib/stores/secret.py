"""The secret of a store: from the environment, else the keyring, else asked for; written nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable

from MedLabelLib.model.errors import MedLabelError

SERVICE = "medlabel"


class Secret:
    """Holds a secret so that neither a log, a traceback nor an error shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self):
        raise TypeError("a secret is not stored")


def variable_of(name: str) -> str:
    return f"MEDLABEL_STORE_{name.upper().replace('-', '_')}_SECRET"


def find_secret(name: str, ask: Callable[[str], str] | None = None) -> Secret | None:
    """The secret of the store ``name``; None where there is none, also not by asking."""
    import keyring
    import keyring.errors

    given = os.environ.get(variable_of(name))
    if given:
        return Secret(given)
    try:
        kept = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError:
        kept = None
    if kept:
        return Secret(kept)
    answer = "" if ask is None else ask(f"Secret of the store {name}: ")
    return Secret(answer) if answer else None


def keep_secret(name: str, secret: Secret) -> None:
    """Put a secret into the keyring. Raises MedLabelError on a machine without one."""
    import keyring
    import keyring.errors

    try:
        keyring.set_password(SERVICE, name, secret.reveal())
    except keyring.errors.KeyringError as error:
        raise MedLabelError(
            f"this machine has no keyring for the secret; set {variable_of(name)} instead"
        ) from error


def forget_secret(name: str) -> None:
    """Take a store's secret out of the keyring, if it is there."""
    import keyring
    import keyring.errors

    try:
        keyring.delete_password(SERVICE, name)
    except keyring.errors.KeyringError:
        return
