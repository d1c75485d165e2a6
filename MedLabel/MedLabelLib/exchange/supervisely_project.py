"""Taking a volume project of Supervisely's layout into another project, labels and all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..model.annotation import Annotation, new_key
from ..model.definitions import Definitions
from ..model.errors import FileFormatError, GeometryError
from ..model.geometry import VolumeGeometry
from ..model.mask import Mask
from ..storage.mask_file import read_mask
from ..storage.project import Project
from ..storage.project_journal import change_definitions
from ..storage.volume import Volume
from ..storage.volume_file import read_grid
from ..volumes.image import VolumeImage
from .closed_mesh import mask_from_mesh, read_stl
from .turned_labels import turned_labels

MESH = "closed_surface_mesh"


@dataclass(frozen=True)
class Outcome:
    """What became of one volume of the other project: the new one, or the reason why there is none."""

    label: str
    path: Path
    added: Volume | None = None
    reason: str = ""
    is_duplicate: bool = False


def is_project(path: Path) -> bool:
    """Whether a folder is a project in Supervisely's layout, of volumes or not."""
    try:
        meta = json.loads((path / "meta.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(meta, dict) and "classes" in meta and "tags" in meta


def take_project(
    project: Project, path: Path, warnings: list[tuple[str, str]], author: str, face: str
) -> Iterator[Outcome]:
    """Copy every volume of the project in ``path``, with its dataset, labels, classes and tags.

    A class or tag that ``project`` has stays as it is there. Raises FileFormatError when the other
    project's definitions are damaged, ProjectError or JournalError when ``project`` cannot be written.
    """
    other = Project.open(path)
    if other.path.resolve() == project.path.resolve():
        raise FileFormatError("a project cannot be imported into itself", path)

    def merged(ours: Definitions) -> Definitions:
        return merge_definitions(ours, other.definitions, path, warnings)

    change_definitions(project, merged, f"Classes and tags of {path.name}", author, face)
    for volume in other.volumes():
        yield _take_volume(project, volume, warnings)


def merge_definitions(
    ours: Definitions, theirs: Definitions, path: Path, warnings: list[tuple[str, str]]
) -> Definitions:
    """``ours`` with what only ``theirs`` has. A name in both stays ours, and a difference is said."""
    classes, tags = list(ours.classes), list(ours.tags)
    for entry in theirs.classes:
        if entry.shape == MESH:
            # meshes become masks
            entry = replace(entry, shape="mask_3d")
        if not ours.has_class(entry.name):
            classes.append(entry)
            continue
        shape = ours.label_class(entry.name).shape
        if shape != entry.shape:
            warnings.append((str(path), f"its class {entry.name!r} is {entry.shape}, ours is {shape}"))
    for entry in theirs.tags:
        if not ours.has_tag(entry.name):
            tags.append(entry)
            continue
        same = ours.tag(entry.name)
        if (same.value_type, same.values) != (entry.value_type, entry.values):
            warnings.append((str(path), f"its tag {entry.name!r} takes other values than ours"))
    return replace(ours, classes=tuple(classes), tags=tuple(tags))


def _take_volume(project: Project, volume: Volume, warnings: list[tuple[str, str]]) -> Outcome:
    target = project.dataset(volume.dataset.name, create=True)
    if volume.name.lower() in (there.name.lower() for there in target.volumes()):
        reason = f"the project has a volume {volume.label} already"
        return Outcome(volume.label, volume.path, reason=reason, is_duplicate=True)
    try:
        image, annotation = _read(volume, warnings)
        _take_meshes(volume, annotation, image.geometry, warnings)
    except (FileFormatError, GeometryError) as error:
        return Outcome(volume.label, error.path or volume.path, reason=error.reason)
    annotation.key = new_key()
    added = target.add_volume(volume.name, image, annotation)
    return Outcome(volume.label, volume.path, added)


def _read(volume: Volume, warnings: list[tuple[str, str]]) -> tuple[VolumeImage, Annotation]:
    """The scan and its labels on the canonical grid; labels of other axes go along by index."""
    if not volume.has_own_file or read_grid(volume.path).canonical()[1].is_identity:
        image, annotation = volume.read_image(), volume.read_annotation()
        _join_masks(volume, annotation, warnings)
        return image, annotation
    image, labels, axis_map = volume.read_turned()
    _join_masks(volume, labels, warnings)
    annotation, lost = turned_labels(labels, axis_map)
    told = "its axes did not grow toward Right, Anterior, Superior: it was turned, labels and all"
    warnings.append((volume.label, told))
    warnings.extend((volume.label, f"{reason}, and was left out") for reason in lost)
    return image, annotation


def _join_masks(volume: Volume, annotation: Annotation, warnings: list[tuple[str, str]]) -> None:
    """Join the further masks that another tool gave an object into its mask, in the axes of the files.

    Raises FileFormatError where a mask's file is missing or damaged.
    """
    rest = []
    for figure in annotation.extra.pop("spatialFigures", ()):
        if figure["geometryType"] != "mask_3d":
            rest.append(figure)
            continue
        mask = read_mask(volume.mask_path(figure["key"]), annotation.shape)
        _join(annotation, figure["objectKey"], mask, "further mask", volume, warnings)
    if rest:
        annotation.extra["spatialFigures"] = rest


def _take_meshes(
    volume: Volume, annotation: Annotation, geometry: VolumeGeometry, warnings: list[tuple[str, str]]
) -> None:
    """Make masks of closed meshes, joined with what their object has; other figures stay as they are."""
    rest = []
    for figure in annotation.extra.pop("spatialFigures", ()):
        if figure["geometryType"] != MESH:
            rest.append(figure)
            continue
        path = volume.dataset.path / "interpolation" / volume.file_name / f"{figure['key']}.stl"
        try:
            mask = mask_from_mesh(read_stl(path), geometry)
        except FileNotFoundError:
            name = annotation.object(figure["objectKey"]).class_name
            warnings.append((volume.label, f"the mesh of an object of {name!r} is missing"))
            continue
        except FileFormatError as error:
            warnings.append((volume.label, f"{path.name}: {error.reason}"))
            continue
        _join(annotation, figure["objectKey"], mask, "closed mesh", volume, warnings)
    if rest:
        annotation.extra["spatialFigures"] = rest


def _join(
    annotation: Annotation,
    key: str,
    mask: Mask,
    what: str,
    volume: Volume,
    warnings: list[tuple[str, str]],
) -> None:
    entry = annotation.object(key)
    name = f"{entry.class_name}#{annotation.number(entry)}"
    if entry.mask is None:
        entry.mask = mask
        told = f"a {what} of {name} became a mask of {mask.count} voxels"
    else:
        entry.mask = _union(entry.mask, mask)
        told = f"a {what} of {name} was joined into its mask, now of {entry.mask.count} voxels"
    warnings.append((volume.label, told))


def _union(mask: Mask, other: Mask) -> Mask:
    joined = mask.copy()
    if (box := other.box) is not None:
        joined.write(box, joined.read(box) | other.look(box))
    return joined
