"""De-identifying DICOM by the Basic Application Level Confidentiality Profile of PS3.15 Annex E.

``dicom-anonymizer`` holds the standard's table and does what it says to each element. Added here: items of
sequences that stay are cleaned too, UIDs become others by a secret key, so that they are the same for every
file and every run, and the patient gets a pseudonym in the same way.

The key lies in the user's data folder and nowhere else. Whoever has it can tell which new UID an old one
has become; without it the way back is closed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.errors import FileFormatError, ProjectError
from ..storage.atomic import replacing
from ..volumes.dicom_header import read_dataset
from ..volumes.image import SourceRecord

if TYPE_CHECKING:
    from pydicom import Dataset

_METHOD = "MedLabel: PS3.15 Basic Application Confidentiality Profile"
_KEY_FILE = "deidentify.key"
# the library keeps its UIDs in a table of the module
_lock = threading.Lock()


class Pseudonyms:
    """New UIDs and a new patient for old ones, always the same for one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_user(cls) -> Pseudonyms:
        """Those of this user on this machine; the key is made at first use.

        ``MEDLABEL_DATA`` names another folder than the user's own. Raises ProjectError when it cannot be
        read or written.
        """
        import platformdirs

        folder = Path(os.environ.get("MEDLABEL_DATA") or platformdirs.user_data_path("medlabel"))
        path = folder / _KEY_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except FileExistsError:
                key = path.read_bytes()
                if len(key) != 32:
                    raise ProjectError("the key for de-identification is damaged", path) from None
                return cls(key)
            with os.fdopen(handle, "wb") as file:
                key = secrets.token_bytes(32)
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            return cls(key)
        except OSError as error:
            raise ProjectError(
                f"the key for de-identification cannot be had: {error.strerror}", path
            ) from error

    def uid(self, old: str) -> str:
        """The UID that takes the place of ``old`` (PS3.5 B.2: 2.25. and a number of 128 bits)."""
        return f"2.25.{int.from_bytes(self._digest('uid', old)[:16], 'big')}"

    def patient(self, old: str) -> str:
        """The name and id that take the place of a patient's id."""
        return f"P-{self._digest('patient', old).hex()[:12].upper()}"

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kind}:{text}".encode(), hashlib.sha256)


def deidentify(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    """Clean a dataset in place. Pixels stay: what is burned into them is not found here.

    Raises FileFormatError, without the path, when an element cannot be cleaned.
    """
    from dicomanonymizer import simpledicomanonymizer as library
    from pydicom.dataset import Dataset as DatasetClass

    patient = pseudonyms.patient(str(dataset.get("PatientID", "") or dataset.get("PatientName", "") or ""))
    rules = library.initialize_actions_2024b()
    try:
        with _lock:
            library.dictionary.clear()
            meta = getattr(dataset, "file_meta", None)
            for part in (dataset, meta):
                if part is not None:
                    library.dictionary.update({uid: pseudonyms.uid(uid) for uid in _uids(part)})
            _clean(dataset, rules, library.anonymize_dataset)
            library.dictionary.clear()
    except (NotImplementedError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileFormatError(f"it cannot be de-identified ({type(error).__name__})") from error
    dataset.PatientID = dataset.PatientName = patient
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = _METHOD[:64]
    code = DatasetClass()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    dataset.DeidentificationMethodCodeSequence = [code]
    dataset.preamble = bytes(128)
    if meta is not None and "SOPInstanceUID" in dataset:
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _uids(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        if element.VR == "UI" and element.value:
            many = not isinstance(element.value, str)
            yield from (str(value) for value in (element.value if many else [element.value]))


def _clean(dataset: Dataset, rules: dict, apply) -> None:
    """The rules on a dataset, and on the items of the sequences that are left in it."""
    apply(dataset, base_rules_gen=lambda: dict(rules))
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _clean(item, rules, apply)


def deidentified_source(record: SourceRecord, folder: Path, pseudonyms: Pseudonyms) -> SourceRecord:
    """Clean copies of a DICOM source's files in ``folder``, and the record that is theirs.

    Raises FileFormatError when a file cannot be cleaned, ProjectError when a copy cannot be written.
    """
    copies: dict[Path, Path] = {}
    for number, path in enumerate(record.files, 1):
        dataset = read_dataset(path)
        try:
            deidentify(dataset, pseudonyms)
        except FileFormatError as error:
            raise FileFormatError(error.reason, path) from error
        copies[path] = folder / f"{number:05d}.dcm"
        with replacing(copies[path]) as partial:
            dataset.save_as(partial, enforce_file_format=True)
    slices = [
        replace(entry, sop_instance_uid=pseudonyms.uid(entry.sop_instance_uid), file=copies[entry.file])
        for entry in record.slices
    ]
    return replace(
        record,
        files=list(copies.values()),
        slices=slices,
        series_instance_uid=pseudonyms.uid(record.series_instance_uid),
        study_instance_uid=pseudonyms.uid(record.study_instance_uid),
        frame_of_reference_uid=pseudonyms.uid(record.frame_of_reference_uid)
        if record.frame_of_reference_uid
        else "",
    )
