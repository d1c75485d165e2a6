"""What a user chose for good: one small JSON file in the user's own folder of settings."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import platformdirs

from MedLabelLib.model.errors import ProjectError
from MedLabelLib.storage.atomic import write_json

log = logging.getLogger(__name__)


def settings_file() -> Path:
    """Where they are kept; ``MEDLABEL_SETTINGS`` names another file."""
    chosen = os.environ.get("MEDLABEL_SETTINGS")
    return Path(chosen or Path(platformdirs.user_config_dir("medlabel", appauthor=False)) / "settings.json")


class Settings:
    """Values by name, written at each change; what another window wrote meanwhile stays.

    They are a convenience: a file that is damaged or cannot be written is told of in the log, and the
    defaults stand.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or settings_file()
        self._values: dict[str, Any] = self._read()

    def get(self, name: str, default: Any) -> Any:
        """The value, where it is of the default's type; else the default."""
        value = self._values.get(name, default)
        return value if type(value) is type(default) else default

    def set(self, **values: Any) -> None:
        if any(self._values.get(name) != value for name, value in values.items()):
            self._write({**self._read(), **values})

    def forget(self, *names: str) -> None:
        self._write({name: value for name, value in self._read().items() if name not in names})

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.file.read_text(encoding="utf-8"))
            if not isinstance(values, dict):
                raise ValueError("it holds no JSON object")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("the settings in %s are not used: %s", self.file, error)
            return {}
        return values

    def _write(self, values: dict[str, Any]) -> None:
        self._values = values
        try:
            write_json(self.file, values)
        except ProjectError as error:
            log.warning("the settings are not kept: %s", error)
