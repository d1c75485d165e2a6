"""A project folder in Supervisely's volume-project layout, and its datasets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..model.annotation import Annotation
from ..model.definitions import Definitions
from ..model.errors import AmbiguousError, DuplicateError, NotFoundError, ProjectError
from ..volumes.image import VolumeImage
from .atomic import sweep_partials, sync_folder, write_bytes
from .definitions_json import definitions_bytes, read_definitions
from .names import check_name
from .sources import SourceStore
from .volume import Volume
from .volume_file import write_volume
from .volume_meta import volume_meta
from .volume_writer import VolumeWriter

PRIVATE = ".medlabel"
META = "meta.json"
_INNER_FOLDERS = {"volume", "ann", "mask", "interpolation", "datasets"}


class Project:
    """A folder of datasets of volumes with their labels. Make one by :meth:`create` or :meth:`open`."""

    def __init__(self, path: Path, definitions: Definitions | None = None) -> None:
        self.path = path
        self._definitions = definitions
        self._definitions_stamp = None if definitions is None else self._stamp()
        self.sources = SourceStore(self.private / "sources")

    @classmethod
    def create(cls, path: str | Path, definitions: Definitions | None = None) -> Project:
        """Make a new project in a folder that is not there yet, or empty.

        Raises
        ------
        DuplicateError
            when there is a project, or anything else, already.
        ProjectError
            when the folder cannot be made.
        """
        path = Path(path).absolute()
        if (path / META).exists():
            raise DuplicateError("there is a project here already", path)
        try:
            if path.exists() and any(path.iterdir()):
                raise DuplicateError("the folder is not empty", path)
            path.mkdir(parents=True, exist_ok=True)
            (path / PRIVATE).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ProjectError(f"a project cannot be made here: {error.strerror or error}", path) from error
        definitions = definitions or Definitions()
        write_bytes(path / META, definitions_bytes(definitions))
        return cls(path, definitions)

    @classmethod
    def open(cls, path: str | Path) -> Project:
        """Open a project, MedLabel's or another tool's.

        Raises
        ------
        ProjectError
            when there is no project in the folder.
        FileFormatError
            when its ``meta.json`` is damaged.
        """
        path = Path(path).absolute()
        if not path.is_dir():
            raise ProjectError("there is no such folder", path)
        if not (path / META).is_file():
            raise ProjectError("this folder is no project: it has no meta.json", path)
        return cls(path, read_definitions(path / META))

    @classmethod
    def open_damaged(cls, path: str | Path) -> Project:
        """Open a project to be checked or mended, whose ``meta.json`` may be damaged or missing.

        Raises ProjectError when the folder holds neither that nor what MedLabel keeps in a project.
        """
        path = Path(path).absolute()
        if not (path / META).exists() and not (path / PRIVATE).is_dir():
            raise ProjectError("there is no project in this folder", path)
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def private(self) -> Path:
        """``.medlabel/``: what only MedLabel reads, and what never leaves the machine."""
        return self.path / PRIVATE

    @property
    def writable(self) -> bool:
        return os.access(self.path, os.W_OK)

    # -- classes and tags --------------------------------------------------------------------------------

    @property
    def definitions(self) -> Definitions:
        """The classes and tags, read anew when another process has changed them.

        ``project_journal.change_definitions`` changes them. Raises FileFormatError when they are damaged.
        """
        stamp = self._stamp()
        if stamp is None or stamp != self._definitions_stamp:
            self._definitions = read_definitions(self.path / META)
            self._definitions_stamp = stamp
        return self._definitions

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = (self.path / META).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    # -- datasets and volumes ----------------------------------------------------------------------------

    def datasets(self) -> list[Dataset]:
        """All datasets, nested ones after their parent, by name."""
        return list(self._datasets_in(self.path, ""))

    def _datasets_in(self, folder: Path, prefix: str) -> Iterator[Dataset]:
        try:
            entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        except OSError as error:
            raise ProjectError(f"it cannot be read: {error.strerror or error}", folder) from error
        for name in entries:
            if name.startswith(".") or (prefix == "" and name in _INNER_FOLDERS):
                continue
            child = folder / name
            if (child / "ann").is_dir() or (child / "volume").is_dir() or (child / "datasets").is_dir():
                yield Dataset(self, prefix + name, child)
                if (child / "datasets").is_dir():
                    yield from self._datasets_in(child / "datasets", prefix + name + "/")

    def dataset(self, name: str, create: bool = False) -> Dataset:
        """The dataset ``name`` (nested: ``parent/child``). Raises NotFoundError, or makes it."""
        for dataset in self.datasets():
            if dataset.name == name:
                return dataset
        if not create:
            known = ", ".join(dataset.name for dataset in self.datasets()) or "none"
            raise NotFoundError(f"there is no dataset {name!r} in the project (it has: {known})")
        parts = [check_name("dataset", part) for part in name.split("/")]
        if parts[0] in _INNER_FOLDERS:
            raise ProjectError(f"{parts[0]!r} is no name for a dataset: the layout uses it itself")
        path = self.path / "/datasets/".join(parts)
        for folder in ("volume", "ann"):
            try:
                (path / folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ProjectError(f"it cannot be made: {error.strerror}", path / folder) from error
        return Dataset(self, name, path)

    def volumes(self) -> Iterator[Volume]:
        for dataset in self.datasets():
            yield from dataset.volumes()

    def find_volume(self, text: str) -> Volume:
        """The volume that ``text`` names: ``dataset/name``, or an unambiguous part of it."""
        volumes = list(self.volumes())
        wanted = text.removesuffix(".nrrd")
        for attempt in (
            lambda v: v.label == wanted,
            lambda v: v.name == wanted,
            lambda v: wanted.lower() in v.label.lower(),
        ):
            found = [volume for volume in volumes if attempt(volume)]
            if len(found) == 1:
                return found[0]
            if found:
                labels = ", ".join(volume.label for volume in found[:5])
                raise AmbiguousError(f"{text!r} could be any of {len(found)} volumes: {labels}")
        known = ", ".join(volume.label for volume in volumes[:5]) or "none"
        raise NotFoundError(f"there is no volume {text!r} in the project (it has: {known})")

    def find_series(self, series_instance_uid: str) -> Volume | None:
        """The volume that came from a DICOM series, or None."""
        volume_id = self.sources.volume_of_series(series_instance_uid)
        if volume_id is None:
            return None
        return next((volume for volume in self.volumes() if volume.id() == volume_id), None)


class Dataset:
    """A folder of volumes inside a project."""

    def __init__(self, project: Project, name: str, path: Path) -> None:
        self.project = project
        self.name = name
        self.path = path

    def volumes(self) -> list[Volume]:
        """The volumes that have an annotation, by name."""
        folder = self.path / "ann"
        if not folder.is_dir():
            return []
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
        volumes = [
            Volume(self, name.removesuffix(".json"))
            for name in names
            if name.lower().endswith(".nrrd.json") and not name.startswith(".")
        ]
        return sorted(volumes, key=lambda volume: volume.name)

    def volume(self, name: str) -> Volume:
        for volume in self.volumes():
            if name in (volume.name, volume.file_name):
                return volume
        raise NotFoundError(f"there is no volume {name!r} in the dataset {self.name!r}")

    def add_volume(
        self,
        name: str,
        image: VolumeImage,
        annotation: Annotation | None = None,
        writer: VolumeWriter | None = None,
    ) -> Volume:
        """Write a scan into the dataset, and its labels.

        The annotation makes the volume part of the dataset, and what it needs to open is there before:
        whatever stops the work leaves a file that no one lists, which the next attempt replaces. Where
        the scan's files can be opened again, ``writer`` may write the volume's own file behind; where
        ``image.source`` is linked it is not written at all. Until then the volume opens from those.

        Raises
        ------
        DuplicateError
            when the dataset has a volume of this name.
        ProjectError
            when the name is none or the files cannot be written.
        """
        check_name("volume", name)
        volume = Volume(self, f"{name}.nrrd")
        if name.lower() in (other.name.lower() for other in self.volumes()):
            raise DuplicateError(f"the dataset {self.name!r} has a volume {name!r} already")
        for folder in ("volume", "ann"):
            sweep_partials(self.path / folder)
        # what a crash left of a volume that never was
        if volume.path.exists():
            volume.path.unlink()
            sync_folder(volume.path.parent)
        annotation = annotation or Annotation(image.geometry.shape)
        annotation.volume_meta = {**annotation.volume_meta, **volume_meta(image)}
        # only what can be opened again may be written later
        behind = writer is not None and bool(image.source.files) and not image.source.is_linked
        if not behind and not image.source.is_linked:
            write_volume(volume.path, image.array, image.geometry)
        self.project.sources.write(annotation.key, image.source)
        volume.write_annotation(annotation, geometry=image.geometry)
        if behind:
            writer.add(volume, image)
        return volume
