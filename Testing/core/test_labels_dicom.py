"""Labels as DICOM segmentations and structure sets: written, read back, and read by others."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given
from scipy.ndimage import find_objects

from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.exchange.formats.options import ExportOptions
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.exchange.label_files.dicom_seg import read_seg
from MedLabelLib.exchange.label_files.seg_pixels import value_boxes
from MedLabelLib.exchange.pixel_outlines import keyholed, outlines
from MedLabelLib.exchange.polygon_fill import fill_even_odd
from MedLabelLib.exchange.terminology import term_of
from MedLabelLib.model.errors import ExportError, FileFormatError
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from support.dicom_files import PATIENT, PATIENT_ID, Series, numbers
from support.grids import seeds
from support.labelled import label, random_labels, random_volume
from support.needs import lacking
from support.projects import add_object, new_project

NAMES = {"dicom-seg": "segmentation.dcm", "rtstruct": "rtstruct.dcm"}


def exported(volume: Volume, out: Path, format: str, seg_type: str = "binary") -> Path:
    """Export the volume's project; the label file."""
    report = export_project(volume.dataset.project, out, format, options=ExportOptions(seg_type))
    assert report.verified
    return out / volume.dataset.name / volume.name / NAMES[format]


def taken_in(scan: Path, labels: Path, project: Path) -> Volume:
    """A new project of the scan with the labels of a file."""
    report = import_sources(new_project(project), [scan, labels])
    assert report.failed == []
    return report.added[0]


def by_class(volume: Volume) -> list[tuple[str, str, Mask]]:
    definitions = volume.dataset.project.definitions
    return [
        (
            entry.class_name,
            definitions.label_class(entry.class_name).color,
            entry.mask or Mask(volume.geometry().shape),
        )
        for entry in volume.read_annotation().objects
    ]


def check_same(found: Volume, volume: Volume) -> None:
    """The labels of a volume read back: classes, colours and voxels, twins once."""
    remaining = by_class(found)
    for entry in by_class(volume):
        assert any(entry[:2] == other[:2] and entry[2] == other[2] for other in remaining), entry[0]
    assert len(remaining) <= len(by_class(volume))


@pytest.mark.prove
@pytest.mark.parametrize("format", NAMES)
def test_any_labels_of_a_series_come_back_from_dicom(tmp_path_factory, format, proof):
    for random in proof.cases(sample=8, full=400):
        folder = tmp_path_factory.mktemp("dicom")
        volume = random_volume(random, folder, "dicom")
        label(volume, random_labels(random, volume.geometry().shape, int(random.integers(1, 7))), random)
        path = exported(volume, folder / "out", format)
        check_same(taken_in(folder / "scan", path, folder / "again"), volume)


@pytest.mark.prove
def test_a_labelmap_comes_back_and_overlaps_are_refused(tmp_path_factory, proof):
    for random in proof.cases(sample=6, full=300):
        folder = tmp_path_factory.mktemp("labelmap")
        volume = random_volume(random, folder, "dicom")
        masks = random_labels(random, volume.geometry().shape, int(random.integers(1, 7)), overlap=False)
        label(volume, masks, random)
        path = exported(volume, folder / "out", "dicom-seg", "labelmap")
        check_same(taken_in(folder / "scan", path, folder / "again"), volume)
        drawn = [mask for mask in masks if mask.count]
        if drawn:
            add_object(volume, "liver", drawn[0])
            with pytest.raises(ExportError, match="overlap"):
                exported(volume, folder / "more", "dicom-seg", "labelmap")
            assert not (folder / "more").exists()


