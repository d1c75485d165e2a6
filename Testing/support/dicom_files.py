"""DICOM series made on the spot, so that every way a series can be odd has a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PATIENT = "Mustermann^Erika"
PATIENT_ID = "PAT-4711"


@dataclass
class Series:
    """A series to be written: ``values`` ``[column, row, slice]`` at ``positions`` (LPS, one per slice).

    ``slices`` holds what single slices have of their own, by DICOM keyword, over ``every``, which holds
    for all.
    """

    values: NDArray
    orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    spacing: tuple[float, float] = (0.7, 0.9)
    positions: NDArray | None = None
    every: dict = field(default_factory=dict)
    slices: dict[int, dict] = field(default_factory=dict)
    uid: str = field(default_factory=generate_uid)
    frame_uid: str = field(default_factory=generate_uid)

    def __post_init__(self) -> None:
        if self.positions is None:
            self.positions = np.array([10.0, -20.0, 30.0]) + np.arange(self.values.shape[2])[:, None] * (
                2.5 * self.normal
            )

    @property
    def normal(self) -> NDArray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    def place(self, index: tuple[int, int, int]) -> NDArray:
        """Where DICOM says the voxel (column, row, slice) lies, in LPS mm (PS3.3 C.7.6.2.1.1)."""
        column, row, at = index
        return (
            self.positions[at]
            + np.array(self.orientation[:3]) * self.spacing[0] * column
            + np.array(self.orientation[3:]) * self.spacing[1] * row
        )

    def write(self, folder: Path, order: list[int] | None = None) -> list[Path]:
        """One file per slice, named in ``order`` so that names tell nothing of the places."""
        folder.mkdir(parents=True, exist_ok=True)
        order = list(range(self.values.shape[2])) if order is None else order
        paths = []
        for name, at in enumerate(order):
            path = folder / f"IM{name:04d}.dcm"
            self.dataset(at).save_as(path, enforce_file_format=True)
            paths.append(path)
        return paths

    def dataset(self, at: int) -> FileDataset:
        """The image of one slice."""
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
        pixels = np.ascontiguousarray(self.values[:, :, at].T)
        fields = (
            {
                "SOPClassUID": CTImageStorage,
                "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
                "SeriesInstanceUID": self.uid,
                "StudyInstanceUID": generate_uid(entropy_srcs=[self.uid]),
                "FrameOfReferenceUID": self.frame_uid,
                "Modality": "CT",
                "SeriesNumber": 3,
                "InstanceNumber": at + 1,
                "PatientName": PATIENT,
                "PatientID": PATIENT_ID,
                "Rows": pixels.shape[0],
                "Columns": pixels.shape[1],
                "SamplesPerPixel": 1,
                "PhotometricInterpretation": "MONOCHROME2",
                "BitsAllocated": pixels.itemsize * 8,
                "BitsStored": pixels.itemsize * 8,
                "HighBit": pixels.itemsize * 8 - 1,
                "PixelRepresentation": int(np.issubdtype(pixels.dtype, np.signedinteger)),
                "ImagePositionPatient": [f"{x:.10g}" for x in self.positions[at]],
                "ImageOrientationPatient": [f"{x:.10g}" for x in self.orientation],
                "PixelSpacing": [f"{x:.10g}" for x in reversed(self.spacing)],
            }
            | self.every
            | self.slices.get(at, {})
        )
        for keyword, value in fields.items():
            if value is not None:
                setattr(dataset, keyword, value)
        dataset.PixelData = pixels.tobytes()
        return dataset


def numbers(shape: tuple[int, int, int], dtype: type = np.int16, seed: int = 0) -> NDArray:
    """Random values, so that a turned or shifted axis never goes unseen."""
    low, high = (-1000, 3000) if np.issubdtype(dtype, np.signedinteger) else (0, 4000)
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def rtstruct(contours: list[NDArray], name: str = "GTV", series_uid: str = "1.2.3") -> FileDataset:
    """An RTSTRUCT of one region with closed contours in LPS mm."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "RTSTRUCT"
    region = Dataset()
    region.ROINumber, region.ROIName = 1, name
    dataset.StructureSetROISequence = [region]
    drawn = Dataset()
    drawn.ReferencedROINumber = 1
    drawn.ROIDisplayColor = [255, 0, 16]
    drawn.ContourSequence = []
    for points in contours:
        contour = Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points)
        contour.ContourData = [f"{x:.10g}" for x in points.ravel()]
        drawn.ContourSequence.append(contour)
    dataset.ROIContourSequence = [drawn]
    return dataset
