"""How long a DICOM series takes to open, beside SimpleITK, pydicom and Slicer's reader in the same run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from MedLabelApp.bench.rows import Row
from MedLabelApp.demo.fetch import fetch_source
from MedLabelApp.demo.sources import DEMO_SOURCES
from MedLabelLib.volumes.reading import open_scan, read_volume

REPEATS = 7
LARGE = 600


def run(full: bool = False) -> Iterator[Row]:
    """``full``: a series of 600 slices too."""
    chest = read_volume(_chest())
    with tempfile.TemporaryDirectory() as folder:
        for count in (chest.array.shape[2], *([LARGE] if full else [])):
            series = Path(folder) / str(count)
            write_series(series, chest.array, count)
            yield from _series(series, f"512×512×{count}")


def _chest() -> Path:
    source = next(source for source in DEMO_SOURCES if source.name == "chest")
    return fetch_source(source).files["cxr.nii.gz"]


def write_series(folder: Path, array: np.ndarray, count: int) -> None:
    """A CT series of ``count`` slices, repeating those of ``array`` ``[i, j, k]``, as scanners write it."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    uids = {name: generate_uid() for name in ("study", "series", "frame")}
    for at in range(count):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
        plane = np.clip(array[::-1, ::-1, at % array.shape[2]].T + 1024, 0, 4095)
        for keyword, value in {
            "SpecificCharacterSet": "ISO_IR 100",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "StudyDate": "20240102",
            "AcquisitionTime": f"1010{at // 60 % 60:02d}.{at:06d}",
            "Modality": "CT",
            "Manufacturer": "made by medlabel bench",
            "StudyInstanceUID": uids["study"],
            "SeriesInstanceUID": uids["series"],
            "FrameOfReferenceUID": uids["frame"],
            "SeriesNumber": 3,
            "InstanceNumber": count - at,
            "KVP": "120",
            "SliceThickness": "2.5",
            "ConvolutionKernel": "STANDARD",
            "ImagePositionPatient": [-180.0, -170.0, -300.0 + 2.5 * at],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "Rows": plane.shape[0],
            "Columns": plane.shape[1],
            "PixelSpacing": [0.703125, 0.703125],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 0,
            "WindowCenter": 40,
            "WindowWidth": 400,
            "RescaleIntercept": -1024,
            "RescaleSlope": 1,
            "RescaleType": "HU",
        }.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = plane.astype(np.uint16).tobytes()
        dataset.save_as(folder / f"IM{at:05d}.dcm", enforce_file_format=True)


def _series(folder: Path, what: str) -> Iterator[Row]:
    peers = {"SimpleITK": _by_simpleitk, "pydicom": _by_pydicom}
    try:
        import slicer  # noqa: F401
    except ImportError:
        pass
    else:
        peers["Slicer's reader"] = _by_slicer
    own = read_volume(folder).array
    if not np.array_equal(own, _by_simpleitk(folder).transpose(2, 1, 0)[::-1, ::-1]):
        raise AssertionError("SimpleITK reads other voxels")
    yield Row(f"{what}: its files, read and dropped", _best(lambda: _plain(folder)), "ms")
    # in turns, so that what else the machine does falls on all of them
    works = {name: lambda read=read: read(folder) for name, read in peers.items()}
    works["whole"] = lambda: read_volume(folder)
    works["slice"] = lambda: open_scan(folder).read_slice()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            times[name].append(_timed(work))
    best = {name: float(np.median(values)) for name, values in times.items()}
    fastest = min(best[name] for name in peers)
    for name in peers:
        yield Row(f"{what}: {name}, the whole", best[name], "ms")
    yield Row(f"{what}: the whole", best["whole"], "ms")
    yield Row(f"{what}: the middle slice, from the folder", best["slice"], "ms")
    yield Row(f"{what}: the whole, beside the fastest of them", best["whole"] / fastest, "×", 0.5)
    yield Row(f"{what}: the middle slice, beside the fastest's whole", best["slice"] / fastest, "×", 0.1)
    yield Row(f"{what}: peak memory beside the volume", _peak(folder) / own.nbytes, "×", 1.5)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _best(work: Callable[[], object]) -> float:
    return min(_timed(work) for _ in range(REPEATS))


def _plain(folder: Path) -> None:
    buffer = bytearray(1 << 20)
    for path in folder.iterdir():
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _by_simpleitk(folder: Path) -> np.ndarray:
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.GetArrayFromImage(reader.Execute())


def _by_pydicom(folder: Path) -> np.ndarray:
    from pydicom import dcmread

    slices = [dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    stack = np.stack([dataset.pixel_array for dataset in slices])
    return stack.astype(np.int16) * np.int16(slices[0].RescaleSlope) + np.int16(slices[0].RescaleIntercept)


def _by_slicer(folder: Path) -> object:
    import slicer

    reader = slicer.vtkITKArchetypeImageSeriesScalarReader()
    paths = sorted(str(path) for path in folder.iterdir())
    reader.SetArchetype(paths[0])
    for path in paths:
        reader.AddFileName(path)
    reader.SetSingleFile(False)
    reader.SetUseOrientationFromFile(True)
    # the faster of its two
    reader.SetDICOMImageIOApproachToDCMTK()
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.SetUseNativeOriginOn()
    reader.Update()
    if reader.GetOutput().GetDimensions()[2] != len(paths):
        raise AssertionError("Slicer's reader did not read the series")
    return reader.GetOutput()


def _peak(folder: Path) -> float:
    """What reading adds to the memory of a process at its height, in bytes; NaN where it is not told."""
    if not Path("/proc/self/status").exists():
        return float("nan")
    program = (
        "import re, sys\n"
        "from MedLabelLib.volumes.reading import read_volume, open_scan\n"
        "open_scan(sys.argv[1]).read_slice()\n"
        "def memory(kind):\n"
        "    return int(re.search(kind + r':\\s+(\\d+)', open('/proc/self/status').read())[1]) * 1024\n"
        "before = memory('VmRSS')\n"
        "image = read_volume(sys.argv[1])\n"
        "print(memory('VmHWM') - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, check=True)
    return float(done.stdout)
