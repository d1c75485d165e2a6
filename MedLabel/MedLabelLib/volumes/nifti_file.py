"""Reading and writing a scan in a NIfTI file."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError, GeometryError
from ..model.geometry import VolumeGeometry
from ..storage.names import tame_name
from .image import SourceRecord, VolumeImage
from .nifti_header import HEADER_SIZES, NiftiHeader, build_header, parse_header
from .voxels import canonical_image, check_finite, rescaled


def read_nifti(path: str | Path) -> VolumeImage:
    """The scan in a ``.nii``, ``.nii.gz`` or ``.hdr``/``.img`` file.

    Raises FileFormatError when it is truncated, damaged, has more than three axes or values that are not
    finite numbers, OSError when it cannot be opened.
    """
    path = Path(path)
    try:
        header = _read_header(path)
        voxel_file = _voxel_file(path, header)
        stored = _read_voxels(voxel_file, header)
        array = rescaled(stored, header.slope, header.intercept)
        check_finite(array)
    except FileFormatError as error:
        raise FileFormatError(error.reason, path) from error
    except GeometryError as error:
        raise FileFormatError(f"its header is damaged: {error.reason}", path) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(f"it is truncated or damaged ({error})", path) from error
    files = [path] if voxel_file == path else [path, voxel_file]
    source = SourceRecord("nifti", header.geometry, header.geometry.canonical()[1], files)
    return canonical_image(
        array, source, warnings=list(header.warnings), suggested_name=tame_name(_stem(path), "volume")
    )


def write_nifti(path: str | Path, array: NDArray, geometry: VolumeGeometry) -> None:
    """Write an array ``[i, j, k]`` on ``geometry`` as ``.nii`` or, by its name, ``.nii.gz``.

    Raises FileFormatError for a type or size that NIfTI-1 cannot hold.
    """
    path = Path(path)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    data = memoryview(np.asfortranarray(little).T).cast("B")
    header = build_header(geometry, array.dtype)
    with path.open("wb") as file:
        if path.name.lower().endswith(".gz"):
            # neither the time nor the name goes in, so that equal scans make equal files
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=4, mtime=0) as packed:
                packed.write(header)
                packed.write(data)
        else:
            file.write(header)
            file.write(data)


def _open(path: Path):
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _read_header(path: Path) -> NiftiHeader:
    with _open(path) as file:
        return parse_header(file.read(max(HEADER_SIZES)))


def _voxel_file(path: Path, header: NiftiHeader) -> Path:
    if not header.is_pair:
        return path
    stem = path.name[: path.name.lower().rindex(".hdr")]
    for suffix in (".img", ".img.gz", ".IMG"):
        if (path.parent / (stem + suffix)).exists():
            return path.parent / (stem + suffix)
    raise FileFormatError(f"its voxels should lie in {stem}.img, which is not there")


def _read_voxels(path: Path, header: NiftiHeader) -> NDArray:
    """The stored numbers ``[i, j, k]``; the file is read to its end, where gzip keeps its check sum."""
    shape = header.geometry.shape
    expected = int(np.prod(shape, dtype=object)) * header.dtype.itemsize
    data = bytearray()
    with _open(path) as file:
        file.seek(header.offset)
        # piece by piece, so that a damaged header cannot claim memory the file does not fill
        while part := file.read(min(expected - len(data), 1 << 26)):
            data += part
        while file.read(1 << 20):
            pass
    if len(data) < expected:
        raise FileFormatError(f"it is truncated: {len(data)} of {expected} bytes of voxels are there")
    return np.frombuffer(data, dtype=header.dtype).reshape(shape, order="F")


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".gz", ".nii", ".hdr"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name
