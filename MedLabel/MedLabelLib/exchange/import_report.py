"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..model.errors import DuplicateError, FileFormatError, NotFoundError
from ..storage.volume import Volume
from ..volumes.found import NotAnImage
from .label_files.attaching import AddedLabel


@dataclass
class ImportReport:
    """What an import did.

    ``warnings``, ``failed`` and ``duplicates`` hold (file or volume, sentence); ``labels`` the objects that
    were made, each with its file; ``others`` the DICOM files that hold neither images nor labels (SR, …),
    which were left where they are; ``label_files`` files of labels that are still to be taken.
    """

    added: list[Volume] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    duplicates: list[tuple[Path, str]] = field(default_factory=list)
    others: list[NotAnImage] = field(default_factory=list)
    labels: list[tuple[Path, AddedLabel]] = field(default_factory=list)
    label_files: list[Path] = field(default_factory=list)

    def raise_if_nothing(self) -> None:
        """Raises FileFormatError, DuplicateError or NotFoundError, what it was, when nothing was added."""
        if self.added or self.labels:
            return
        for entries, error in ((self.failed, FileFormatError), (self.duplicates, DuplicateError)):
            if entries:
                path, reason = entries[0]
                more = f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
                raise error(reason + more, path)
        raise NotFoundError("there is no scan in what was given")
