"""Writing the voxels of new volumes into their project, behind what the user waits for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..model.errors import MedLabelError
from ..volumes.image import VolumeImage
from .volume_file import write_volume

if TYPE_CHECKING:
    from .project import Project
    from .volume import Volume


class VolumeWriter:
    """A thread that writes volumes one after the other; leaving its block waits for the last.

    It holds two volumes in memory at most: :meth:`add` waits where it is behind. ``failed`` has (volume,
    sentence) of what could not be written: such a volume still opens from where it came from.
    """

    def __init__(self) -> None:
        self.failed: list[tuple[str, str]] = []
        self._queue: queue.Queue[tuple[Volume, VolumeImage] | None] = queue.Queue(maxsize=1)
        self._thread: threading.Thread | None = None

    def add(self, volume: Volume, image: VolumeImage) -> None:
        """Have the scan written as the volume's own file."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="medlabel-volumes", daemon=True)
            self._thread.start()
        self._queue.put((volume, image))

    def close(self) -> None:
        """Wait until all is written."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> VolumeWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            volume, image = entry
            try:
                # it may have been deleted meanwhile
                if volume.annotation_path.exists():
                    write_volume(volume.path, image.array, image.geometry)
            except MedLabelError as error:
                self.failed.append((volume.label, f"its voxels could not be written yet: {error.reason}"))


def write_pending(
    project: Project, progress: Callable[[str, int, int], None] | None = None
) -> list[tuple[str, str]]:
    """Write the voxels of volumes that a crash left without their own file; (volume, why not) of others."""
    pending = [volume for volume in project.volumes() if is_pending(volume)]
    failed = []
    for number, volume in enumerate(pending):
        if progress is not None:
            progress(f"writing {volume.label}", number, len(pending))
        try:
            volume.write_own_file()
        except (MedLabelError, OSError) as error:
            failed.append((volume.label, f"its voxels could not be written yet: {error}"))
    return failed


def is_pending(volume: Volume) -> bool:
    """Whether the volume's own file is still to be written."""
    if volume.has_own_file:
        return False
    record = volume.dataset.project.sources.read(volume.id())
    return record is not None and not record.is_linked
