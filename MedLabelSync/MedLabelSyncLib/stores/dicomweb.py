"""Any DICOMweb server as a store: QIDO, WADO and STOW by dicomweb-client.

A revision is an SR in a series of its scan's own, in the study of the scan; its masks are DICOM SEGs, a file
for each object, that later revisions go on naming while the object stays as it is. An SR names its parents as
predecessor documents, and its InstanceNumber is one more than it has parents, so that a search tells all that
``references`` has to.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedLabelLib.exchange.formats.dicom_seg import BINARY, write_seg
from MedLabelLib.exchange.formats.dicom_source import DicomSource, source_of
from MedLabelLib.exchange.formats.label_item import label_items
from MedLabelLib.exchange.label_files.dicom_seg import read_seg
from MedLabelLib.model.annotation import Annotation
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.provenance import volume_provenance
from MedLabelLib.storage.volume import Volume

from ..content import ReadMask, definitions_of, mask_digest
from ..errors import StoreDataError, StoreError
from ..identity import digest_of, named
from ..revision import Reference, Revision, Scan
from ..sr.reading import read_report
from ..sr.uids import revision_of_uid, scan_of_description, series_description, uid_of_revision
from ..sr.writing import SegmentPlace, write_report
from . import session
from .configured import ConfiguredStore
from .secret import Secret
from .session import make_session, typed_errors
from .store import Progress

if TYPE_CHECKING:
    from pydicom import Dataset

PAGE = 500
MOST_ROWS = 10_000_000
MOST_SLICES = 100_000
# up to so many scans are asked for by name
FEW = 8
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_MANUFACTURER, MANUFACTURER = "00080070", "MedLabel"
_NUMBER, _DESCRIPTION, _PREDECESSORS = "00200013", "0008103E", "0040A360"


class DicomWebStore:
    """A store on a DICOMweb server; see the module for how revisions lie there."""

    leaves_machine = True

    def __init__(self, configured: ConfiguredStore, secret: Secret | None) -> None:
        from dicomweb_client.web import DICOMwebClient

        self.url = configured.address.place
        self._client = DICOMwebClient(
            self.url, session=make_session(configured, secret), timeout=session.TIMEOUT
        )
        # a failure goes to the queue at once, which knows how long to wait
        self._client.set_http_retry_params(retry=False)
        # these log whole tracebacks and URLs of errors that are told of here
        for name in ("retrying", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._places: dict[str, tuple[str, str]] = {}

    @property
    def identity(self) -> str:
        return named("dicomweb", self.url)

    def test(self) -> str:
        with typed_errors(self.url):
            self._client.search_for_studies(limit=1)
        return "it can be searched"

    # -- revisions ---------------------------------------------------------------------------------------

    def references(self, scan_ids: Collection[str] | None = None) -> dict[str, list[Reference]]:
        wanted = None if scan_ids is None else set(scan_ids)
        if wanted is not None and len(wanted) <= FEW:
            rows = [
                row
                for scan_id in sorted(wanted)
                for row in self._reports({"SeriesDescription": series_description(scan_id)})
            ]
        else:
            rows = self._reports({})
        found: dict[str, dict[str, Reference]] = {}
        for row in rows:
            scan_id = scan_of_description(_text(row, _DESCRIPTION))
            revision_id = revision_of_uid(_text(row, _INSTANCE))
            if scan_id is None or revision_id is None or (wanted is not None and scan_id not in wanted):
                continue
            self._places[revision_id] = (_text(row, _STUDY), _text(row, _SERIES))
            reference = Reference(revision_id, self._parents(row, revision_id))
            found.setdefault(scan_id, {})[revision_id] = reference
        return {scan_id: list(there.values()) for scan_id, there in found.items()}

    def _reports(self, filters: dict[str, str]) -> list[dict]:
        return self._search_instances({"Modality": "SR", **filters}, [_DESCRIPTION, _PREDECESSORS, _NUMBER])

    def _search_instances(self, filters: dict[str, str], fields: list[str]) -> list[dict]:
        rows: list[dict] = []
        with typed_errors(self.url):
            while True:
                page = self._client.search_for_instances(
                    limit=PAGE, offset=len(rows), fields=fields, search_filters=filters
                )
                _check_rows(page)
                rows += page
                if len(page) < PAGE:
                    return rows
                if len(rows) > MOST_ROWS:
                    raise ValueError("more rows than a server can have")

    def _parents(self, row: dict, revision_id: str) -> tuple[str, ...]:
        number = _text(row, _NUMBER)
        if number == "1":
            return ()
        if _PREDECESSORS not in row:
            # a server that leaves sequences out of its answers
            return self.read("", revision_id).reference.parents
        found: set[str] = set()
        _collect_uids(row[_PREDECESSORS], found)
        return tuple(sorted(filter(None, map(revision_of_uid, found))))

    def read(self, scan_id: str, revision_id: str) -> Revision:
        study, series = self._place(revision_id)
        with typed_errors(self.url):
            dataset = self._client.retrieve_instance(study, series, uid_of_revision(revision_id))
        revision = _typed(read_report, dataset)
        if revision.id != revision_id or (scan_id and revision.scan.id != scan_id):
            raise StoreDataError("the store gave another revision than was asked for")
        return revision

    def _place(self, revision_id: str) -> tuple[str, str]:
        if revision_id not in self._places:
            rows = self._search_instances({"SOPInstanceUID": uid_of_revision(revision_id)}, [])
            if not rows:
                raise StoreDataError(f"there is no revision {revision_id} in the store")
            self._places[revision_id] = (_text(rows[0], _STUDY), _text(rows[0], _SERIES))
        return self._places[revision_id]

    def read_mask(self, revision: Revision, digest: str) -> Mask:
        key = next(record["key"] for record in revision.content.objects if record["mask"] == digest)
        place = _known_places(revision).get(key)
        if place is None:
            raise StoreDataError("a report in the store does not say where a mask is")
        geometry = _geometry(revision)
        with typed_errors(self.url):
            dataset = self._client.retrieve_instance(
                revision.scan.study_instance_uid, place.series, place.instance
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mask.dcm"
            dataset.save_as(path, enforce_file_format=True)
            labels = _typed(read_seg, path).labels
            if len(labels) != 1:
                raise StoreDataError("a mask in the store is of more than one object")
            mask, _ = _typed(labels[0].mask, geometry)
        if mask_digest(mask) != digest:
            raise StoreDataError("a mask in the store is not the one that its revision names")
        return mask

    def write(self, revision: Revision, read_mask: ReadMask, progress: Progress, volume: Volume) -> bool:
        source = self._source(volume)
        if self._search_instances({"SOPInstanceUID": uid_of_revision(revision.id)}, []):
            return False
        scan = revision.scan
        if not self.has_scan(scan):
            raise StoreError(
                f"the server does not have the series of {volume.label}; push --scans sends it first"
            )
        annotation = revision.content.annotation(read_mask)
        canonical = volume.geometry()
        places, drawn = self._write_masks(revision, annotation, source, progress, volume)
        told = {
            **revision.notes,
            "geometry": canonical.to_json(),
            "masks": {key: {**vars(place), "drawn": drawn[key]} for key, place in places.items()},
        }
        whole = Revision(scan, revision.parents, revision.content, revision.author, revision.at, told)
        # the report comes last: whoever sees it finds all that it names
        self._store(write_report(whole, annotation, source, canonical, places), "labels", progress)
        return True

    def _write_masks(
        self,
        revision: Revision,
        annotation: Annotation,
        source: DicomSource,
        progress: Progress,
        volume: Volume,
    ) -> tuple[dict[str, SegmentPlace], dict[str, str]]:
        """Send the masks that the server lacks; object key → where each is, and a hash of all it shows."""
        provenance = volume_provenance(volume)
        earlier = [self.read(revision.scan.id, parent) for parent in revision.parents]
        known = {
            (key, mask["drawn"]): SegmentPlace(mask["series"], mask["instance"])
            for parent in earlier
            for key, mask in parent.notes.get("masks", {}).items()
        }
        there = self._segmentations(revision.scan)
        digests = {record["key"]: record["mask"] for record in revision.content.objects}
        places: dict[str, SegmentPlace] = {}
        drawn: dict[str, str] = {}
        for item in label_items(annotation, definitions_of(revision.content), provenance):
            progress.check()
            if item.is_empty:
                continue
            # without the number among its class, which changes with what becomes of other objects
            item = replace(item, name=item.class_name, number=1)
            drawn[item.key] = digest_of([digests[item.key], item.class_name, item.color])
            place = known.get((item.key, drawn[item.key]))
            if place is None:
                origin = provenance.objects.get(item.key)
                changed = getattr(origin, "updated_at", None) or _written(volume)
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "mask.dcm"
                    write_seg(path, [item], source, BINARY, changed)
                    place = self._send_mask(path, there, progress)
            places[item.key] = place
        return places, drawn

    def _send_mask(self, path: Path, there: set[str], progress: Progress) -> SegmentPlace:
        import pydicom

        dataset = pydicom.dcmread(path)
        place = SegmentPlace(str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID))
        if place.series not in there:
            self._store(dataset, "mask", progress, path.stat().st_size)
        return place

    def _segmentations(self, scan: Scan) -> set[str]:
        with typed_errors(self.url):
            rows = self._client.search_for_series(
                scan.study_instance_uid, search_filters={"Modality": "SEG"}, get_remaining=True
            )
            _check_rows(rows)
        return {_text(row, _SERIES) for row in rows}

    def _store(self, dataset: Dataset, what: str, progress: Progress, size: int = 0) -> None:
        progress.check()
        with typed_errors(self.url):
            answer = self._client.store_instances([dataset])
        taken = {str(item.ReferencedSOPInstanceUID) for item in answer.get("ReferencedSOPSequence") or ()}
        if str(dataset.SOPInstanceUID) not in taken:
            raise StoreError("the server did not take in what was sent", temporary=True)
        progress.sent(what, size or len(str(dataset)))

    # -- what others wrote -------------------------------------------------------------------------------

    def others(self, study: str) -> list[SegmentPlace]:
        """The segmentations and structure sets of a study that MedLabel did not write, as far as it tells."""
        found = []
        for modality in ("SEG", "RTSTRUCT"):
            rows = self._search_instances({"Modality": modality, "StudyInstanceUID": study}, [_MANUFACTURER])
            found += [
                SegmentPlace(_text(row, _SERIES), _text(row, _INSTANCE))
                for row in rows
                if _text(row, _MANUFACTURER) != MANUFACTURER
            ]
        return found

    def fetch(self, study: str, place: SegmentPlace, path: Path) -> bool:
        """Fetch an instance into a file; False where MedLabel wrote it, and it is no other's."""
        with typed_errors(self.url):
            dataset = self._client.retrieve_instance(study, place.series, place.instance)
            if dataset.get("Manufacturer") == MANUFACTURER:
                return False
            dataset.save_as(path, enforce_file_format=True)
        return True

    # -- scans -------------------------------------------------------------------------------------------

    def has_scan(self, scan: Scan) -> bool:
        if not scan.series_instance_uid:
            return False
        with typed_errors(self.url):
            return bool(
                self._client.search_for_series(
                    search_filters={"SeriesInstanceUID": scan.series_instance_uid}, limit=1
                )
            )

    def write_scan(self, revision: Revision, volume: Volume, progress: Progress) -> bool:
        import pydicom

        self._source(volume)
        sent = False
        there = {
            _text(row, _INSTANCE)
            for row in self._search_instances({"SeriesInstanceUID": revision.scan.series_instance_uid}, [])
        }
        for entry in {slice_.sop_instance_uid: slice_ for slice_ in volume.source().slices}.values():
            if entry.sop_instance_uid in there or entry.file is None:
                continue
            dataset = pydicom.dcmread(entry.file)
            self._store(dataset, "scan", progress, entry.file.stat().st_size)
            sent = True
        return sent

    def read_scan(self, revision: Revision, folder: Path) -> Path:
        scan = revision.scan
        folder.mkdir(parents=True, exist_ok=True)
        with typed_errors(self.url):
            datasets = self._client.iter_series(scan.study_instance_uid, scan.series_instance_uid)
            for number, dataset in enumerate(datasets):
                if number >= MOST_SLICES:
                    raise ValueError("more images than a series can have")
                dataset.save_as(folder / f"{number + 1:06d}.dcm", enforce_file_format=True)
        return folder

    def _source(self, volume: Volume) -> DicomSource:
        source = source_of(volume)
        if source is None:
            raise StoreError(
                f"{volume.label} came from no DICOM, and a DICOMweb store takes DICOM series only; "
                "a folder takes any scan"
            )
        return source


