"""From a store's entry in the user's list to the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MedLabelLib.model.errors import MedLabelError

from .address import DICOMWEB, FOLDER
from .configured import ConfiguredStore
from .dicomweb import DicomWebStore
from .folder import FolderStore
from .secret import find_secret
from .store import Store


def open_store(configured: ConfiguredStore, ask: Callable[[str], str] | None = None) -> Store:
    """The store; ``ask`` is called for a secret that is neither in the environment nor in the keyring."""
    if configured.address.kind == FOLDER:
        return FolderStore(Path(configured.address.place))
    secret = None if configured.login == "none" else find_secret(configured.name, ask)
    if configured.address.kind == DICOMWEB:
        return DicomWebStore(configured, secret)
    raise MedLabelError(f"stores of the kind {configured.address.kind} cannot be reached yet")
