"""A scan as read from its files: its voxels on the canonical grid, and the record of where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import AxisMap, VolumeGeometry

SOURCE_KINDS = ("dicom", "nrrd", "nifti", "metaimage")


def image_key(sop_instance_uid: str, frame: int | None) -> str:
    """What names one image, a file's or a frame's, among all."""
    return sop_instance_uid if frame is None else f"{sop_instance_uid}#{frame}"


@dataclass(frozen=True)
class SourceSlice:
    """One slice of a DICOM source: its image's UID and file, and its first voxel's place in LPS mm.

    ``file`` may lead into a zip (``scans.zip/a/IM1``; :mod:`.opening_files` opens both). ``frame`` is the
    frame's number in a multi-frame file, from 1; None where the file is one image."""

    sop_instance_uid: str
    file: Path | None
    position: tuple[float, float, float]
    instance_number: int | None = None
    sop_class_uid: str = ""
    frame: int | None = None

    @property
    def key(self) -> str:
        """What names the image among all: its UID, and the frame where there are several."""
        return image_key(self.sop_instance_uid, self.frame)

    def to_json(self) -> dict:
        return {
            "sop_instance_uid": self.sop_instance_uid,
            "file": None if self.file is None else str(self.file.absolute()),
            "position": list(self.position),
            "instance_number": self.instance_number,
            "sop_class_uid": self.sop_class_uid,
            "frame": self.frame,
        }

    @classmethod
    def from_json(cls, data: dict) -> SourceSlice:
        file = data.get("file")
        return cls(
            data["sop_instance_uid"],
            None if file is None else Path(file),
            tuple(data["position"]),
            data.get("instance_number"),
            data.get("sop_class_uid", ""),
            data.get("frame"),
        )


@dataclass
class SourceRecord:
    """Where a volume came from, so that labels can go back to it. It names no patient.

    ``geometry`` is the source's own grid (DICOM: columns, rows, slices in order along the normal),
    ``axis_map`` takes that grid to the canonical one, ``slices`` is in the order of the source's last
    axis. ``is_linked`` says that the project is to hold no copy of the voxels. ``description`` holds what
    else is worth knowing, as plain JSON values.
    """

    kind: str
    geometry: VolumeGeometry
    axis_map: AxisMap
    files: list[Path] = field(default_factory=list)
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    slices: list[SourceSlice] = field(default_factory=list)
    description: dict = field(default_factory=dict)
    is_linked: bool = False

    def to_json(self) -> dict:
        """Plain JSON values from which :meth:`from_json` makes an equal record."""
        return {
            "kind": self.kind,
            "geometry": self.geometry.to_json(),
            "permutation": list(self.axis_map.permutation),
            "flips": list(self.axis_map.flips),
            "files": [str(file.absolute()) for file in self.files],
            "series_instance_uid": self.series_instance_uid,
            "study_instance_uid": self.study_instance_uid,
            "frame_of_reference_uid": self.frame_of_reference_uid,
            "slices": [entry.to_json() for entry in self.slices],
            "description": self.description,
            "is_linked": self.is_linked,
        }

    @classmethod
    def from_json(cls, data: dict) -> SourceRecord:
        """Raises FileFormatError when ``data`` is no such record."""
        try:
            geometry = VolumeGeometry.from_json(data["geometry"])
            permutation = tuple(int(axis) for axis in data["permutation"])
            axis_map = AxisMap(
                permutation,
                tuple(bool(flip) for flip in data["flips"]),
                tuple(geometry.shape[axis] for axis in permutation),
            )
            return cls(
                data["kind"],
                geometry,
                axis_map,
                [Path(file) for file in data.get("files", [])],
                data.get("series_instance_uid", ""),
                data.get("study_instance_uid", ""),
                data.get("frame_of_reference_uid", ""),
                [SourceSlice.from_json(entry) for entry in data.get("slices", [])],
                data.get("description", {}),
                bool(data.get("is_linked", False)),
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise FileFormatError(f"the record of a volume's source is damaged: {error!r}") from error


@dataclass(frozen=True)
class ReadSlice:
    """One slice of a volume that is not read whole: ``volume.take(index, axis)`` of its canonical grid."""

    axis: int
    index: int
    array: NDArray


@dataclass
class VolumeImage:
    """A scan in memory.

    ``array`` is ``[i, j, k]`` in Fortran order on ``geometry``, the canonical grid. ``window`` is the
    file's own (center, width), if it has one. ``warnings`` are sentences for the user; neither they nor
    ``suggested_name`` name the patient.
    """

    array: NDArray
    geometry: VolumeGeometry
    source: SourceRecord
    modality: str = ""
    window: tuple[float, float] | None = None
    unit: str = ""
    photometric: str = ""
    warnings: list[str] = field(default_factory=list)
    suggested_name: str = ""
