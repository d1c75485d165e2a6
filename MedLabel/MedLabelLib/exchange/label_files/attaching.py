"""Which volume the labels of a file are of, and making objects of them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.annotation import LabelObject, Tag
from ...model.definitions import Definitions, TagDefinition
from ...model.errors import AmbiguousError, GeometryError, LockedError, MedLabelError, NotFoundError
from ...model.mask import Mask
from ...storage.project import Project
from ...storage.project_journal import change_definitions
from ...storage.session import VolumeSession
from ...storage.volume import Volume
from .label_file import FoundLabel, LabelFile, References


@dataclass(frozen=True)
class AddedLabel:
    """An object that was made of a label: its volume, key, class, number in the class, and voxels."""

    volume: Volume
    key: str
    class_name: str
    number: int
    voxels: int


@dataclass
class AttachReport:
    """What became of a file's labels: the objects made, and sentences on what had to be said."""

    added: list[AddedLabel] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def find_volume(project: Project, file: LabelFile) -> Volume:
    """The volume that a file's labels are of.

    By the images that it refers to, else by their series, else by the frame of reference, where just one
    volume has it. A file that refers to nothing is of the one volume that has its grid. Raises
    NotFoundError when the project has none, AmbiguousError when it has several.
    """
    if not file.references:
        return _by_grid(project, file)
    records = [(volume, volume.source()) for volume in project.volumes()]
    by_images = [
        (len(file.references.images & {entry.sop_instance_uid for entry in record.slices}), volume)
        for volume, record in records
    ]
    most = max((count for count, _ in by_images), default=0)
    if most:
        return _only([volume for count, volume in by_images if count == most], file)
    for matches in (
        [volume for volume, record in records if record.series_instance_uid in file.references.series],
        [volume for volume, record in records if _same_frame(record.frame_of_reference_uid, file.references)],
    ):
        if matches:
            return _only(matches, file)
    raise NotFoundError(f"the project has no volume of the scan that this {file.kind} is of", file.path)


def _by_grid(project: Project, file: LabelFile) -> Volume:
    if file.grid is not None:
        matches = [volume for volume in project.volumes() if volume.geometry().is_close(file.grid, 1e-2)]
        if matches:
            return _only(matches, file)
    raise NotFoundError(
        "it does not say which scan its labels are of, and no volume has its grid; name the volume", file.path
    )


def _same_frame(uid: str, references: References) -> bool:
    return bool(uid) and uid == references.frame_of_reference


def _only(volumes: list[Volume], file: LabelFile) -> Volume:
    if len(volumes) == 1:
        return volumes[0]
    labels = ", ".join(volume.label for volume in volumes[:5])
    raise AmbiguousError(
        f"this {file.kind} could be of any of {len(volumes)} volumes ({labels}); name the volume", file.path
    )


def attach(
    project: Project,
    volume: Volume,
    file: LabelFile,
    author: str,
    face: str,
    labels: Sequence[FoundLabel] | None = None,
    class_name: str | None = None,
    again: bool = False,
) -> AttachReport:
    """Make an object of each label of a file (or of those given) on a volume, as one step of its history.

    A class that the project lacks is made, in the label's colour. A label that the volume has already, of
    the same class and with the same voxels, is skipped, so that a file may be imported again, unless
    ``again`` is set.
    ``class_name`` is for all of them, in place of their own. The history does not name the file, since
    names of files may be patients'.

    Raises
    ------
    LockedError
        while another session edits the volume.
    GeometryError
        when none of the labels lies in the volume.
    """
    report = AttachReport(notes=list(file.notes))
    geometry = volume.geometry()
    placed: list[tuple[FoundLabel, Mask]] = []
    chosen = file.labels if labels is None else labels
    for label in chosen:
        try:
            mask, note = label.mask(geometry)
        except GeometryError as error:
            report.skipped.append(f"{label.name}: {error.reason}")
            continue
        placed.append((label, mask))
        if note:
            report.notes.append(f"{label.name}: {note}")
    if chosen and not placed:
        raise GeometryError("; ".join(report.skipped[:3]), file.path)
    with VolumeSession.open(volume, author, face) as session:
        if session.read_only:
            raise LockedError(f"{volume.label} cannot be labeled: {session.read_only_reason}")
        known = [(entry.class_name, entry.mask) for entry in session.annotation.objects if entry.mask]
        fresh = []
        for label, mask in placed:
            name = class_name or label.class_name
            if not again and any(
                name == other and mask == there for other, there in known if there is not None
            ):
                report.skipped.append(f"{label.name}: the volume has it already")
            else:
                fresh.append((label, name, mask))
        wanted = _definitions(project.definitions, [(label, name) for label, name, _ in fresh], report)
        change_definitions(project, wanted, f"Classes of a {file.kind}", author, face)
        added = []
        if fresh:
            with session.edit(f"Import {file.kind}", "import") as edit:
                edit.set_provenance("imported")
                for label, name, mask in fresh:
                    tags = [Tag(tag, value) for tag, value in label.tags if _fits(wanted, tag, value)]
                    entry = LabelObject(name, tags=tags, mask=None if mask.box is None else mask)
                    added.append((edit.add_object(entry), mask))
            session.save()
        for entry, mask in added:
            number = session.annotation.number(entry)
            report.added.append(AddedLabel(volume, entry.key, entry.class_name, number, mask.count))
    return report


def _definitions(
    definitions: Definitions, labels: Sequence[tuple[FoundLabel, str]], report: AttachReport
) -> Definitions:
    """``definitions`` with the classes and tags of labels that it lacks."""
    for label, name in labels:
        if not definitions.has_class(name):
            definitions = definitions.with_class(name, color=label.color)
        for tag, value in label.tags:
            if not definitions.has_tag(tag):
                kind = "none" if value is None else "any_string" if isinstance(value, str) else "any_number"
                definitions = definitions.with_tag(TagDefinition(tag, kind))
            elif not _fits(definitions, tag, value):
                report.notes.append(f"{label.name}: its tag {tag} = {value!r} is none that the project takes")
    return definitions


def _fits(definitions: Definitions, tag: str, value: str | float | None) -> bool:
    try:
        definitions.tag(tag).check_value(value)
    except MedLabelError:
        return False
    return True
