"""A revision as a DICOM SR by template 1500 (PS3.16), made by highdicom.

Each object is a measurement group: its segment in a DICOM SEG, or its outlines as SCOORD3D polygons, one
group for each, holes as groups of their own. Tags are qualitative evaluations (with codes), measurements
(numbers) or texts. What the standard has no code for is of the private scheme 99MEDLABEL: a value that
follows from the name, the name as its meaning. The whole revision stands in a text item ``REVISION`` besides,
as JSON, so that MedLabel reads back all that it wrote.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from MedLabelLib.exchange.formats.dicom_source import DicomSource
from MedLabelLib.exchange.formats.dicom_text import long_string
from MedLabelLib.exchange.terminology import PRIVATE_SCHEME, term_of
from MedLabelLib.model.annotation import Annotation, LabelObject, PlaneFigure, Tag
from MedLabelLib.model.figures import Polygon, Rectangle
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.version import VERSION

from ..identity import uid_of
from ..revision import Revision
from .uids import predecessor_of, series_description, uid_of_revision

if TYPE_CHECKING:
    from pydicom import Dataset

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
REPORT = "1.2.840.10008.5.1.4.1.1.88.34"
SERIES_NUMBER = 1001


@dataclass(frozen=True)
class SegmentPlace:
    """Where an object's mask is: a segmentation's series and instance; its segment is the first."""

    series: str
    instance: str


def write_report(
    revision: Revision,
    annotation: Annotation,
    source: DicomSource,
    canonical: VolumeGeometry,
    places: Mapping[str, SegmentPlace],
) -> Dataset:
    """The SR of a revision. ``places`` names the segment of each object with a mask, by object key."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    parents = [predecessor_of(parent, revision, source.header) for parent in revision.parents]
    evidence = [_image(source), *(_segmentation(source, place) for place in places.values())]
    groups = [
        group
        for entry in annotation.objects
        for group in _groups(entry, annotation, source, canonical, places.get(entry.key))
    ]
    with warnings.catch_warnings():
        # highdicom tells of code meanings and names that are unusual, not wrong
        warnings.simplefilter("ignore")
        observer = sr.ObserverContext(
            codes.DCM.Device,
            sr.DeviceObserverIdentifyingAttributes(uid_of("device", VERSION), "MedLabel", "MedLabel"),
        )
        report = sr.MeasurementReport(
            sr.ObservationContext(observer_device_context=observer),
            sr.CodedConcept("363679005", "SCT", "Imaging procedure"),
            groups or [_no_labels(revision)],
            codes.DCM.ImagingMeasurementReport,
            sr.LanguageOfContentItemAndDescendants(sr.CodedConcept("en", "RFC5646", "English")),
        )
        for item in _texts(revision, annotation):
            report[0].ContentSequence.append(item)
        document = sr.Comprehensive3DSR(
            evidence,
            report,
            uid_of("sr-series", revision.scan.id),
            SERIES_NUMBER,
            uid_of_revision(revision.id),
            1 + len(revision.parents),
            "MedLabel",
            is_complete=True,
            is_final=False,
            series_description=series_description(revision.scan.id),
            previous_versions=parents or None,
            software_versions=VERSION,
            manufacturer_model_name="MedLabel",
            device_serial_number="1",
        )
    source.describe_patient(document)
    written = datetime.fromisoformat(revision.at).astimezone()
    for name in ("Content", "InstanceCreation"):
        setattr(document, f"{name}Date", written.strftime("%Y%m%d"))
        setattr(document, f"{name}Time", written.strftime("%H%M%S"))
    document.CodingSchemeIdentificationSequence = [_private_scheme()]
    return document


def _groups(
    entry: LabelObject,
    annotation: Annotation,
    source: DicomSource,
    canonical: VolumeGeometry,
    place: SegmentPlace | None,
) -> Iterable[Any]:
    """The measurement groups of an object: its mask's, then one for each outline and hole."""
    from highdicom import sr

    term = term_of(entry.class_name)
    finding = sr.CodedConcept(term.type.value, term.type.scheme, term.type.meaning)
    title = f"{long_string(entry.class_name)[:50]}#{annotation.number(entry)}"
    measurements, evaluations, texts = _tags(entry.tags)
    first = True
    common = {"finding_type": finding}
    if place is not None:
        yield _with_texts(
            sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                sr.TrackingIdentifier(uid_of("object", entry.key), title),
                referenced_segment=sr.ReferencedSegment(
                    SEGMENTATION,
                    place.instance,
                    1,
                    source_series=sr.SourceSeriesForSegmentation(source.series_instance_uid),
                ),
                measurements=measurements or None,
                qualitative_evaluations=evaluations or None,
                **common,
            ),
            texts,
        )
        first = False
    for figure in annotation.figures_of(entry):
        for number, points in enumerate(_outlines(figure)):
            region = _region(figure, points, canonical, str(source.header.FrameOfReferenceUID))
            name = f"{title} {figure.plane.value} {figure.slice_index + 1}" + (" hole" if number else "")
            hole = [sr.QualitativeEvaluation(_private("part"), _private("hole"))] if number else []
            own = first and not number
            group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
                sr.TrackingIdentifier(uid_of("figure", figure.key, str(number)), long_string(name)),
                referenced_region=region,
                measurements=(measurements if own else []) or None,
                qualitative_evaluations=[*hole, *(evaluations if own else [])] or None,
                **common,
            )
            yield _with_texts(group, texts if own else [])
            first = False
    if first:
        yield _with_texts(
            sr.MeasurementsAndQualitativeEvaluations(
                sr.TrackingIdentifier(uid_of("object", entry.key), title),
                measurements=measurements or None,
                qualitative_evaluations=evaluations or None,
                **common,
            ),
            texts,
        )