@pytest.mark.prove
@pytest.mark.parametrize("format", NAMES)
def test_a_scan_of_no_dicom_goes_with_a_series_made_of_it(tmp_path_factory, format, proof):
    for random in proof.cases(sample=5, full=300):
        folder = tmp_path_factory.mktemp("made")
        volume = random_volume(random, folder, str(random.choice(["even", "single"])))
        label(volume, random_labels(random, volume.geometry().shape, 3), random)
        path = exported(volume, folder / "out", format)
        found = taken_in(path.parent / "scan", path, folder / "again")
        assert found.geometry().is_close(volume.geometry(), 1e-2)
        image, original = found.read_image().array, volume.read_image().array
        assert np.allclose(image, original, rtol=0, atol=0.01)
        check_same(found, volume)


def seg_by_highdicom(path: Path) -> list[np.ndarray]:
    """Each segment ``[column, row, slice]``, as highdicom places its frames by the images they come from."""
    seg = highdicom.seg.segread(path)
    uids = [
        entry.ReferencedSOPInstanceUID for entry in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    ]
    pixels = seg.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=False, assert_missing_frames_are_empty=True
    )
    return [pixels[..., number].transpose(2, 1, 0) for number in range(pixels.shape[-1])]


@pytest.mark.prove
@pytest.mark.parametrize("seg_type", ["binary", "labelmap"])
def test_highdicom_reads_the_same_voxels_in_the_same_slices(tmp_path_factory, seg_type, proof):
    for random in proof.cases(sample=5, full=300):
        folder = tmp_path_factory.mktemp("highdicom")
        volume = random_volume(random, folder, "dicom")
        masks = random_labels(random, volume.geometry().shape, 4, overlap=seg_type == "binary")
        objects = label(volume, masks, random)
        path = exported(volume, folder / "out", "dicom-seg", seg_type)
        to_source = volume.source().axis_map.inverse()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = seg_by_highdicom(path)
        for entry, pixels in zip(objects, found, strict=True):
            assert np.array_equal(pixels, to_source.apply(entry.mask.full()))
        seg = highdicom.seg.segread(path)
        assert [seg.get_segment_description(n).tracking_id.rsplit("#")[0] for n in seg.segment_numbers] == [
            entry.class_name for entry in objects
        ]


@pytest.mark.prove
def test_dcmqi_reads_the_same_voxels_in_the_same_place(tmp_path_factory, proof):
    for random in proof.cases(sample=4, full=100):
        folder = tmp_path_factory.mktemp("dcmqi")
        volume = random_volume(random, folder, "dicom")
        masks = [mask for mask in random_labels(random, volume.geometry().shape, 8) if mask.count][:3]
        objects = label(volume, masks, random)
        if not objects:
            continue
        path = exported(volume, folder / "out", "dicom-seg")
        tool = Path(sys.executable).with_name("segimage2itkimage")
        command = [tool, "--inputDICOM", path, "--outputDirectory", folder, "-t", "nrrd"]
        subprocess.run(command, check=True, capture_output=True)
        geometry = volume.geometry()
        for number, entry in enumerate(objects, 1):
            image = sitk.ReadImage(str(folder / f"{number}.nrrd"))
            voxels = np.argwhere(sitk.GetArrayFromImage(image))[:, ::-1]
            places = np.array(
                [image.TransformIndexToPhysicalPoint([int(n) for n in index]) for index in voxels]
            )
            index = geometry.lps_to_ijk(places)
            assert np.abs(index - np.rint(index)).max() < 0.05
            array = np.zeros(geometry.shape, dtype=bool)
            array[tuple(np.rint(index).astype(int).T)] = True
            assert Mask.from_array(array) == entry.mask


@pytest.mark.parametrize("format", NAMES)
def test_dciodvfy_finds_no_error(tmp_path, format):
    if shutil.which("dciodvfy") is None:
        lacking("dciodvfy is not installed (Debian's dicom3tools)")
    random = np.random.default_rng(4)
    for number in range(4):
        volume = random_volume(random, tmp_path / str(number), "dicom" if number % 2 else "even")
        label(volume, random_labels(random, volume.geometry().shape, 5), random)
        path = exported(volume, tmp_path / str(number) / "out", format)
        told = subprocess.run(["dciodvfy", path], capture_output=True, check=False).stderr.decode(
            "utf-8", "replace"
        )
        assert [line for line in told.splitlines() if line.startswith("Error")] == []


