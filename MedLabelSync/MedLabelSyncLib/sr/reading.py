"""Reading the revision in an SR that MedLabel wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from MedLabelLib.exchange.terminology import PRIVATE_SCHEME

from ..errors import StoreDataError
from ..revision import Revision
from .uids import uid_of_revision
from .writing import private_value

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_TEXT = 1 << 28


def read_report(dataset: Dataset) -> Revision:
    """Raises StoreDataError where the report holds no revision, a damaged one, or another than it says."""
    for item in dataset.get("ContentSequence") or ():
        names = item.get("ConceptNameCodeSequence") or ()
        if item.get("ValueType") != "TEXT" or not names:
            continue
        name = names[0]
        is_ours = name.get("CodingSchemeDesignator") == PRIVATE_SCHEME
        if is_ours and name.get("CodeValue") == private_value("REVISION"):
            return _revision(str(item.get("TextValue") or ""), str(dataset.get("SOPInstanceUID")))
    raise StoreDataError("a report in the store holds no labels of MedLabel")


def _revision(text: str, uid: str) -> Revision:
    if len(text) > LARGEST_TEXT:
        raise StoreDataError("a report in the store is larger than it may be")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreDataError(f"a report in the store is damaged: {error}") from error
    revision = Revision.from_json(data)
    if uid_of_revision(revision.id) != uid:
        raise StoreDataError("a report in the store is not the revision that its UID names")
    return revision
