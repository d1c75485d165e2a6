"""DICOM as scanners of today write it: multi-frame images, several volumes in one series, packed pixels."""

from __future__ import annotations

import os
import signal
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    JPEGLosslessSV1,
)

from MedLabelLib.model.errors import FileFormatError
from MedLabelLib.volumes import dicom_decoding
from MedLabelLib.volumes.dicom_decoding import DecoderPool
from MedLabelLib.volumes.found import FoundScan
from MedLabelLib.volumes.reading import read_volume
from MedLabelLib.volumes.scan_folder import find_scans
from support.dicom_files import Series, numbers
from support.grids import every_voxel

OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)


def _item(**fields) -> Dataset:
    item = Dataset()
    for keyword, value in fields.items():
        setattr(item, keyword, value)
    return item


def _enhanced(path: Path, series: Series, order: list[int], rescales: list[tuple[float, float]]) -> None:
    """One multi-frame image; its frame n shows slice ``order[n]`` and has the rescale of that slice."""
    dataset = series.dataset(0)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = EnhancedMRImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(dataset, keyword)
    dataset.Modality = "MR"
    dataset.NumberOfFrames = len(order)
    dataset.PixelData = b"".join(np.ascontiguousarray(series.values[:, :, at].T).tobytes() for at in order)
    dataset.SharedFunctionalGroupsSequence = [
        _item(
            PlaneOrientationSequence=[_item(ImageOrientationPatient=list(series.orientation))],
            PixelMeasuresSequence=[_item(PixelSpacing=list(reversed(series.spacing)), SliceThickness=2.5)],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(
            PlanePositionSequence=[_item(ImagePositionPatient=[f"{x:.10g}" for x in series.positions[at]])],
            PixelValueTransformationSequence=[
                _item(RescaleSlope=rescales[at][0], RescaleIntercept=rescales[at][1], RescaleType="US")
            ],
            FrameContentSequence=[_item(StackID="1", InStackPositionNumber=at + 1)],
        )
        for at in order
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _check(image, series: Series, values: np.ndarray) -> None:
    """Each voxel's value lies where DICOM's formula puts the voxel."""
    index = every_voxel(values.shape)
    places = np.array([series.place(tuple(at)) for at in index])
    found = image.geometry.lps_to_ijk(places)
    assert np.abs(found - np.rint(found)).max() < 1e-4
    assert np.array_equal(image.array[tuple(np.rint(found).astype(int).T)], values[tuple(index.T)])


def test_shuffled_frames_each_with_its_rescale(tmp_path):
    series = Series(numbers((5, 4, 6)), OBLIQUE)
    order = [4, 1, 5, 0, 3, 2]
    rescales = [(1.0, 0.0), (2.0, -7.0), (0.5, 3.0), (1.0, 100.0), (4.0, 0.0), (0.25, -1.0)]
    _enhanced(tmp_path / "one.dcm", series, order, rescales)
    image = read_volume(tmp_path)
    slopes, intercepts = np.array(rescales).T
    _check(image, series, (series.values * slopes + intercepts).astype(np.float32))
    told = {entry.frame: entry.position for entry in image.source.slices}
    assert sorted(told) == [1, 2, 3, 4, 5, 6]
    for number, at in enumerate(order, 1):
        assert np.allclose(told[number], series.positions[at])
    # pydicom counts frames from 0
    pixels = pydicom.dcmread(tmp_path / "one.dcm").pixel_array
    for number, at in enumerate(order):
        assert np.array_equal(pixels[number].T, series.values[:, :, at])


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ([{"EchoTime": "2.3"}, {"EchoTime": "4.6"}, {"EchoTime": "6.9"}], ["echo2.3", "echo4.6", "echo6.9"]),
        ([{"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}], ["b0", "b1000"]),
        ([{"AcquisitionTime": "090000"}, {"AcquisitionTime": "090130"}], ["t1", "t2"]),
    ],
)
def test_what_lies_at_the_same_places_makes_volumes_of_their_own(tmp_path, traits, words):
    every = {"Modality": "MR"}
    parts = [Series(numbers((5, 4, 6), seed=n), OBLIQUE, every=every | own) for n, own in enumerate(traits)]
    for number, part in enumerate(parts):
        part.uid, part.frame_uid = parts[0].uid, parts[0].frame_uid
        if "AcquisitionTime" in part.every:
            # each slice has its own time, as a scanner writes it
            start = part.every["AcquisitionTime"]
            part.slices = {at: {"AcquisitionTime": f"{start}.{at}"} for at in range(6)}
        # one heap of files: their numbers and names tell nothing
        for at, path in enumerate(part.write(tmp_path / f"part{number}", [3, 0, 5, 1, 4, 2])):
            (tmp_path / "heap").mkdir(exist_ok=True)
            path.rename(tmp_path / "heap" / f"{at}-{number}.dcm")
    found = find_scans(tmp_path / "heap")
    assert all(isinstance(entry, FoundScan) for entry in found)
    assert [entry.name.rpartition("-")[2] for entry in found] == words
    for entry, part in zip(found, parts, strict=True):
        image = entry.read()
        assert image.warnings == []
        _check(image, part, part.values)


def _deflate(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    content = path.read_bytes()
    assert zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[_body(content) :], 4)


def _body(content: bytes) -> int:
    """Where the data set begins: behind the file meta group, whose length is said first."""
    return 144 + int.from_bytes(content[140:144], "little")


def _lossless(path: Path) -> None:
    gdcm = pytest.importorskip("gdcm")
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    assert pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == JPEGLosslessSV1


@pytest.mark.parametrize("pack", [_deflate, _lossless])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_packed_files_give_the_same_voxels_at_the_same_places(tmp_path, pack, dtype):
    series = Series(
        numbers((17, 14, 5), dtype), OBLIQUE, every={"RescaleIntercept": "0", "RescaleSlope": "1"}
    )
    for path in series.write(tmp_path, [3, 0, 4, 1, 2]):
        pack(path)
    image = read_volume(tmp_path)
    assert image.warnings == []
    _check(image, series, series.values)


_CHILDREN = {
    "crashed": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "took longer than 1 s": "import time; time.sleep(60)",
}


@pytest.mark.parametrize("why", _CHILDREN)
def test_a_decoder_that_crashes_or_hangs_is_one_clear_reason(tmp_path, monkeypatch, why):
    (path,) = Series(numbers((9, 8, 1))).write(tmp_path / "scan")
    (tmp_path / "child.py").write_text(_CHILDREN[why])
    pool = DecoderPool(most=1, seconds=1.0 if "longer" in why else 30.0)
    with monkeypatch.context() as patched:
        patched.setattr(dicom_decoding, "_CHILD", tmp_path / "child.py")
        with pytest.raises(FileFormatError, match=rf"IM0000\.dcm.*the decoder {why}"):
            pool.decode(path, None)
    # the next image gets a fresh child
    pixels, _ = pool.decode(path, None)
    assert pixels.shape == (8, 9)
    pool.close()


def test_a_decoder_killed_between_two_images_costs_one_image(tmp_path):
    (path,) = Series(numbers((9, 8, 1))).write(tmp_path)
    pool = DecoderPool(most=1, seconds=30.0)
    pool.decode(path, None)
    os.kill(pool._idle[0].pid, signal.SIGKILL)
    pool._idle[0].wait()
    with pytest.raises(FileFormatError, match="the decoder crashed"):
        pool.decode(path, None)
    assert pool.decode(path, None)[0].shape == (8, 9)
    pool.close()