@pytest.mark.parametrize("format", NAMES)
def test_the_same_labels_are_the_same_instance_and_other_ones_another(tmp_path, format):
    random = np.random.default_rng(1)
    volume = random_volume(random, tmp_path, "dicom")
    label(volume, random_labels(random, volume.geometry().shape, 3), random)
    first, again = (exported(volume, tmp_path / name, format) for name in ("a", "b"))
    assert first.read_bytes() == again.read_bytes()
    key = volume.read_annotation().objects[0].key
    annotation = volume.read_annotation()
    annotation.object(key).mask = Mask.from_array(1 - annotation.object(key).mask.full())
    volume.write_annotation(annotation)
    uids = {
        pydicom.dcmread(path).SOPInstanceUID for path in (first, exported(volume, tmp_path / "c", format))
    }
    assert len(uids) == 2


@pytest.mark.parametrize("format", NAMES)
def test_patient_and_study_are_those_of_the_images(tmp_path, format):
    every = {
        "PatientName": "Größe^Jürgen",
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyID": "S1",
        "PatientSex": "O",
    }
    series = Series(numbers((5, 6, 4)), every=every)
    series.write(tmp_path / "scan")
    volume = import_sources(new_project(tmp_path / "p", "liver"), [tmp_path / "scan"]).added[0]
    add_object(volume, "liver", Mask.from_array(np.ones((5, 6, 4))))
    dataset = pydicom.dcmread(exported(volume, tmp_path / "out", format))
    image = pydicom.dcmread(next((tmp_path / "scan").iterdir()))
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientSex",
        "StudyID",
        "StudyInstanceUID",
        "FrameOfReferenceUID",
    ):
        assert dataset[keyword].value == image[keyword].value


@pytest.mark.parametrize("format", NAMES)
def test_deidentified_labels_come_with_a_series_of_the_same_new_uids(tmp_path, monkeypatch, format):
    monkeypatch.setenv("MEDLABEL_DATA", str(tmp_path / "data"))
    random = np.random.default_rng(3)
    volume = random_volume(random, tmp_path, "dicom")
    label(volume, random_labels(random, volume.geometry().shape, 4), random)
    options = ExportOptions(deidentify=True)
    report = export_project(volume.dataset.project, tmp_path / "out", format, options=options)
    source = volume.source()
    secrets = [PATIENT, PATIENT_ID, source.series_instance_uid, source.study_instance_uid, str(tmp_path)]
    secrets += [entry.sop_instance_uid for entry in source.slices] + [source.frame_of_reference_uid]
    for path in report.files:
        content = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], path.name
    place = tmp_path / "out" / volume.dataset.name / volume.name
    check_same(taken_in(place / "scan", place / NAMES[format], tmp_path / "again"), volume)


def test_images_that_are_gone_are_said(tmp_path):
    volume = random_volume(np.random.default_rng(2), tmp_path, "dicom")
    add_object(volume, "liver", Mask.from_array(np.ones(volume.geometry().shape)))
    shutil.rmtree(tmp_path / "scan")
    with pytest.raises(ExportError, match="relink"):
        exported(volume, tmp_path / "out", "dicom-seg")


# -- files of others ---------------------------------------------------------------------------------------


