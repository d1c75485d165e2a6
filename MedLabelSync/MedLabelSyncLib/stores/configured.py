"""The user's list of stores: names, addresses and how to reach them, without any secret."""

from __future__ import annotations

import json
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from MedLabelLib.model.errors import (
    AmbiguousError,
    DuplicateError,
    FileFormatError,
    MedLabelError,
    NotFoundError,
)
from MedLabelLib.storage.atomic import write_json

from .address import Address, parse_address

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
LOGINS = ("none", "basic", "bearer", "oidc", "token")


@dataclass(frozen=True)
class ConfiguredStore:
    """A store as the user named it. ``login`` is one of LOGINS; ``ca`` and ``certificate`` are files.

    With ``login`` oidc, ``user`` is the client's id and ``token_address`` where its tokens come from.
    """

    name: str
    address: Address
    user: str = ""
    login: str = "none"
    token_address: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def to_json(self) -> dict[str, str]:
        data = {name: value for name, value in vars(self).items() if value and name != "name"}
        return {**data, "address": str(self.address)}


def config_folder() -> Path:
    """Where settings are kept: ``$MEDLABEL_CONFIG``, else the user's folder for them."""
    import platformdirs

    chosen = os.environ.get("MEDLABEL_CONFIG")
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("medlabel", appauthor=False))


class StoreList:
    """The list in ``stores.json``, in the order in which stores were added."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or config_folder()) / "stores.json"

    def all(self) -> list[ConfiguredStore]:
        """Raises FileFormatError when the file is damaged."""
        try:
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise FileFormatError(f"the list of stores cannot be read: {error}", self.path) from error
        try:
            return [_from_json(name, entry) for name, entry in data["stores"].items()]
        except (KeyError, TypeError, AttributeError) as error:
            raise FileFormatError(f"the list of stores is damaged: {error}", self.path) from error
        except MedLabelError as error:
            raise FileFormatError(error.reason, self.path) from error

    def find(self, name: str | None) -> ConfiguredStore:
        """The store of this name; without a name the only one there is."""
        stores = self.all()
        known = ", ".join(store.name for store in stores) or "none"
        if name is None:
            if len(stores) == 1:
                return stores[0]
            if stores:
                raise AmbiguousError(f"say with --store which store is meant: {known}")
            raise NotFoundError("there is no store yet; medlabel store add NAME ADDRESS adds one")
        for store in stores:
            if store.name == name:
                return store
        raise NotFoundError(f"there is no store {name!r} (there are: {known})")

    def add(self, store: ConfiguredStore) -> None:
        """Raises DuplicateError where the name is taken, MedLabelError where it is none."""
        if not _NAME.fullmatch(store.name):
            raise MedLabelError(f"a store's name is of letters, digits, - and _, not {store.name!r}")
        if store.login not in LOGINS:
            raise MedLabelError(f"one logs in by {', '.join(LOGINS)}, not {store.login!r}")
        with self._lock():
            stores = self.all()
            if any(other.name.lower() == store.name.lower() for other in stores):
                raise DuplicateError(f"there is a store {store.name!r} already")
            self._write([*stores, store])

    def remove(self, name: str) -> None:
        with self._lock():
            self.find(name)
            self._write([store for store in self.all() if store.name != name])

    def _lock(self) -> AbstractContextManager:
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self.path.with_suffix(".lock"))

    def _write(self, stores: list[ConfiguredStore]) -> None:
        write_json(self.path, {"stores": {store.name: store.to_json() for store in stores}})


def _from_json(name: str, data: dict[str, Any]) -> ConfiguredStore:
    store = ConfiguredStore(name, parse_address(data["address"]))
    rest = {key: str(value) for key, value in data.items() if key not in ("address", "name")}
    known = {key: value for key, value in rest.items() if key in ConfiguredStore.__dataclass_fields__}
    return replace(store, **known)
