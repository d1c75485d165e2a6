"""Working off the queue of a project."""

from __future__ import annotations

from collections.abc import Callable

from MedLabelLib.storage.project import Project

from .errors import StoreError
from .local import LocalState
from .pulling import pull, raise_conflicts
from .pushing import push
from .queue import PUSH, Asked
from .stores.store import Progress, Store


def worker(
    project: Project,
    open_store: Callable[[str], Store],
    author: str,
    face: str,
    progress: Progress | None = None,
) -> Callable[[Asked], None]:
    """What :meth:`Queue.work` calls for each item: it pushes or pulls the one volume, or raises why not."""

    def do(item: Asked) -> None:
        volume = project.find_volume(item.volume)
        store = open_store(item.store)
        with LocalState(project) as state:
            if item.verb == PUSH:
                results = push(project, state, store, [volume], author, face, progress)
            else:
                results = pull(project, state, store, [volume], author, face, progress)
                raise_conflicts(results)
        for result in results:
            if result.error is not None:
                raise result.error
            if result.outcome == "failed":
                raise StoreError(result.note)

    return do


def should_wait(error: Exception | None) -> bool:
    """Whether what failed may go by itself later, so that it belongs into the queue."""
    return isinstance(error, StoreError) and error.temporary
