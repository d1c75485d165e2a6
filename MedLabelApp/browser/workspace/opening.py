"""What a window opens: a volume of a project, or a scan that belongs to none yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import platformdirs

from MedLabelLib.model.errors import MedLabelError, ProjectError
from MedLabelLib.storage.author import author
from MedLabelLib.storage.names import free_name, tame_name
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.found import BadFile, FoundScan
from MedLabelLib.volumes.image import VolumeImage
from MedLabelLib.volumes.scan_folder import find_scans

FACE = "browser"
DATASET = "ds0"
LABELS_ENDING = " labels"


@dataclass
class Opened:
    """A scan with its labels, or with the way to a place for them. ``note`` is said to the user."""

    image: VolumeImage
    name: str
    place: str
    session: VolumeSession | None = None
    make_session: Callable[[], VolumeSession] | None = None
    note: str = ""


def open_what(what: dict[str, str]) -> Opened:
    """Open what the front names. Raises MedLabelError or OSError when it cannot be read."""
    if "file" in what:
        return open_scan(Path(what["file"]), _home_of_upload(what) if "upload" in what else None)
    project = Project.open(what["project"])
    volume = project.dataset(what["dataset"]).volume(what["volume"])
    session = VolumeSession.open(volume, author(), FACE)
    try:
        image = volume.read_image()
    except (MedLabelError, OSError):
        session.close()
        raise
    return Opened(image, volume.name, project.name, session, note="; ".join(image.warnings))


def _home_of_upload(what: dict[str, str]) -> Path:
    """Where labels on an uploaded scan are kept: in the project that is served, else in the user's folder."""
    if "project" in what:
        return Path(what["project"])
    return Path(platformdirs.user_data_dir("medlabel", appauthor=False)) / "uploaded"


def open_scan(path: Path, home: Path | None = None) -> Opened:
    """Open the first scan in a file or folder.

    Once there are labels, the scan is taken with them into the project ``home``, or, without one, into a
    project of its own beside the scan, where they are found when it is opened again.
    """
    found = find_scans(path)
    scans = [entry for entry in found if isinstance(entry, FoundScan)]
    if not scans:
        reasons = [entry.reason for entry in found if isinstance(entry, BadFile)]
        raise ProjectError(reasons[0] if reasons else "there is no scan in it", path)
    image = scans[0].read()
    name = scans[0].name
    notes = list(image.warnings)
    if len(scans) > 1:
        notes.append(f"this is the first of {len(scans)} scans; import them into a project to see all")
    note = "; ".join(notes)
    if home is not None:
        make = partial(_add_to, home, name, image)
        return Opened(
            image, name, f"not in a project; the first label takes it into “{home.name}”", None, make, note
        )
    home = path.parent / f"{tame_name(name, 'scan')}{LABELS_ENDING}"
    if (home / "meta.json").is_file():
        session = VolumeSession.open(_volume_in(home), author(), FACE)
        return Opened(image, name, home.name, session, note=note)
    make = partial(_add_to, home, name, image)
    return Opened(
        image, name, f"not in a project; the first label makes “{home.name}” beside it", None, make, note
    )


def _add_to(home: Path, name: str, image: VolumeImage) -> VolumeSession:
    """A session on the scan as a new volume of the project ``home``, which is made if need be."""
    is_there = (home / "meta.json").is_file()
    dataset = (Project.open(home) if is_there else Project.create(home)).dataset(DATASET, create=True)
    volume = dataset.add_volume(free_name(name, [other.name for other in dataset.volumes()]), image)
    return VolumeSession.open(volume, author(), FACE)


def _volume_in(home: Path) -> Volume:
    volumes = list(Project.open(home).volumes())
    if len(volumes) != 1:
        raise ProjectError("the labels beside this scan are a project of their own; open that", home)
    return volumes[0]
