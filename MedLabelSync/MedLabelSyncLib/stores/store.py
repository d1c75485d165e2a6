"""The interface of a store of labels: revisions of scans, and the masks they name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.volume import Volume

from ..content import ReadMask
from ..errors import CancelledError
from ..revision import Reference, Revision, Scan


class Progress:
    """Counts bytes, tells whoever wants to know, and ends the work when it is to stop."""

    def __init__(
        self,
        tell: Callable[[str, int], None] = lambda what, sent: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._tell = tell
        self._is_cancelled = is_cancelled
        self.bytes = 0
        self.sent_items = 0

    def check(self) -> None:
        """Raises CancelledError when the user has stopped it."""
        if self._is_cancelled():
            raise CancelledError("stopped")

    def sent(self, what: str, count: int) -> None:
        """``count`` bytes of ``what`` have gone over."""
        self.bytes += count
        self.sent_items += 1
        self._tell(what, self.bytes)
        self.check()


class Store(Protocol):
    """Where labels are kept for all. A store only ever gets more: nothing in it is changed or taken away.

    Every method raises StoreError (or a kind of it) when the store cannot do it.
    """

    identity: str
    """Names the store itself, wherever its address leads; what was agreed with one holds for no other."""

    leaves_machine: bool
    """Whether labels go to another machine by a network protocol, and the user is to be asked first."""

    def test(self) -> str:
        """One sentence on what is there. Raises where the store cannot be used."""

    def references(self, scan_ids: Collection[str] | None = None) -> dict[str, list[Reference]]:
        """Scan id → its revisions, of these scans or of all; a scan without revisions is left out."""

    def read(self, scan_id: str, revision_id: str) -> Revision:
        """A revision without its masks. Raises StoreDataError where it is not there or damaged."""

    def read_mask(self, revision: Revision, digest: str) -> Mask:
        """A mask that the revision names; it is checked to be what its digest says."""

    def write(self, revision: Revision, read_mask: ReadMask, progress: Progress, volume: Volume) -> bool:
        """Add a revision of ``volume``, its masks first; False when it was there and nothing was sent.

        Broken off at any place it leaves nothing that anyone sees, and goes on from there when repeated.
        """

    def has_scan(self, scan: Scan) -> bool:
        """Whether the scan itself is in the store."""

    def write_scan(self, revision: Revision, volume: Volume, progress: Progress) -> bool:
        """Add the scan itself; False when it was there."""

    def read_scan(self, revision: Revision, folder: Path) -> Path:
        """The scan's file, or ``folder`` with its files. Raises StoreDataError where there is none."""