def _typed(read, what):
    """Read something that a server sent: whatever is wrong with it is the store's fault."""
    try:
        return read(what)
    except StoreError:
        raise
    except MedLabelError as error:
        raise StoreDataError(f"what the store holds is damaged: {error.reason}") from error


def _known_places(revision: Revision) -> dict[str, SegmentPlace]:
    try:
        return {
            str(key): SegmentPlace(str(place["series"]), str(place["instance"]))
            for key, place in revision.notes["masks"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreDataError("a report in the store does not say where its masks are") from error


def _geometry(revision: Revision) -> VolumeGeometry:
    try:
        geometry = VolumeGeometry.from_json(revision.notes["geometry"])
    except (KeyError, TypeError, MedLabelError) as error:
        raise StoreDataError("a report in the store does not say where its scan lies") from error
    if geometry.shape != revision.content.shape:
        raise StoreDataError("a report in the store names a grid of another size than its labels")
    return geometry


def _written(volume: Volume) -> datetime:
    return datetime.fromtimestamp(int(volume.annotation_path.stat().st_mtime), tz=timezone.utc)


def _check_rows(page: Any) -> None:
    """Raises ValueError where an answer to a search is not a list of datasets in DICOM's JSON."""
    if not isinstance(page, list):
        raise ValueError("no list")
    for row in page:
        if not isinstance(row, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get("Value", []), list) for entry in row.values()
        ):
            raise ValueError("no datasets")


def _text(row: dict, tag: str) -> str:
    values = row.get(tag, {}).get("Value") or [""]
    return str(values[0])


def _collect_uids(value: Any, found: set[str]) -> None:
    """All instance UIDs that stand anywhere in a sequence, in DICOM's JSON."""
    if isinstance(value, dict):
        for tag, entry in value.items():
            if tag == "00081155":
                found.update(str(uid) for uid in entry.get("Value") or ())
            else:
                _collect_uids(entry, found)
    elif isinstance(value, list):
        for entry in value:
            _collect_uids(entry, found)