def highdicom_seg(
    series: Series, pixels: np.ndarray, kind: str, **options: object
) -> highdicom.seg.Segmentation:
    """A segmentation of the series as highdicom makes it; ``pixels`` are ``[slice, row, column]``."""
    images = [series.dataset(at) for at in range(series.values.shape[2])]
    for image in images:
        for keyword in (
            "PatientBirthDate",
            "PatientSex",
            "AccessionNumber",
            "StudyID",
            "StudyDate",
            "StudyTime",
        ):
            setattr(image, keyword, "")
    code = pydicom.sr.codedict.codes.SCT
    described = highdicom.seg.SegmentDescription(1, "lesion", code.Tissue, code.Liver, "MANUAL")
    uid = pydicom.uid.generate_uid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return highdicom.seg.Segmentation(
            images, pixels, kind, [described], uid(), 5, uid(), 1, "maker", "model", "1", "1", **options
        )


@pytest.fixture
def scan(tmp_path) -> tuple[Series, Volume]:
    series = Series(numbers((8, 6, 5)), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0), every={"SliceThickness": 2.5})
    series.write(tmp_path / "scan")
    # the references have to be to the files' images, which Series makes anew each time
    paths = sorted((tmp_path / "scan").iterdir())
    files = [pydicom.dcmread(path) for path in paths]
    series.dataset = lambda at: files[at]
    return series, import_sources(new_project(tmp_path / "p", "liver"), [tmp_path / "scan"]).added[0]


def to_source(volume: Volume, mask: Mask) -> np.ndarray:
    return volume.source().axis_map.inverse().apply(mask.full())


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.5"])
def test_fractional_segments_are_taken_from_a_half_and_it_is_said(tmp_path, scan, syntax):
    series, volume = scan
    shares = np.random.default_rng(0).random((5, 6, 8))
    seg = highdicom_seg(series, shares[..., None], "FRACTIONAL", transfer_syntax_uid=syntax)
    seg.save_as(tmp_path / "seg.dcm")
    report = import_sources(volume.dataset.project, [tmp_path / "seg.dcm"])
    ((_, added),) = report.labels
    mask = volume.read_annotation().object(added.key).mask
    assert np.array_equal(to_source(volume, mask), np.rint(shares * 255).transpose(2, 1, 0) >= 127.5)
    assert any("at least half" in sentence for _, sentence in report.warnings)


def test_a_segmentation_of_single_slices_leaves_the_others_empty_and_is_taken_once(tmp_path, scan):
    series, volume = scan
    pixels = np.zeros((5, 6, 8), dtype=np.uint8)
    pixels[[0, 3]] = np.random.default_rng(0).integers(0, 2, (2, 6, 8))
    highdicom_seg(series, pixels, "BINARY").save_as(tmp_path / "seg.dcm")
    report = import_sources(volume.dataset.project, [tmp_path / "seg.dcm"])
    ((_, added),) = report.labels
    assert (added.class_name, added.voxels) == ("lesion", int(pixels.sum()))
    mask = volume.read_annotation().object(added.key).mask
    assert np.array_equal(to_source(volume, mask), pixels.transpose(2, 1, 0))
    again = import_sources(volume.dataset.project, [tmp_path / "seg.dcm"])
    assert again.labels == []
    assert any("has it already" in sentence for _, sentence in again.warnings)


def test_a_segmentation_on_another_grid_is_resampled_and_it_is_said(tmp_path, scan):
    """Frames of half the spacing, four to each pixel of the images."""
    series, volume = scan
    pixels = np.random.default_rng(0).integers(0, 2, (5, 6, 8)).astype(np.uint8)
    pixels[0, 0, 0] = 1
    seg = highdicom_seg(series, pixels, "BINARY")
    groups = seg.SharedFunctionalGroupsSequence[0]
    groups.PixelMeasuresSequence[0].PixelSpacing = [s / 2 for s in reversed(series.spacing)]
    fine = np.kron(seg.pixel_array, np.ones((2, 2), dtype=np.uint8))
    seg.Rows, seg.Columns = 12, 16
    seg.PixelData = np.packbits(fine.ravel(), bitorder="little").tobytes()
    columns, rows = np.reshape(series.orientation, (2, 3)) * np.array(series.spacing)[:, None]
    shift = -0.25 * (columns + rows)
    for frame in seg.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        place.ImagePositionPatient = (np.array(place.ImagePositionPatient, dtype=float) + shift).tolist()
    seg.save_as(tmp_path / "seg.dcm")
    report = import_sources(volume.dataset.project, [tmp_path / "seg.dcm"])
    ((_, added),) = report.labels
    mask = volume.read_annotation().object(added.key).mask
    assert np.array_equal(to_source(volume, mask), pixels.transpose(2, 1, 0))
    assert any("resampled" in sentence for _, sentence in report.warnings)