def _no_labels(revision: Revision) -> Any:
    """The one group of a report on a scan without objects, as the template asks for a group."""
    from highdicom import sr

    return sr.MeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid_of("nothing", revision.scan.id), "no labels"),
        qualitative_evaluations=[sr.QualitativeEvaluation(_private("labels"), _private("none"))],
    )


def _with_texts(group: Any, texts: list[Any]) -> Any:
    for text in texts:
        group[0].ContentSequence.append(text)
    return group


def _tags(tags: Iterable[Tag]) -> tuple[list[Any], list[Any], list[Any]]:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    measurements, evaluations, texts = [], [], []
    for tag in tags:
        if tag.value is None:
            evaluations.append(sr.QualitativeEvaluation(_private("tag"), _private(tag.name)))
        elif isinstance(tag.value, str):
            texts.append(_text(_private(tag.name), tag.value))
        else:
            measurements.append(sr.Measurement(_private(tag.name), float(tag.value), codes.UCUM.NoUnits))
    return measurements, evaluations, texts


def _texts(revision: Revision, annotation: Annotation) -> Iterable[Any]:
    """What is said of the volume as a whole, and the revision itself."""
    for tag in annotation.tags:
        yield _text(_private(tag.name), "yes" if tag.value is None else str(tag.value))
    for name, value in annotation.extra.items():
        if isinstance(value, dict):
            for key, text in value.items():
                if isinstance(text, str) and text:
                    yield _text(_private(f"{name} {key}"), text)
    yield _text(_private("REVISION"), json.dumps(revision.to_json(), ensure_ascii=False))


def _text(name: Any, value: str) -> Any:
    from highdicom import sr

    return sr.TextContentItem(name, value, sr.RelationshipTypeValues.CONTAINS)


def _private(name: str) -> Any:
    from highdicom import sr

    return sr.CodedConcept(private_value(name), PRIVATE_SCHEME, long_string(name) or "text")


def private_value(name: str) -> str:
    """The code value of a name in the private scheme."""
    return "T" + hashlib.sha256(name.encode("utf-8")).hexdigest()[:12].upper()


def _private_scheme() -> Dataset:
    from pydicom import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "Classes and tags of MedLabel projects"
    scheme.CodingSchemeResponsibleOrganization = "MedLabel"
    return scheme


def _outlines(figure: PlaneFigure) -> Iterable[tuple[tuple[float, float], ...]]:
    """The outline of a figure, then its holes; bitmaps have none."""
    shape = figure.shape
    if isinstance(shape, Rectangle):
        left, top, right, bottom = shape.bounds
        yield ((left, top), (right, top), (right, bottom), (left, bottom))
    elif isinstance(shape, Polygon):
        yield shape.exterior
        yield from shape.interior


def _region(
    figure: PlaneFigure, points: Iterable[tuple[float, float]], geometry: VolumeGeometry, frame: str
) -> Any:
    from highdicom import sr

    points = np.asarray([*points], dtype=float)
    ijk = np.zeros((len(points), 3))
    ijk[:, figure.plane.axis] = figure.slice_index
    ijk[:, figure.plane.columns] = points[:, 0]
    ijk[:, figure.plane.rows] = points[:, 1]
    lps = geometry.ijk_to_lps(ijk)
    return sr.ImageRegion3D(sr.GraphicTypeValues3D.POLYGON, np.vstack([lps, lps[:1]]), frame)


def _image(source: DicomSource) -> Dataset:
    """The first image of the series, with all that highdicom asks one for."""
    from pydicom import Dataset

    dataset = Dataset()
    source.describe_patient(dataset)
    dataset.StudyInstanceUID = source.header.StudyInstanceUID
    dataset.SeriesInstanceUID = source.series_instance_uid
    dataset.SOPClassUID = source.references[0].sop_class_uid
    dataset.SOPInstanceUID = source.references[0].sop_instance_uid
    return dataset


def _segmentation(source: DicomSource, place: SegmentPlace) -> Dataset:
    from pydicom import Dataset

    dataset = Dataset()
    dataset.StudyInstanceUID = source.header.StudyInstanceUID
    dataset.SeriesInstanceUID = place.series
    dataset.SOPInstanceUID = place.instance
    dataset.SOPClassUID = SEGMENTATION
    return dataset
