"""How long a DICOM segmentation takes to write and verify, beside highdicom's plain write in the same run."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from MedLabelApp.bench.rows import Row
from MedLabelApp.demo.fetch import fetch_source
from MedLabelApp.demo.sources import DEMO_SOURCES
from MedLabelLib.exchange.formats.comparison import check_labels
from MedLabelLib.exchange.formats.derived_uids import derived_uid
from MedLabelLib.exchange.formats.dicom_seg import write_seg
from MedLabelLib.exchange.formats.dicom_source import DicomSource, ImageReference
from MedLabelLib.exchange.formats.label_item import LabelItem
from MedLabelLib.exchange.label_files.dicom_seg import read_seg
from MedLabelLib.exchange.label_image import LabelImage
from MedLabelLib.model.box import Box
from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.model.mask import Mask

REPEATS = 3
LARGE = 600
_CT = "1.2.840.10008.5.1.4.1.1.2"
_UNCHANGED = (False, False, False)


def run(full: bool = False) -> Iterator[Row]:
    """``full``: 600 slices too."""
    labels = _chest_labels()
    with tempfile.TemporaryDirectory() as folder:
        for count in (labels.shape[2], *([LARGE] if full else [])):
            array = np.asfortranarray(labels[:, :, np.arange(count) % labels.shape[2]])
            for seg_type in ("binary", "labelmap"):
                yield from _segmentation(Path(folder), array, seg_type, REPEATS if count < LARGE else 1)


def _chest_labels() -> NDArray[np.uint8]:
    """The 88 structures of the chest CT, numbered from 1 without a gap."""
    source = next(source for source in DEMO_SOURCES if source.name == "chest")
    array = LabelImage.read(fetch_source(source).files["mask.nii.gz"]).array
    values = np.unique(array)
    return np.searchsorted(values, array).astype(np.uint8)


def _segmentation(folder: Path, labels: NDArray, seg_type: str, repeats: int) -> Iterator[Row]:
    what = f"{labels.max()} objects of {'×'.join(map(str, labels.shape))} as {seg_type} DICOM SEG"
    images = _images(labels.shape)
    items, source = _items(labels), _source(images, labels.shape)
    changed = datetime(2026, 1, 2, tzinfo=timezone.utc)

    def ours() -> None:
        path = folder / "ours.dcm"
        write_seg(path, items, source, seg_type, changed)
        check_labels(read_seg(path), items, source.geometry)

    # highdicom takes [slice, row, column]
    frames = np.ascontiguousarray(labels.T)
    theirs = _highdicom(folder / "highdicom.dcm", frames, images, int(labels.max()), seg_type)
    mine, peer = _fastest(ours, repeats), _fastest(theirs, repeats)
    yield Row(f"{what}, written and verified", mine, "ms")
    yield Row(f"{what}, written by highdicom", peer, "ms")
    yield Row("written and verified, beside highdicom's write", mine / peer, "×", 1.0)


def _fastest(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return min(times)


def _items(labels: NDArray) -> list[LabelItem]:
    items = []
    for number, found in enumerate(find_objects(labels), 1):
        box = Box(tuple(part.start for part in found), tuple(part.stop for part in found))
        mask = Mask.from_box(labels.shape, box, labels[found] == number)
        name = f"structure {number}"
        color = f"#{(number * 0x3A5F7) % 0xFFFFFF:06X}"
        items.append(LabelItem(f"{number:032x}", name, 1, name, number, color, mask))
    return items


def _images(shape: tuple[int, int, int]) -> list:
    """The images of a series, as headers without pixels."""
    from pydicom import Dataset

    images = []
    for index in range(shape[2]):
        image = Dataset()
        image.SOPClassUID, image.SOPInstanceUID = _CT, derived_uid("bench", str(index))
        image.StudyInstanceUID, image.SeriesInstanceUID = derived_uid("study"), derived_uid("series")
        image.FrameOfReferenceUID = derived_uid("frame")
        image.Modality = "CT"
        image.Rows, image.Columns = shape[1], shape[0]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-180, -180, 2.5 * index]
        image.PixelSpacing, image.SliceThickness = [0.7, 0.7], 2.5
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
            setattr(image, keyword, "")
        for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            setattr(image, keyword, "")
        images.append(image)
    return images


def _source(images: list, shape: tuple[int, int, int]) -> DicomSource:
    geometry = VolumeGeometry.from_lps(shape, (-180, -180, 0), (0.7, 0.7, 2.5), np.eye(3))
    references = tuple(ImageReference(_CT, image.SOPInstanceUID) for image in images)
    # the canonical grid is taken to be the images': turning masks is no part of what is measured
    return DicomSource(images[0], geometry, AxisMap((0, 1, 2), _UNCHANGED, shape), references)


def _highdicom(path: Path, frames: NDArray, images: list, count: int, seg_type: str) -> Callable[[], None]:
    def write() -> None:
        import highdicom
        from pydicom.sr.codedict import codes
        from pydicom.uid import generate_uid

        described = [
            highdicom.seg.SegmentDescription(
                number,
                f"structure {number}",
                codes.SCT.AnatomicalStructure,
                codes.SCT.Organ,
                "MANUAL",
                tracking_uid=generate_uid(),
                tracking_id=f"structure {number}",
                display_color=highdicom.color.CIELabColor.from_rgb(230, 159, 0),
            )
            for number in range(1, count + 1)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            segmentation = highdicom.seg.Segmentation(
                images,
                frames,
                seg_type.upper(),
                described,
                generate_uid(),
                1,
                generate_uid(),
                1,
                "MedLabel",
                "bench",
                "1",
                "1",
            )
            segmentation.save_as(path)

    return write
