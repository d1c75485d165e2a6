"""A DICOM volume that is open: its grid is known, its slices are read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..model.errors import FileFormatError, NotFoundError
from ..model.geometry import VolumeGeometry
from .dicom_frames import read_images
from .dicom_header import DicomHeader, read_dataset
from .dicom_pixels import DicomValues, OnSlice
from .dicom_slices import SliceOrder, order_slices
from .image import ReadSlice, SourceRecord, SourceSlice, VolumeImage
from .opening_files import is_there
from .source_files import FILES_MOVED
from .suv import pet_scale
from .voxels import check_finite


@dataclass
class DicomScan:
    """The images of one volume, in order, with the grid that they make.

    :meth:`read_slice` gives a slice before the rest is read; :meth:`read` the whole.
    """

    images: list[DicomHeader]
    record: SourceRecord
    name: str = ""
    warnings: list[str] = field(default_factory=list)
    may_leave_out: bool = False
    suv: str = "bw"
    told: tuple[str, ...] = ()

    @property
    def geometry(self) -> VolumeGeometry:
        """The canonical grid."""
        return self.record.geometry.remapped(self.record.axis_map)

    @property
    def slice_axis(self) -> int:
        """The axis of the canonical grid that counts the slices."""
        return self.record.axis_map.permutation.index(2)

    @property
    def modality(self) -> str:
        return self.images[0].modality

    @property
    def window(self) -> tuple[float, float] | None:
        return self.images[0].window

    @property
    def unit(self) -> str:
        return self.record.description.get("unit", "")

    @property
    def photometric(self) -> str:
        return self.images[0].photometric

    def read_slice(self, index: int | None = None) -> ReadSlice:
        """The values of one slice along :attr:`slice_axis`, by default the middle one.

        Raises FileFormatError or OSError when its file cannot be read.
        """
        axis = self.slice_axis
        shape = self.record.axis_map.shape
        index = shape[axis] // 2 if index is None else index
        at = shape[axis] - 1 - index if self.record.axis_map.flips[axis] else index
        plane = self._values().read_slice(at)[:, :, None]
        turned = self.record.axis_map.apply(plane)
        return ReadSlice(axis, index, np.asfortranarray(np.take(turned, 0, axis)))

    def read(self, on_slice: OnSlice | None = None) -> VolumeImage:
        """The whole, read by several threads; ``on_slice`` hears how many of how many slices are done.

        An image that cannot be read counts as missing where :attr:`may_leave_out` says so: the others
        keep their places, and a warning names it.

        Raises FileFormatError or OSError.
        """
        array, failed = self._values().read(on_slice)
        if array is None:
            path, reason = next(iter(failed.items()))
            rest = [image for image in self.images if image.path not in failed]
            if not rest or not self.may_leave_out:
                raise FileFormatError(reason, path)
            told = [f"{path.name} was left out: {reason}" for path, reason in failed.items()]
            return scan_of(rest, self.name, [*self.told, *told], self.suv).read(on_slice)
        check_finite(array)
        return VolumeImage(
            array,
            self.geometry,
            self.record,
            self.modality,
            self.window,
            self.unit,
            self.photometric,
            list(self.warnings),
            self.name,
        )

    def _values(self) -> DicomValues:
        factors = self.record.description.get("factors") or [1.0]
        return DicomValues(self.images, self.record.axis_map, factors)


def order_images(images: Sequence[DicomHeader]) -> SliceOrder:
    """The grid that images of one size and orientation make. Raises FileFormatError where they do not."""
    first = images[0]
    return order_slices(
        np.array([image.position for image in images]),
        first.orientation,
        first.spacing,
        (first.columns, first.rows),
        first.slice_step,
    )


def scan_of(images: Sequence[DicomHeader], name: str, told: Sequence[str] = (), suv: str = "bw") -> DicomScan:
    """The scan that images of one size and orientation make, ordered along their normal.

    ``told`` are warnings about them from before; ``suv`` the kind of SUV for PET. Raises FileFormatError.
    """
    slices = order_images(images)
    ordered = [images[at] for at in slices.order]
    first = ordered[0]
    warnings = [*told, *slices.warnings]
    description = {
        "modality": first.modality,
        "series_number": first.series_number,
        "sop_class_uid": first.sop_class_uid,
        "photometric": first.photometric,
        "unit": first.unit,
    }
    if first.modality == "PT":
        _describe_pet(ordered, description, warnings, suv)
    if any(image.has_burned_in_text for image in ordered):
        warnings.append("its pixels hold burned-in text (BurnedInAnnotation), which may name the patient")
    record = SourceRecord(
        "dicom",
        slices.geometry,
        slices.geometry.canonical()[1],
        list(dict.fromkeys(image.path for image in ordered)),
        first.series_uid,
        first.study_uid,
        first.frame_of_reference_uid,
        [
            SourceSlice(
                image.sop_instance_uid,
                image.path,
                tuple(image.position),
                image.instance_number,
                image.sop_class_uid,
                image.frame,
            )
            for image in ordered
        ],
        description,
    )
    return DicomScan(ordered, record, name, warnings, may_leave_out=True, suv=suv, told=tuple(told))


def _describe_pet(images: list[DicomHeader], description: dict, warnings: list[str], suv: str) -> None:
    dataset = read_dataset(images[0].path, stop_before_pixels=True)
    scale = pet_scale(dataset, suv, [str(image.traits.get("time", "")) for image in images])
    description["unit"] = scale.unit
    description["factors"] = list(scale.factors)
    if scale.warning:
        warnings.append(scale.warning)


def scan_of_record(record: SourceRecord, name: str = "") -> DicomScan:
    """The scan that a volume came from, from where its files are now.

    Raises NotFoundError, naming ``medlabel relink``, when one is not there, FileFormatError when it is
    another image now.
    """
    by_key: dict[str, DicomHeader] = {}
    seen: set[Path] = set()
    images = []
    for entry in record.slices:
        if entry.file is None or not is_there(entry.file):
            raise NotFoundError(FILES_MOVED, entry.file)
        if entry.file not in seen:
            seen.add(entry.file)
            by_key |= {image.key: image for image in read_images(entry.file)}
        if entry.key not in by_key:
            raise FileFormatError("it is another image than the one the volume came from", entry.file)
        images.append(by_key[entry.key])
    return DicomScan(images, record, name)