@pytest.mark.parametrize("damage", ["cut", "no place", "no frames", "no segments"])
def test_a_damaged_segmentation_is_one_clear_error_and_changes_nothing(tmp_path, scan, damage):
    series, volume = scan
    seg = highdicom_seg(series, np.ones((5, 6, 8), dtype=np.uint8), "BINARY")
    if damage == "no place":
        del seg.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    elif damage == "no frames":
        del seg.PerFrameFunctionalGroupsSequence
    elif damage == "no segments":
        del seg.SegmentSequence
    seg.save_as(tmp_path / "seg.dcm")
    if damage == "cut":
        path = tmp_path / "seg.dcm"
        path.write_bytes(path.read_bytes()[:-12])
    report = import_sources(volume.dataset.project, [tmp_path / "seg.dcm"])
    assert report.labels == []
    ((path, reason),) = report.failed
    assert path.name == "seg.dcm"
    assert reason
    assert volume.read_annotation().objects == []


def test_labels_of_a_scan_that_is_not_there_are_refused(tmp_path, scan):
    series, _ = scan
    highdicom_seg(series, np.ones((5, 6, 8), dtype=np.uint8), "BINARY").save_as(tmp_path / "seg.dcm")
    report = import_sources(Project.create(tmp_path / "other"), [tmp_path / "seg.dcm"])
    assert "no volume of the scan" in report.failed[0][1]
    with pytest.raises(FileFormatError, match="no DICOM segmentation"):
        read_seg(next((tmp_path / "scan").iterdir()))


@given(seeds)
def test_the_boxes_of_a_labelmap_are_those_that_scipy_finds(seed):
    random = np.random.default_rng(seed)
    array = random.integers(0, 6, random.integers(1, 7, 3)).astype(random.choice([np.uint8, np.uint16]))
    array[random.random(array.shape) < random.choice([0, 0.5, 1])] = 0
    assert value_boxes(array) == find_objects(array)


@pytest.mark.parametrize("seg_type", ["binary", "labelmap"])
def test_what_is_written_says_what_highdicom_would_say(tmp_path, scan, seg_type):
    """Frame by frame: segment, place, source image and pixels; and the same elements in every item."""
    series, volume = scan
    random = np.random.default_rng(0)
    add_object(volume, "liver", Mask.from_array(random.random(volume.geometry().shape) < 0.3))
    add_object(volume, "liver", Mask(volume.geometry().shape))
    ours = pydicom.dcmread(exported(volume, tmp_path / "out", "dicom-seg", seg_type))
    pixels = to_source(volume, volume.read_annotation().objects[0].mask).transpose(2, 1, 0)
    theirs = highdicom_seg(series, pixels, seg_type.upper())

    def frames(dataset: pydicom.Dataset) -> dict:
        found = {}
        array = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
        for frame, image in zip(dataset.PerFrameFunctionalGroupsSequence, array, strict=True):
            source = frame.DerivationImageSequence[0].SourceImageSequence[0]
            place = tuple(np.round(np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float), 6))
            segment = frame.get("SegmentIdentificationSequence")
            number = segment[0].ReferencedSegmentNumber if segment else 0
            elements = [str(element.tag) for element in frame.iterall()]
            found[number, place] = (source.ReferencedSOPInstanceUID, image.tobytes(), elements)
        return found

    assert frames(ours) == frames(theirs)
    shared = ours.SharedFunctionalGroupsSequence[0], theirs.SharedFunctionalGroupsSequence[0]
    for keyword in ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"):
        one, other = (entry.PixelMeasuresSequence[0][keyword].value for entry in shared)
        assert np.allclose(np.array(one, float), np.array(other, float), atol=1e-6)
    missing = {element.keyword for element in theirs} - {element.keyword for element in ours}
    assert missing <= {"SourceImageSequence", "DimensionOrganizationType"}


