"""A volume of a project: its scan, its annotation and the files of both."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.annotation import Annotation, new_key
from ..model.errors import FileFormatError, GeometryError, MedLabelError, NotFoundError, ProjectError
from ..model.geometry import AxisMap, VolumeGeometry
from ..volumes.image import SourceRecord, VolumeImage
from .annotation_json import annotation_from_json, annotation_to_json
from .atomic import write_json
from .mask_file import read_mask, write_mask
from .volume_file import read_grid, write_volume

if TYPE_CHECKING:
    from ..volumes.found import OpenScan
    from .project import Dataset

_KEY = re.compile(r"[0-9a-f]{32}")


class Volume:
    """One scan of a dataset, with its labels. Reading is lazy; nothing is held but names."""

    def __init__(self, dataset: Dataset, file_name: str) -> None:
        self.dataset = dataset
        self.file_name = file_name

    @property
    def name(self) -> str:
        return self.file_name.removesuffix(".nrrd")

    @property
    def label(self) -> str:
        """``dataset/name``, as the command line and the screen say it."""
        return f"{self.dataset.name}/{self.name}"

    @property
    def path(self) -> Path:
        return self.dataset.path / "volume" / self.file_name

    @property
    def annotation_path(self) -> Path:
        return self.dataset.path / "ann" / f"{self.file_name}.json"

    @property
    def mask_folder(self) -> Path:
        return self.dataset.path / "mask" / self.file_name

    def mask_path(self, mask_key: str) -> Path:
        """The file of a mask. A key that is no key (it comes from a file) is refused."""
        if not _KEY.fullmatch(mask_key):
            raise FileFormatError(f"{mask_key!r} is no key of a figure", self.annotation_path)
        return self.mask_folder / f"{mask_key}.nrrd"

    # -- the scan --------------------------------------------------------------------------------------

    def geometry(self) -> VolumeGeometry:
        """The canonical grid, on which masks and figures lie.

        Raises
        ------
        FileFormatError
            when the volume's file is missing or damaged.
        GeometryError
            when the file's axes do not grow toward Right, Anterior and Superior.
        """
        record = self.dataset.project.sources.read(self.id())
        if record is not None and not self.has_own_file:
            return record.geometry.remapped(record.axis_map)
        grid = read_grid(self.path)
        if not grid.canonical()[1].is_identity:
            raise GeometryError(
                f"the axes of {self.path} do not grow toward Right, Anterior, Superior; medlabel import "
                "takes the project into another and turns it, labels and all"
            )
        if record is not None and record.geometry.is_uneven:
            exact = record.geometry.remapped(record.axis_map)
            if exact.shape == grid.shape:
                return exact
        return grid

    @property
    def has_own_file(self) -> bool:
        """Whether the project holds the voxels. Else they are read from where the volume came from:
        for good where it is linked, or until its file is written."""
        return self.path.exists()

    def source(self) -> SourceRecord:
        """Where the volume came from. A volume of another tool is its own source."""
        record = self.dataset.project.sources.read(self.id())
        if record is not None:
            return record
        geometry = self.geometry()
        unchanged = AxisMap((0, 1, 2), (False, False, False), geometry.shape)
        return SourceRecord("nrrd", geometry, unchanged, [self.path])

    def read_image(self) -> VolumeImage:
        """The scan on its canonical grid.

        Raises FileFormatError when its file is missing or damaged, NotFoundError, which names
        ``medlabel relink``, when a file that it is linked to is not there any more.
        """
        from ..volumes.reading import open_source, read_volume

        geometry, source = self.geometry(), self.source()
        if self.has_own_file:
            image = read_volume(self.path)
        else:
            image = open_source(source).read()
            if image.array.shape != geometry.shape:
                raise FileFormatError("it is another scan than the one the volume came from", self.path)
        image.geometry, image.source = geometry, source
        self._describe(image)
        return image

    def read_turned(self) -> tuple[VolumeImage, Annotation, AxisMap]:
        """A scan of another tool whose file has other axes: the scan on its canonical grid, the labels as
        they lie in the file's axes, and the map from those to the canonical ones.

        The errors are those of :meth:`read_image` and :meth:`read_annotation`.
        """
        from ..volumes.reading import read_volume

        labels = self.read_annotation(shape=read_grid(self.path).shape)
        image = read_volume(self.path)
        self._describe(image)
        return image, labels, image.source.axis_map

    def _describe(self, image: VolumeImage) -> None:
        """Say of a scan what its annotation knows of it."""
        meta = self.read_meta()
        image.modality = meta.get("modality") or ""
        image.unit = self.unit
        image.photometric = meta.get("photometricInterpretation") or ""
        if meta.get("hasOwnWindow", True) and meta.get("windowWidth"):
            image.window = (float(meta.get("windowCenter") or 0.0), float(meta["windowWidth"]))

    def open_scan(self) -> OpenScan:
        """The scan with a slice to be had before the whole, where it still has its DICOM files.

        The errors are :meth:`read_image`'s.
        """
        from ..volumes.reading import open_source
        from ..volumes.whole_scan import WholeScan

        source = self.source()
        if source.kind == "dicom":
            try:
                return open_source(source)
            except (NotFoundError, FileFormatError):
                if not self.has_own_file:
                    raise
        return WholeScan(self.path, lambda _: self.read_image())

    @contextmanager
    def nrrd_file(self) -> Iterator[Path]:
        """A file of the voxels for as long as the block lasts: the volume's own, else one made for it.

        Raises as :meth:`read_image` and :meth:`write_own_file` do.
        """
        if self.has_own_file:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="medlabel-") as folder:
            path = Path(folder) / self.file_name
            write_volume(path, self.read_image().array, self.geometry())
            yield path

    def write_own_file(self) -> None:
        """Write the voxels into the project, where they are only linked or not written yet.

        Raises as :meth:`read_image` does, and ProjectError when it cannot be written.
        """
        if not self.has_own_file:
            write_volume(self.path, self.read_image().array, self.geometry())

    @property
    def modality(self) -> str:
        return self.read_meta().get("modality") or ""

    @property
    def unit(self) -> str:
        """The unit of the voxels: ``HU``, ``SUVbw``, ``Bq/ml``…; empty where it is not known."""
        return self.read_meta().get("unit") or ("HU" if self.modality == "CT" else "")

    # -- the annotation --------------------------------------------------------------------------------

    def id(self) -> str:
        """The key of the annotation, which stays when the volume is renamed or moved."""
        key = self._read_json().get("key")
        if not key:
            # an annotation of another tool without a key: the name identifies it
            return f"name-{self.dataset.name}-{self.file_name}".replace("/", "_")
        return key

    def read_meta(self) -> dict:
        """Supervisely's ``volumeMeta``."""
        return self._read_json().get("volumeMeta") or {}

    def read_annotation(
        self, with_masks: bool = True, shape: tuple[int, int, int] | None = None
    ) -> Annotation:
        """The labels, masks read; on a grid of ``shape``, the canonical one's if None.

        Raises FileFormatError naming the file that is missing or damaged.
        """
        data = self._read_json()
        shape = self.geometry().shape if shape is None else shape
        try:
            annotation = annotation_from_json(data, shape)
            annotation.check(self.dataset.project.definitions)
        except MedLabelError as error:
            raise FileFormatError(error.reason, self.annotation_path) from error
        if with_masks:
            for entry in annotation.objects:
                if entry.mask_key is not None:
                    entry.mask = read_mask(self.mask_path(entry.mask_key), annotation.shape)
        return annotation

    def write_annotation(
        self,
        annotation: Annotation,
        changed: Collection[str] | None = None,
        geometry: VolumeGeometry | None = None,
    ) -> None:
        """Write the labels: first the masks, then the annotation that names them, each atomically.

        Parameters
        ----------
        changed
            Keys of the objects whose masks are to be written; None writes all.
        geometry
            The canonical grid, where the caller has it at hand.

        Raises
        ------
        ProjectError
            when a file cannot be written. What was saved before still stands.
        """
        annotation.check(self.dataset.project.definitions)
        geometry = geometry or self.geometry()
        for entry in annotation.objects:
            if entry.mask is None or entry.mask.box is None:
                continue
            fresh = entry.mask_key is None
            if fresh:
                entry.mask_key = new_key()
            path = self.mask_path(entry.mask_key)
            if fresh or changed is None or entry.key in changed or not path.exists():
                write_mask(path, entry.mask, geometry)
        write_json(self.annotation_path, annotation_to_json(annotation))
        self._remove_orphans(annotation)

    def _remove_orphans(self, annotation: Annotation) -> None:
        """Mask files that the annotation no longer names; other tools' files stay."""
        named = {entry.mask_key for entry in annotation.objects if entry.mask and entry.mask.box}
        named |= {figure.get("key") for figure in annotation.extra.get("spatialFigures", ())}
        if self.mask_folder.is_dir():
            for path in self.mask_folder.glob("*.nrrd"):
                if _KEY.fullmatch(path.stem) and path.stem not in named:
                    path.unlink(missing_ok=True)

    def _read_json(self) -> dict:
        path = self.annotation_path
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise FileFormatError("the volume's annotation is missing", path) from error
        except OSError as error:
            raise ProjectError(f"it cannot be read: {error.strerror}", path) from error
        except ValueError as error:
            raise FileFormatError(f"it is not JSON: {error}", path) from error
        if not isinstance(data, dict):
            raise FileFormatError("it is not an annotation", path)
        return data
