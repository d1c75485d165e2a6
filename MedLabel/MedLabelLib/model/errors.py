"""The errors MedLabel raises on purpose: typed, with one sentence that names the file and the cause."""

from __future__ import annotations

from pathlib import Path


class MedLabelError(Exception):
    """Base of every error that a face shows to the user as it is.

    The message is one sentence that says what could not be done and why. ``path`` is the file or folder
    it is about, when there is one; it is put in front of the message.
    """

    def __init__(self, message: str, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.reason = message
        super().__init__(message if path is None else f"{path}: {message}")


class GeometryError(MedLabelError):
    """A grid, a box or a transform that cannot be: singular axes, a slice outside, grids that differ."""


class AnnotationError(MedLabelError):
    """An annotation that contradicts itself or its project: an unknown class, a figure off its plane."""


class FileFormatError(MedLabelError):
    """A file that cannot be read as what it claims to be: truncated, damaged, of another kind."""


class ProjectError(MedLabelError):
    """A project folder that cannot be opened, made or written."""


class NotFoundError(MedLabelError):
    """A name that matches nothing: no such volume, object, class, tag."""


class AmbiguousError(MedLabelError):
    """A name that matches more than one thing; the message lists them."""


class DuplicateError(MedLabelError):
    """Something of this name or identity is there already."""


class LockedError(MedLabelError):
    """Another living process has it open for writing; the message names it."""


class ExportError(MedLabelError):
    """An export that could not be written, or that did not read back as what was to be written."""
