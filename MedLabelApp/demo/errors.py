"""The one error of the demo scans."""

from __future__ import annotations

from MedLabelLib.model.errors import MedLabelError


class DemoSourceError(MedLabelError):
    """A demo source that could not be had; the message names its package and the cause."""

    def __init__(self, package: str, version: str, cause: str) -> None:
        self.package = package
        self.version = version
        self.cause = cause
        super().__init__(f"the demo scans in {package} {version} could not be fetched: {cause}")
