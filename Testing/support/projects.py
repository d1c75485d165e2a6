"""Projects made on the spot, with scans and labels of known voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.exchange.label_image import label_from_image
from MedLabelLib.exchange.rtstruct import mask_from_roi, read_rois
from MedLabelLib.model.annotation import LabelObject
from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from MedLabelLib.storage.volume_file import write_volume


def write_nrrd(path: Path, array: np.ndarray, geometry: VolumeGeometry) -> Path:
    """A scan or label image in the file's own axes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, array, geometry)
    return path


def new_project(path: Path, *classes: str) -> Project:
    definitions = Definitions()
    for name in classes:
        definitions = definitions.with_class(name)
    return Project.create(path, definitions)


def add_object(volume: Volume, class_name: str, mask: Mask) -> str:
    """Give a volume one more object; returns its key."""
    annotation = volume.read_annotation()
    entry = LabelObject(class_name, mask=mask)
    annotation.objects.append(entry)
    volume.write_annotation(annotation)
    return entry.key


def random_mask(random: np.random.Generator, shape: tuple[int, int, int]) -> Mask:
    """Scattered voxels, at least one in and one out."""
    array = random.random(shape) < 0.3
    array.flat[0], array.flat[-1] = True, False
    return Mask.from_array(array)


def demo_project(path: Path, demo_cache) -> Project:
    """The demo's scans with a label each, imported the way a user does."""
    project = new_project(path, "tumour", "lesion", "structure", "GTV")
    for case, label in (("lung2", "tumour"), ("brain1", "lesion")):
        import_sources(project, [demo_cache.file("radiomics", f"{case}_image.nrrd")], name=case)
        volume = project.find_volume(case)
        mask, _ = label_from_image(volume, demo_cache.file("radiomics", f"{case}_label.nrrd"))
        add_object(volume, label, mask)
    import_sources(project, [demo_cache.file("chest", "cxr.nii.gz")], name="chest")
    chest = project.find_volume("chest")
    for value in (5, 10, 51):
        mask, _ = label_from_image(chest, demo_cache.file("chest", "mask.nii.gz"), value)
        add_object(chest, "structure", mask)
    series = phantom_folder(demo_cache)
    report = import_sources(project, [series], name=None, with_labels=False)
    phantom = report.added[0]
    mask, _ = mask_from_roi(read_rois(report.others[0].path)[0], phantom.geometry())
    add_object(phantom, "GTV", mask)
    return project


def phantom_folder(demo_cache) -> Path:
    """The folder of the DICOM series and its RTSTRUCT."""
    files = demo_cache.source("phantom").files.values()
    folder = next(iter(files))
    return folder if folder.is_dir() else folder.parent