# -- contours ----------------------------------------------------------------------------------------------


@given(seeds)
def test_outlines_enclose_their_pixels_however_they_are_filled(seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 16, 2))
    pixels = random.random(shape) < random.choice([0.2, 0.5, 0.8, 1.0])
    loops = outlines(pixels)
    assert np.array_equal(fill_even_odd(loops, shape), pixels)
    joined = keyholed(loops)
    assert np.array_equal(fill_even_odd(joined, shape), pixels)
    each = [fill_even_odd([loop], shape) for loop in joined]
    assert np.array_equal(np.any(each, axis=0) if each else np.zeros(shape, bool), pixels)


def test_contours_that_lie_across_the_slices_are_carried_over(tmp_path):
    """The contours of one series, taken onto another of the same frame of reference and other slices."""
    ball = np.linalg.norm(np.indices((30, 30, 30)).T - 14.5, axis=-1) < 11
    first = Series(numbers((30, 30, 30)), spacing=(1.0, 1.0), positions=np.arange(30)[:, None] * [0, 0, 1.0])
    turn = np.radians(30)
    columns = (np.cos(turn), 0.0, np.sin(turn))
    normal = np.cross(columns, (0.0, 1.0, 0.0))
    second = Series(
        numbers((40, 30, 40)),
        (*columns, 0.0, 1.0, 0.0),
        (1.0, 1.0),
        np.array([4.5, 0, -8.0]) + np.arange(40)[:, None] * normal,
        uid=pydicom.uid.generate_uid(),
        frame_uid=first.frame_uid,
    )
    first.write(tmp_path / "first")
    second.write(tmp_path / "second")
    project = new_project(tmp_path / "p", "ball")
    volume = import_sources(project, [tmp_path / "first"]).added[0]
    add_object(volume, "ball", Mask.from_array(volume.source().axis_map.apply(ball)))
    path = exported(volume, tmp_path / "out", "rtstruct")
    report = import_sources(new_project(tmp_path / "q"), [tmp_path / "second", path])
    assert report.failed == []
    ((_, added),) = report.labels
    assert any("nearest voxel" in sentence for _, sentence in report.warnings)
    geometry = report.added[0].geometry()
    found = report.added[0].read_annotation().object(added.key).mask.full() != 0
    places = geometry.ijk_to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))
    distance = np.linalg.norm(places - 14.5, axis=-1)
    assert not found[distance > 12.5].any()
    assert found[distance < 9.5].all()


# -- codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "side"),
    [
        ("liver", "10200004", None),
        ("Kidney left", "64033007", "7771000"),
        ("kidney_right", "64033007", "24028007"),
        ("vertebrae_T12", "23215003", None),
        ("left ventricle", "87878005", None),
        ("tumour", "108369006", None),
        ("SmallBowel", "30315005", None),
    ],
)
def test_common_names_have_the_codes_of_the_standard(name, value, side):
    term = term_of(name)
    assert (term.type.scheme, term.type.value) == ("SCT", value)
    assert (term.modifier.value if term.modifier else None) == side


def test_other_names_have_private_codes_that_never_change():
    assert term_of("my class").type.scheme == "99MEDLABEL"
    assert term_of("my class").type.value == term_of("my class").type.value != term_of("My class").type.value
    assert len(term_of("x" * 100 + "\\").type.meaning) == 64
    assert PATIENT not in term_of(PATIENT + "?").type.value
