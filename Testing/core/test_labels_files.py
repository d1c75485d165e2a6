"""Labels as files of 3D Slicer, MITK and ITK-SNAP: written, read back, and read by others."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MedLabelLib.exchange.exporting import export_project
from MedLabelLib.exchange.formats.options import ExportOptions
from MedLabelLib.exchange.importing import import_sources
from MedLabelLib.exchange.label_files.itksnap import read_descriptions
from MedLabelLib.exchange.label_files.one_label import attach_one
from MedLabelLib.exchange.label_files.reading import read_labels_of
from MedLabelLib.model.annotation import LabelObject, Tag
from MedLabelLib.model.errors import FileFormatError, MedLabelError, NotFoundError
from MedLabelLib.model.geometry import VolumeGeometry
from MedLabelLib.model.mask import Mask
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume
from support.dicom_files import PATIENT, PATIENT_ID, numbers
from support.grids import random_geometry
from support.labelled import CLASSES, label, random_labels, random_volume
from support.projects import new_project, write_nrrd

LABELS = {"seg-nrrd": "labels.seg.nrrd", "mitk": "labels.mitklabel.json"}
KINDS = ["dicom", "even", "sheared", "single"]
TAGS = [Tag("seen"), Tag("note", "a|b: c~%é\n"), Tag("grade", 3.5), Tag("note", "again")]


def labelled(
    random: np.random.Generator, folder: Path, kind: str, count: int
) -> tuple[Volume, list[LabelObject]]:
    """A volume with random objects, the first of which has tags; every object with a mask, maybe empty."""
    volume = random_volume(random, folder, kind)
    objects = label(volume, random_labels(random, volume.geometry().shape, count), random)
    annotation = volume.read_annotation()
    annotation.objects[0].tags = list(TAGS)
    volume.write_annotation(annotation)
    return volume, objects


def place_of(volume: Volume, out: Path) -> Path:
    return out / volume.dataset.name / volume.name


@pytest.mark.prove
@pytest.mark.parametrize("format", LABELS)
def test_any_labels_come_back_from_slicer_and_mitk_files(tmp_path_factory, format, proof):
    for random in proof.cases(sample=6, full=400):
        folder = tmp_path_factory.mktemp("files")
        count = int(random.choice([1, 3, 8, 20]))
        volume, objects = labelled(random, folder, str(random.choice(KINDS)), count)
        export_project(volume.dataset.project, folder / "out", format)
        place = place_of(volume, folder / "out")
        # the scan and its labels, found in one folder, are a volume with objects again
        report = import_sources(new_project(folder / "again"), [place])
        assert report.failed == []
        (found,) = report.added
        assert np.array_equal(found.read_image().array, volume.read_image().array)
        again, first = found.read_annotation().objects, objects[0]
        for entry in objects:
            same = [
                other for other in again if other.class_name == entry.class_name and other.mask == entry.mask
            ]
            assert same or entry.mask.count == 0
            if format == "seg-nrrd" and entry is first and entry.mask.count:
                tags = sorted((tag.name, str(tag.value)) for tag in TAGS)
                assert any(sorted((tag.name, str(tag.value)) for tag in other.tags) == tags for other in same)


@pytest.mark.prove
def test_slicer_reads_our_segmentation_with_names_colours_voxels_and_places(tmp_path_factory, proof):
    slicer = pytest.importorskip("slicer")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    for random in proof.cases(sample=4, full=100):
        folder = tmp_path_factory.mktemp("slicer")
        volume, objects = labelled(random, folder, str(random.choice(KINDS[:2])), 6)
        export_project(volume.dataset.project, folder / "out", "seg-nrrd")
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        storage = slicer.vtkMRMLSegmentationStorageNode()
        scene.AddNode(storage)
        storage.SetFileName(str(place_of(volume, folder / "out") / "labels.seg.nrrd"))
        assert storage.ReadData(node)
        segmentation = node.GetSegmentation()
        assert segmentation.GetNumberOfSegments() == len(objects)
        definitions, geometry = volume.dataset.project.definitions, volume.geometry()
        for number, entry in enumerate(objects):
            segment = segmentation.GetNthSegment(number)
            assert segment.GetName().split("#")[0] == entry.class_name
            color = "#{:02X}{:02X}{:02X}".format(*(round(c * 255) for c in segment.GetColor()))
            assert color == definitions.label_class(entry.class_name).color
            array = np.zeros(geometry.shape, dtype=bool)
            image = segment.GetRepresentation("Binary labelmap")
            if image is not None and image.GetNumberOfPoints() and entry.mask.count:
                extent = image.GetExtent()
                values = vtk_to_numpy(image.GetPointData().GetScalars())
                values = values.reshape([extent[a + 1] - extent[a] + 1 for a in (4, 2, 0)]).T
                matrix = vtkMatrix4x4()
                image.GetImageToWorldMatrix(matrix)
                to_ras = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
                index = np.argwhere(values == segment.GetLabelValue()) + np.array(extent[::2])
                inside = geometry.ras_to_ijk(index @ to_ras[:3, :3].T + to_ras[:3, 3])
                assert np.abs(inside - np.rint(inside)).max() < 0.02
                array[tuple(np.rint(inside).astype(int).T)] = True
            assert Mask.from_array(array) == entry.mask


def test_a_segmentation_that_slicer_wrote_is_read(tmp_path):
    """Two layers, cropped to what is set, as Slicer's storage node writes it."""
    slicer = pytest.importorskip("slicer")
    import vtk
    from vtkmodules.util.numpy_support import vtk_to_numpy

    shape = (10, 9, 8)
    matrix = np.diag([0.7, 0.9, 2.5, 1.0])
    matrix[:3, 3] = (3, 4, 5)
    scan = write_nrrd(tmp_path / "scan.nrrd", numbers(shape), VolumeGeometry(shape, matrix))
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    expected = {}
    for number, (low, high) in enumerate((((1, 1, 1), (4, 4, 4)), ((2, 2, 2), (6, 5, 5)))):
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(shape)
        image.SetSpacing(0.7, 0.9, 2.5)
        image.SetOrigin(3, 4, 5)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape[::-1]).T
        array[:] = 0
        array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 1
        segment = slicer.vtkSegment()
        segment.SetName(f"näme {number}")
        segment.SetColor(0.2, 0.4, 0.6)
        segment.AddRepresentation("Binary labelmap", image)
        node.GetSegmentation().AddSegment(segment)
        expected[f"näme {number}"] = Mask.from_array(array)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "slicer.seg.nrrd"))
    assert storage.WriteData(node)
    volume = import_sources(new_project(tmp_path / "p"), [scan]).added[0]
    report = import_sources(volume.dataset.project, [tmp_path / "slicer.seg.nrrd"], onto=volume)
    assert report.failed == []
    found = {entry.class_name: entry.mask for entry in volume.read_annotation().objects}
    assert found == expected
    assert {entry.color for entry in volume.dataset.project.definitions.classes} == {"#336699"}


