"""The child process that decompresses DICOM pixels: a decoder that crashes or hangs takes only it along.

Run as ``python decoder_child.py``. A request on standard input and an answer on standard output are each
a length (8 bytes, little endian) and JSON. A request is ``[path, frame]``, the frame counted from 1
or null; the answer ``["pixels", dtype, shape, is rescaled]``, followed by the pixels' bytes, or
``["error", reason]``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

# virtual memory: a header may claim any size
_MOST_MEMORY = 16 << 30


def main() -> None:
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    # what a decoder prints must not be taken for an answer
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    decoder = Decoder()
    while len(head := requests.read(8)) == 8:
        path, frame = json.loads(requests.read(struct.unpack("<Q", head)[0]))
        pixels = None
        try:
            pixels, is_rescaled = decoder.decode(Path(path), frame)
            pixels = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
            answer = ("pixels", pixels.dtype.str, pixels.shape, is_rescaled)
        except Exception as error:  # noqa: BLE001 - any decoder's error, whatever it is, is an answer
            answer = ("error", _short(error))
        packed = json.dumps(answer).encode()
        answers.write(struct.pack("<Q", len(packed)) + packed)
        if pixels is not None and answer[0] == "pixels":
            answers.write(memoryview(pixels).cast("B"))
        answers.flush()


class Decoder:
    """Decodes images, and holds on to the file it has read last: frames come one after the other."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._dataset = None

    def decode(self, path: Path, frame: int | None) -> tuple[np.ndarray, bool]:
        """The image's numbers ``[row, column]``, and whether slope and intercept are applied already."""
        from pydicom.pixels import pixel_array

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self._path != path:
                self._path, self._dataset = path, _read(path)
            if not hasattr(self._dataset, "file_meta") or "TransferSyntaxUID" not in self._dataset.file_meta:
                raise ValueError("it does not say how its pixels are stored (no transfer syntax)")
            try:
                index = None if frame is None else frame - 1
                return pixel_array(self._dataset, raw=True, index=index), False
            except (RuntimeError, NotImplementedError, ImportError) as error:
                # pydicom has no decoder here, or none that can: ITK brings its own, and rescales
                return _by_itk(path, frame, error), True


def _read(path: Path):
    import pydicom

    if path.exists():
        return pydicom.dcmread(path, force=True)
    archive = next(parent for parent in path.parents if parent.is_file())
    with zipfile.ZipFile(archive) as opened:
        return pydicom.dcmread(io.BytesIO(opened.read(path.relative_to(archive).as_posix())), force=True)


def _by_itk(path: Path, frame: int | None, cause: Exception) -> np.ndarray:
    import SimpleITK as sitk

    try:
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))[(frame or 1) - 1]
    except RuntimeError:
        raise cause from None


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 300 else text[:297] + "…"


if __name__ == "__main__":
    main()
