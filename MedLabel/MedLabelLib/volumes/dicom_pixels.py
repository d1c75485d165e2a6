"""The pixels of single DICOM images."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from .dicom_header import DicomHeader, read_dataset
from .voxels import rescaled


def stack_slices(headers: list[DicomHeader]) -> tuple[NDArray | None, dict[Path, str]]:
    """The values of the slices, in their order, as an array ``[i, j, k]`` in Fortran order.

    Slope and intercept are applied, each slice's own. Returns the array and what could not be read, path
    to reason; the array is None when anything could not.
    """
    slices, failed = [], {}
    for header in headers:
        try:
            slices.append(_stored(header))
        except FileFormatError as error:
            failed[header.path] = error.reason
    if failed:
        return None, failed
    scales = {(slope, intercept) for _, slope, intercept in slices}
    if len(scales) == 1:
        return rescaled(np.stack([pixels for pixels, _, _ in slices]), *scales.pop()).T, {}
    return np.stack([rescaled(*entry) for entry in slices]).T, {}


def _stored(header: DicomHeader) -> tuple[NDArray, float, float]:
    """A slice's stored values ``[row, column]`` and the slope and intercept that make values of them."""
    dataset = read_dataset(header.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = dataset.pixel_array
        slope, intercept = header.slope, header.intercept
    except (RuntimeError, NotImplementedError, ImportError) as error:
        # pydicom has no decoder for this compression; ITK brings its own, and applies slope and intercept
        pixels, slope, intercept = _by_itk(header.path, error), 1.0, 0.0
    except (ValueError, AttributeError, KeyError, TypeError, OSError, EOFError) as error:
        raise FileFormatError(f"its pixels cannot be read ({_short(error)})", header.path) from error
    if pixels.shape != (header.rows, header.columns):
        raise FileFormatError("its pixels are not of the size its header says", header.path)
    return pixels, slope, intercept


def _by_itk(path: Path, cause: Exception) -> NDArray:
    import SimpleITK as sitk

    try:
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))[0]
    except RuntimeError:
        raise FileFormatError(f"its pixels cannot be decompressed ({_short(cause)})", path) from cause


def _short(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) < 160 else text[:157] + "…"