def test_itksnap_gets_the_values_of_the_classes_and_what_they_mean(tmp_path):
    volume, objects = labelled(np.random.default_rng(3), tmp_path, "even", 5)
    export_project(volume.dataset.project, tmp_path / "out", "itksnap")
    place = place_of(volume, tmp_path / "out")
    told = {entry.value: (entry.name, entry.color) for entry in read_descriptions(place / "labels.txt")}
    definitions = volume.dataset.project.definitions
    assert told == {n: (entry.name, entry.color) for n, entry in enumerate(definitions.classes, 1)}
    values = set(np.unique(np.asanyarray(nibabel.load(place / "labels.nii.gz").dataobj)).tolist()) - {0}
    assert values <= {definitions.class_value(entry.class_name) for entry in objects}
    # and back, with names and colours, onto the volume that is named
    other = new_project(tmp_path / "again")
    scan = import_sources(other, [place / "scan.nii.gz"]).added[0]
    report = import_sources(other, [place / "labels.nii.gz"], onto=scan)
    assert report.failed == []
    names = {entry.class_name for entry in scan.read_annotation().objects}
    assert names == {told[value][0] for value in values}


@pytest.mark.prove
def test_a_multilabel_nrrd_of_mitk_is_read(tmp_path_factory, proof):
    """As MITK writes it: a vector of layers in each voxel, and the labels as JSON in the header."""
    for random in proof.cases(sample=4, full=100):
        folder = tmp_path_factory.mktemp("mitk")
        geometry = random_geometry(random)
        layers = random.integers(0, 3, (2, *geometry.shape)).astype(np.uint16)
        layers[1][layers[1] > 0] += 2
        vectors = np.ascontiguousarray(np.moveaxis(layers, 0, -1).transpose(2, 1, 0, 3))
        image = sitk.GetImageFromArray(vectors, True)
        origin, spacing, direction = geometry.lps_terms()
        image.SetOrigin(origin.tolist())
        image.SetSpacing(spacing.tolist())
        image.SetDirection(direction.ravel().tolist())
        color = {"type": "ColorProperty", "value": [1.0, 0.5, 0.0]}
        groups = [
            {"labels": [{"name": f"label {v}", "value": v, "color": color} for v in values]}
            for values in ((1, 2), (3, 4))
        ]
        image.SetMetaData("modality", "org.mitk.multilabel.segmentation")
        image.SetMetaData("org.mitk.multilabel.segmentation.version", "1")
        image.SetMetaData("org.mitk.multilabel.segmentation.labelgroups", json.dumps(groups))
        sitk.WriteImage(image, str(folder / "labels.nrrd"))
        scan = write_nrrd(folder / "scan.nrrd", numbers(geometry.shape), geometry)
        report = import_sources(new_project(folder / "p"), [scan, folder / "labels.nrrd"])
        assert report.failed == []
        volume = report.added[0]
        axis_map = geometry.canonical()[1]
        for entry in volume.read_annotation().objects:
            value = int(entry.class_name.split()[1])
            expected = axis_map.apply(layers[(value - 1) // 2] == value)
            mask = entry.mask or Mask(expected.shape)
            assert np.array_equal(mask.full() != 0, expected)
        assert {entry.color for entry in volume.dataset.project.definitions.classes} == {"#FF8000"}


def test_one_label_is_taken_out_of_a_file_by_its_name_or_value(tmp_path):
    random = np.random.default_rng(6)
    volume = random_volume(random, tmp_path, "dicom")
    annotation = volume.read_annotation()
    masks = random_labels(random, annotation.shape, 2, overlap=False)
    annotation.objects = [LabelObject(name, mask=mask) for name, mask in zip(CLASSES, masks, strict=False)]
    volume.write_annotation(annotation)
    files = {"dicom-seg": "segmentation.dcm", "rtstruct": "rtstruct.dcm", **LABELS}
    for format in files:
        export_project(volume.dataset.project, tmp_path / format, format)
    for format, name in files.items():
        path = place_of(volume, tmp_path / format) / name
        project = volume.dataset.project
        for class_name, value, mask in (("tumour", None, masks[1]), ("anything", 1, masks[0])):
            (added,) = attach_one(project, volume, path, class_name, value, "ada", "command").added
            assert added.class_name == class_name
            assert volume.read_annotation().object(added.key).mask == mask
        with pytest.raises(NotFoundError, match="choose one by --value"):
            attach_one(project, volume, path, "nothing like it", None, "ada", "command")


@pytest.mark.parametrize("format", ["seg-nrrd", "mitk", "itksnap", "nrrd", "nifti", "supervisely"])
def test_no_identity_leaves_with_any_labels(tmp_path, format):
    volume, _ = labelled(np.random.default_rng(2), tmp_path, "dicom", 3)
    source = volume.source()
    uids = [source.series_instance_uid, source.study_instance_uid, source.frame_of_reference_uid]
    uids += [entry.sop_instance_uid for entry in source.slices]
    report = export_project(volume.dataset.project, tmp_path / "out", format)
    for path in report.files:
        content = path.read_bytes() if path.suffix != ".gz" else nibabel.load(path).header.binaryblock
        for secret in (PATIENT, PATIENT_ID, *uids, str(tmp_path)):
            assert secret.encode() not in content, path.name


def test_identity_leaves_where_it_is_asked_for_and_has_a_place(tmp_path):
    volume, _ = labelled(np.random.default_rng(2), tmp_path, "dicom", 3)
    options = ExportOptions(identity=True)
    export_project(volume.dataset.project, tmp_path / "out", "supervisely", options=options)
    meta = Project.open(tmp_path / "out").find_volume(volume.name).read_meta()
    assert (meta["patientName"], meta["patientID"]) == (PATIENT, PATIENT_ID)
    assert meta["seriesInstanceUID"] == volume.source().series_instance_uid
    report = export_project(volume.dataset.project, tmp_path / "more", "nifti", options=options)
    assert "nifti has no place for who the patient is" in report.lost


@pytest.mark.parametrize("name", LABELS.values())
def test_damaged_files_of_labels_are_clear_errors(tmp_path, name):
    format = next(key for key, value in LABELS.items() if value == name)
    volume, _ = labelled(np.random.default_rng(8), tmp_path, "even", 6)
    export_project(volume.dataset.project, tmp_path / "out", format)
    place = place_of(volume, tmp_path / "out")
    whole = (place / name).read_bytes()
    for length in (0, 5, 40, len(whole) // 3, len(whole) * 2 // 3):
        (place / name).write_bytes(whole[:length])
        with pytest.raises(FileFormatError) as told:
            read_labels_of(place / name)
        assert isinstance(told.value, MedLabelError)


@pytest.mark.sdk
def test_without_the_private_folder_every_label_tag_and_class_opens_in_the_sdk(tmp_path, sdk_python):
    volume, _ = labelled(np.random.default_rng(5), tmp_path, "dicom", 5)
    masks = random_labels(np.random.default_rng(6), volume.geometry().shape, 4, overlap=False)
    label(volume, masks, np.random.default_rng(7))
    annotation = volume.read_annotation()
    whole = int(np.prod(annotation.shape))
    annotation.tags.append(Tag("seen"))
    filled = [entry for entry in annotation.objects if entry.mask is not None and entry.mask.count == whole]
    annotation.objects = [entry for entry in annotation.objects if entry not in filled]
    volume.write_annotation(annotation)
    project = volume.dataset.project
    shutil.rmtree(project.private)
    script = Path(__file__).parents[1] / "support" / "sdk_dump.py"
    (tmp_path / "dump").mkdir()
    subprocess.run([sdk_python, script, project.path, tmp_path / "dump"], check=True, capture_output=True)
    index = json.loads((tmp_path / "dump" / "index.json").read_text())
    assert index["classes"] == list(CLASSES)
    (seen,) = index["volumes"]
    assert seen["tags"] == ["seen"]
    assert seen["objects"] == len(annotation.objects)
    drawn = {entry.key: entry for entry in annotation.objects if entry.mask is not None and entry.mask.count}
    assert {entry["object"] for entry in seen["masks"]} == set(drawn)
    for entry in seen["masks"]:
        voxels = np.load(tmp_path / "dump" / entry["file"])
        assert np.array_equal(voxels != 0, drawn[entry["object"]].mask.full() != 0)
        assert entry["class"] == drawn[entry["object"]].class_name
    assert Project.open(project.path).find_volume(volume.name).read_annotation().tags[0].name == "seen"
