"""The map of keys: what each does."""

from __future__ import annotations

from typing import Any, ClassVar

from .room import Room


class KeysRoom(Room):
    name = "keys"
    state: ClassVar[dict[str, Any]] = {"ml_actions": [], "ml_keys_open": False}
