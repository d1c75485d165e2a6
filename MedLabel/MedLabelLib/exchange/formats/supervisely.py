"""Export as a project in Supervisely's layout: the canonical grid, no history, no identity."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk

from ...model.annotation import Annotation
from ...model.errors import ExportError
from ...model.geometry import VolumeGeometry
from ...model.mask import Mask
from ...storage.project import Project
from ...storage.provenance import volume_provenance
from ...storage.volume import Volume
from ...volumes.image import SourceRecord
from .comparison import Comparison
from .dicom_source import source_of
from .image_format import NRRD
from .supervisely_provenance import fill_in
from .verifying import check_same

# what other tools put into volumeMeta; MedLabel itself writes it only where it is asked to
_IDENTITY = ("patient", "seriesinstanceuid", "studyinstanceuid", "frameofreferenceuid", "sopinstanceuid")


def write_project(
    volumes: list[Volume],
    folder: Path,
    lost: list[str],
    told: Callable[[str, int], None],
    identity: bool = False,
) -> tuple[list[Path], list[Comparison]]:
    """Write volumes as a project into ``folder`` and read every file back.

    ``told(label, number)`` is called before each volume. With ``identity`` each volume's ``volumeMeta``
    says who the patient is, and the UIDs of its series. Returns the files. Raises ExportError when one
    did not read back as it was written.
    """
    target = Project.create(folder, volumes[0].dataset.project.definitions)
    compared = []
    for number, volume in enumerate(volumes):
        told(volume.label, number)
        compared.append(_write_volume(target, volume, lost, identity))
    if Project.open(folder).definitions != target.definitions:
        raise ExportError("meta.json did not read back with the classes and tags that were written")
    # where the scans came from is nobody else's business
    shutil.rmtree(target.private)
    return sorted(path for path in folder.rglob("*") if path.is_file()), compared


def _write_volume(target: Project, volume: Volume, lost: list[str], identity: bool) -> Comparison:
    image = volume.read_image()
    annotation = volume.read_annotation()
    expected = {entry.key: entry.mask for entry in annotation.objects}
    _tell_losses(volume, annotation, lost)
    annotation.volume_meta = {
        name: value
        for name, value in annotation.volume_meta.items()
        if not name.replace("_", "").lower().startswith(_IDENTITY)
    }
    if identity:
        annotation.volume_meta |= _identity(volume, lost)
    others = _take_other_figures(volume, annotation, lost)
    fill_in(annotation, volume_provenance(volume))
    # should the process be killed half-way, what it leaves names no file and no UID either
    axis_map = image.geometry.canonical()[1]
    image.source = SourceRecord("nrrd", image.geometry, axis_map)
    written = target.dataset(volume.dataset.name, create=True).add_volume(volume.name, image, annotation)
    for path in others:
        shutil.copyfile(path, written.mask_path(path.stem))

    array, grid = NRRD.read(written.path, image.geometry)
    check_same(written.path, array, grid, image.array, _even(image.geometry))
    again = written.read_annotation()
    if _plain(again) != _plain(annotation):
        raise ExportError(
            f"tags, classes or figures of {volume.label} did not read back as they were written"
        )
    found = {entry.key: entry.mask for entry in again.objects}
    for key, mask in expected.items():
        same = found.get(key) == mask if mask is not None and mask.box is not None else key in found
        if not same:
            raise ExportError(f"the object {key} of {volume.label} did not read back as it was written")
        if mask is not None and mask.box is not None:
            _check_mask_file(written, key, mask)
    drawn = sum(mask is not None and mask.box is not None for mask in expected.values())
    what = ("voxels of scan and masks", "place", "names", "colours", "tags", "figures")
    return Comparison(volume.label, drawn, what)


def _identity(volume: Volume, lost: list[str]) -> dict[str, str]:
    """Who the patient is, as ``volumeMeta`` says it, from the images that the volume came from."""
    source = source_of(volume)
    if source is None:
        lost.append(f"{volume.label}: it came from no DICOM, so that nothing says who the patient is")
        return {}
    header = source.header
    return {
        "patientName": str(header.get("PatientName") or ""),
        "patientID": str(header.get("PatientID") or ""),
        "seriesInstanceUID": source.series_instance_uid,
        "studyInstanceUID": str(header.StudyInstanceUID),
        "frameOfReferenceUID": str(header.FrameOfReferenceUID),
    }


def _plain(annotation: Annotation) -> tuple:
    """Everything of an annotation but its masks."""
    objects = [(entry.key, entry.class_name, entry.tags) for entry in annotation.objects]
    return annotation.tags, objects, annotation.figures


def _check_mask_file(written: Volume, key: str, mask: Mask) -> None:
    """Another decoder than the one that masks are read and written by must see the same voxels."""
    annotation = written.read_annotation(with_masks=False)
    path = written.mask_path(annotation.object(key).mask_key)
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T
    if not (voxels == mask.full()).all():
        raise ExportError(f"{path.name} of {written.label} did not read back as it was written")


def _even(geometry: VolumeGeometry) -> VolumeGeometry:
    """What an NRRD header can say of a grid: its even part."""
    return VolumeGeometry(geometry.shape, geometry.ijk_to_ras_matrix)


def _take_other_figures(volume: Volume, annotation: Annotation, lost: list[str]) -> list[Path]:
    """Further masks and meshes that another tool drew: those with a mask file go along."""
    kept, paths = [], []
    for figure in annotation.extra.pop("spatialFigures", ()):
        if figure.get("geometryType") == "mask_3d" and volume.mask_path(figure["key"]).exists():
            kept.append(figure)
            paths.append(volume.mask_path(figure["key"]))
        else:
            lost.append(f"{volume.label}: a figure of type {figure.get('geometryType')} was left out")
    if kept:
        annotation.extra["spatialFigures"] = kept
    return paths


def _tell_losses(volume: Volume, annotation: Annotation, lost: list[str]) -> None:
    if volume.geometry().is_uneven:
        lost.append(
            f"{volume.label}: its slices are unevenly spaced; all are there, but the format calls them even"
        )
    for entry in annotation.objects:
        if entry.mask is not None and entry.mask.count == math.prod(annotation.shape):
            name = f"{entry.class_name}#{annotation.number(entry)}"
            lost.append(f"{volume.label}: {name} fills the whole volume, which Supervisely's SDK cannot read")
