"""What a window opens: a volume of a project, or a scan that belongs to none yet."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from MedLabelLib.model.errors import MedLabelError, ProjectError
from MedLabelLib.storage.names import tame_name
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.volumes.found import BadFile, FoundScan
from MedLabelLib.volumes.image import VolumeImage
from MedLabelLib.volumes.scan_folder import find_scans

FACE = "browser"
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
        return open_scan(Path(what["file"]))
    project = Project.open(what["project"])
    volume = project.dataset(what["dataset"]).volume(what["volume"])
    session = VolumeSession.open(volume, author(), FACE)
    try:
        image = volume.read_image()
    except (MedLabelError, OSError):
        session.close()
        raise
    return Opened(image, volume.name, project.name, session, note="; ".join(image.warnings))


def open_scan(path: Path) -> Opened:
    """Open the first scan in a file or folder. Its labels, once there are any, make a project beside it."""
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
    home = path.parent / f"{tame_name(name, 'scan')}{LABELS_ENDING}"
    if (home / "meta.json").is_file():
        session = VolumeSession.open(_volume_in(home), author(), FACE)
        return Opened(image, name, home.name, session, note="; ".join(notes))

    def make_session() -> VolumeSession:
        project = Project.create(home)
        volume = project.dataset("ds0", create=True).add_volume(name, image)
        return VolumeSession.open(volume, author(), FACE)

    return Opened(
        image, name, f"will be kept in “{home.name}” beside the scan", None, make_session, "; ".join(notes)
    )


def _volume_in(home: Path):
    volumes = list(Project.open(home).volumes())
    if len(volumes) != 1:
        raise ProjectError("the labels beside this scan are a project of their own; open that", home)
    return volumes[0]


def author() -> str:
    """Who is at work: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
