"""A DICOM series made of a volume that came from none, for labels to refer to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...model.errors import ExportError
from ...model.geometry import AxisMap, VolumeGeometry
from ...storage.volume import Volume
from ...version import VERSION
from ...volumes.image import VolumeImage
from ...volumes.reading import read_volume
from .derived_uids import derived_uid
from .dicom_source import DicomSource, ImageReference
from .dicom_text import decimal, long_string
from .image_grid import ImageGrid

if TYPE_CHECKING:
    from pydicom import Dataset

_CT = "1.2.840.10008.5.1.4.1.1.2"
_MR = "1.2.840.10008.5.1.4.1.1.4"
_PET = "1.2.840.10008.5.1.4.1.1.128"
_CLASSES = {"CT": _CT, "PT": _PET}


def write_series(volume: Volume, folder: Path, lost: list[str]) -> tuple[DicomSource, list[Path]]:
    """Write the scan as a series of single-frame images into ``folder``, and read it back.

    It names no patient. Values that need more than 16 bits are rounded, which is added to ``lost``.
    Returns the series and its files. Raises ExportError where no two axes of the scan are at right
    angles, or it does not read back as it was written.
    """
    image = volume.read_image()
    to_source = _to_series(image.geometry, ImageGrid.of(image.geometry, volume.source()).to_source, volume)
    geometry = image.geometry.remapped(to_source)
    stored, slope, intercept = _stored(to_source.apply(image.array))
    if slope != 1.0:
        lost.append(
            f"{volume.label}: its values need more than DICOM's 16 bits; in the series that was made of it "
            f"they are rounded to steps of {slope:.3g}"
        )
    folder.mkdir(parents=True)
    series_uid = derived_uid("made-series", volume.id())
    headers, paths = [], []
    for index in range(geometry.shape[2]):
        dataset = _image(volume, image, geometry, index, series_uid)
        pixels = np.ascontiguousarray(stored[:, :, index].T)
        _set_pixels(dataset, pixels, slope, intercept)
        path = folder / f"{index + 1:05d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        headers.append(dataset)
        paths.append(path)
    _check(volume, folder, image, slope)
    references = tuple(ImageReference(str(entry.SOPClassUID), str(entry.SOPInstanceUID)) for entry in headers)
    return DicomSource(headers[0], geometry, to_source, references), paths


def _to_series(canonical: VolumeGeometry, to_source: AxisMap, volume: Volume) -> AxisMap:
    """From the canonical axes to columns, rows and slices: the source's, the first two at right angles."""
    for order in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
        permutation = tuple(to_source.permutation[axis] for axis in order)
        flips = [to_source.flips[axis] for axis in order]
        directions = canonical.directions[:, permutation] * np.where(flips, -1.0, 1.0)
        fits_uneven = canonical.slice_axis is None or permutation[2] == canonical.slice_axis
        if abs(directions[:, 0] @ directions[:, 1]) < 1e-4 and fits_uneven:
            # slices are counted along the normal of columns and rows (in RAS as in LPS)
            flips[2] ^= bool(np.linalg.det(directions) < 0)
            return AxisMap(permutation, tuple(flips), tuple(canonical.shape[axis] for axis in permutation))
    raise ExportError(f"no two axes of {volume.label} are at right angles, as those of DICOM images must be")


def _stored(array: NDArray) -> tuple[NDArray, float, float]:
    """Values in 16 bits, and the slope and intercept that give the scan's."""
    low, high = float(array.min()), float(array.max())
    if np.issubdtype(array.dtype, np.integer) or array.dtype == bool:
        for dtype in (np.int16, np.uint16):
            limits = np.iinfo(dtype)
            if limits.min <= low and high <= limits.max:
                return array.astype(dtype), 1.0, 0.0
    slope = (high - low) / 65535 if high > low else 1.0
    # the numbers that will stand in the file are those that count
    slope, low = float(decimal(slope)), float(decimal(low))
    return np.clip(np.rint((array - low) / slope), 0, 65535).astype(np.uint16), slope, low


def _image(
    volume: Volume, image: VolumeImage, geometry: VolumeGeometry, index: int, series_uid: str
) -> Dataset:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    sop_class = _CLASSES.get(image.modality, _MR)
    uid = derived_uid("made-image", volume.id(), str(index))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, uid
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    origin = geometry.ijk_to_lps((0, 0, index))
    along = geometry.lps_terms()[2]
    gap = abs(float(np.cross(along[:, 0], along[:, 1]) @ along[:, 2])) * geometry.spacing[2]
    fields = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["DERIVED", "SECONDARY", "AXIAL"],
        "SOPClassUID": sop_class,
        "SOPInstanceUID": uid,
        "Modality": {_CT: "CT", _PET: "PT"}.get(sop_class, "MR"),
        "Manufacturer": "MedLabel",
        "ManufacturerModelName": "MedLabel",
        "SoftwareVersions": VERSION,
        "SeriesDescription": long_string(volume.name),
        "PatientName": "Anonymous",
        "PatientID": derived_uid("made-patient", volume.id())[5:21],
        "PatientBirthDate": None,
        "PatientSex": None,
        "StudyInstanceUID": derived_uid("made-study", volume.id()),
        "SeriesInstanceUID": series_uid,
        "FrameOfReferenceUID": derived_uid("made-frame", volume.id()),
        "PositionReferenceIndicator": None,
        "StudyDate": None,
        "StudyTime": None,
        "ReferringPhysicianName": None,
        "StudyID": None,
        "AccessionNumber": None,
        "SeriesNumber": 1,
        "AcquisitionNumber": None,
        "InstanceNumber": index + 1,
        "PatientPosition": None,
        "ImagePositionPatient": [decimal(x) for x in origin],
        "ImageOrientationPatient": [decimal(x) for x in along[:, :2].T.ravel()],
        "PixelSpacing": [decimal(geometry.spacing[1]), decimal(geometry.spacing[0])],
        "SliceThickness": decimal(gap),
    }
    if sop_class == _CT:
        fields |= {"KVP": None}
    elif sop_class == _MR:
        fields |= {
            "ScanningSequence": "RM",
            "SequenceVariant": "NONE",
            "ScanOptions": None,
            "MRAcquisitionType": None,
            "EchoTime": None,
            "EchoTrainLength": None,
        }
    else:
        fields |= {"Units": image.unit if image.unit in ("BQML", "GML", "CNTS") else "NONE"}
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    return dataset


def _set_pixels(dataset: Dataset, pixels: NDArray, slope: float, intercept: float) -> None:
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    dataset.RescaleSlope, dataset.RescaleIntercept = decimal(slope), decimal(intercept)
    dataset.RescaleType = "HU" if dataset.Modality == "CT" else "US"
    dataset.PixelData = pixels.astype("<i2" if dataset.PixelRepresentation else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def _check(volume: Volume, folder: Path, image: VolumeImage, slope: float) -> None:
    found = read_volume(folder)
    tolerance = 0 if slope == 1.0 else slope
    same = found.array.shape == image.array.shape and (
        np.array_equal(found.array, image.array)
        if not tolerance
        else np.allclose(found.array, image.array, rtol=0, atol=tolerance)
    )
    if not same:
        raise ExportError(f"the series made of {volume.label} did not read back with its values")
    if not found.geometry.is_close(image.geometry, 1e-2):
        raise ExportError(f"the series made of {volume.label} did not read back in its place")
