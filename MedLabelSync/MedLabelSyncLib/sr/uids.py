"""Revisions and scans as DICOM names them. A revision's UID tells its id and the other way round."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..identity import UID_ROOT, uid_of
from ..revision import Revision

if TYPE_CHECKING:
    from pydicom import Dataset

_DESCRIPTION = re.compile(r"MedLabel-([0-9a-f]{32})")


def uid_of_revision(revision_id: str) -> str:
    return UID_ROOT + str(int(revision_id, 16))


def revision_of_uid(uid: str) -> str | None:
    """The id of the revision that a UID stands for; None where it can stand for none."""
    number = uid.removeprefix(UID_ROOT)
    if number == uid or not number.isdigit() or int(number) >= 1 << 128:
        return None
    return f"{int(number):032x}"


def series_description(scan_id: str) -> str:
    """Names the scan in an attribute that servers are asked to search by.

    Of letters that no URL has to escape, since not every server takes escapes back.
    """
    return f"MedLabel-{scan_id}"


def scan_of_description(text: str) -> str | None:
    found = _DESCRIPTION.fullmatch(text)
    return found[1] if found else None


def predecessor_of(parent: str, revision: Revision, header: Dataset) -> Dataset:
    """A parent's report, as the report of ``revision`` refers to it."""
    from pydicom import Dataset

    dataset = Dataset()
    dataset.StudyInstanceUID = header.StudyInstanceUID
    dataset.SeriesInstanceUID = uid_of("sr-series", revision.scan.id)
    dataset.SOPInstanceUID = uid_of_revision(parent)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.34"
    return dataset
