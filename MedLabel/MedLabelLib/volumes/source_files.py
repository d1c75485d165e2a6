"""The DICOM files that a volume came from, for whoever writes something that refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.errors import FileFormatError, NotFoundError
from .dicom_header import read_dataset
from .image import SourceRecord
from .opening_files import is_there

if TYPE_CHECKING:
    from pydicom import Dataset


FILES_MOVED = (
    "a DICOM file of the volume is not there any more; medlabel relink PROJECT FOLDER finds files that "
    "were moved"
)


SOURCE_MOVED = (
    "the file that the volume came from is not there any more; put it back, or delete the volume and import "
    "the file from where it is now"
)


def missing_files(record: SourceRecord) -> list[str]:
    """The files of a DICOM source that are not where the record says."""
    return [str(path) for path in dict.fromkeys(record.files) if not is_there(path)]


def source_datasets(record: SourceRecord) -> list[Dataset]:
    """The source's DICOM images without their pixels, in the order of its slices.

    A multi-frame image stands there once, however many slices are its frames. Patient and study are as
    in the files: what is made of them may name the patient, and must not stay in the project.

    Raises
    ------
    NotFoundError
        when the volume came from no DICOM files, or one of them is not where it was.
    FileFormatError
        when one is another image now, or damaged.
    """
    if not record.slices:
        raise NotFoundError("the volume came from no DICOM files")
    datasets: dict[str, Dataset] = {}
    for entry in record.slices:
        if entry.sop_instance_uid in datasets:
            continue
        if entry.file is None or not is_there(entry.file):
            raise NotFoundError(FILES_MOVED, entry.file)
        dataset = read_dataset(entry.file, stop_before_pixels=True)
        if str(dataset.get("SOPInstanceUID", "")) != entry.sop_instance_uid:
            raise FileFormatError("it is another image than the one the volume came from", entry.file)
        datasets[entry.sop_instance_uid] = dataset
    return list(datasets.values())
