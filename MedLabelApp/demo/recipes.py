"""What the demo project is made of: each volume, its source, and the objects on it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from MedLabelApp.demo.fetch import FetchedSource
from MedLabelApp.demo.sources import CHEST, PHANTOM, RADIOMICS, DemoSource
from MedLabelLib.exchange.label_image import LabelImage
from MedLabelLib.exchange.rtstruct import mask_from_roi, read_rois
from MedLabelLib.model.errors import FileFormatError
from MedLabelLib.model.mask import Mask
from MedLabelLib.volumes.found import FoundScan, NotAnImage
from MedLabelLib.volumes.image import VolumeImage
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans

#: Those of the chest CT's 88 structures that the demo shows, by their names in ``structures.csv``.
CHEST_STRUCTURES = (
    "liver",
    "spleen",
    "kidney_right",
    "kidney_left",
    "stomach",
    "pancreas",
    "heart",
    "aorta",
    "trachea",
    "lung_upper_lobe_right",
    "lung_middle_lobe_right",
    "lung_lower_lobe_right",
    "lung_upper_lobe_left",
    "lung_lower_lobe_left",
    "vertebrae_T12",
)


@dataclass(frozen=True)
class Labeled:
    """A scan and its objects, by the class of each."""

    image: VolumeImage
    objects: list[tuple[str, Mask]]


@dataclass(frozen=True)
class DemoVolume:
    """A volume of the demo project; ``make`` reads it out of its fetched source."""

    name: str
    source: DemoSource
    make: Callable[[FetchedSource], Labeled]


def _lung(fetched: FetchedSource) -> Labeled:
    image = _scan(fetched.files["lung2_image.nrrd"], "CT", "HU")
    return Labeled(image, [("tumour", _one_label(fetched.files["lung2_label.nrrd"], image))])


def _brain(fetched: FetchedSource) -> Labeled:
    image = _scan(fetched.files["brain1_image.nrrd"], "MR", "")
    return Labeled(image, [("lesion", _one_label(fetched.files["brain1_label.nrrd"], image))])


def _chest(fetched: FetchedSource) -> Labeled:
    image = _scan(fetched.files["cxr.nii.gz"], "CT", "HU")
    labels = LabelImage.read(fetched.files["mask.nii.gz"])
    with fetched.files["structures.csv"].open(encoding="utf-8", newline="") as file:
        values = {row["structure"]: int(row["id"]) for row in csv.DictReader(file)}
    return Labeled(image, [(name, labels.mask(image.geometry, values[name])[0]) for name in CHEST_STRUCTURES])


def _phantom(fetched: FetchedSource) -> Labeled:
    folder = fetched.files["pat_1"]
    found = find_scans(folder)
    scans = [entry for entry in found if isinstance(entry, FoundScan)]
    structures = [e.path for e in found if isinstance(e, NotAnImage) and e.modality == "RTSTRUCT"]
    if len(scans) != 1 or not structures:
        raise FileFormatError("it lacks its series or its RTSTRUCT", folder)
    image = scans[0].read()
    rois = [roi for path in structures for roi in read_rois(path)]
    return Labeled(image, [(roi.name, mask_from_roi(roi, image.geometry)[0]) for roi in rois])


def _scan(path: Path, modality: str, unit: str) -> VolumeImage:
    """A scan whose file does not say what made it."""
    image = read_volume(path)
    image.modality, image.unit = modality, unit
    return image


def _one_label(path: Path, image: VolumeImage) -> Mask:
    return LabelImage.read(path).mask(image.geometry)[0]


#: In the order in which they are made.
DEMO_VOLUMES = (
    DemoVolume("lung2", RADIOMICS, _lung),
    DemoVolume("brain1", RADIOMICS, _brain),
    DemoVolume("chest", CHEST, _chest),
    DemoVolume("phantom", PHANTOM, _phantom),
)
