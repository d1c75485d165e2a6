"""A change that concerns all volumes of a project: none is begun unless all can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ..model.annotation import Annotation
from ..model.errors import LockedError
from ..storage.project import Project
from ..storage.session import VolumeSession
from ..storage.volume import Volume


@dataclass(frozen=True)
class Use:
    """Where a class or tag is in use: how often, and in which volumes."""

    count: int
    volumes: tuple[Volume, ...]

    def places(self) -> str:
        """The volumes in words, the first by name."""
        named = ", ".join(volume.label for volume in self.volumes[:3])
        return f"{len(self.volumes)} volumes ({named}{', …' if len(self.volumes) > 3 else ''})"


def use_in(project: Project, count: Callable[[Annotation], int]) -> Use:
    """Where something is in use, as ``count`` finds it in the labels that the files of each volume have.

    The files must be up to date: ``storage.following.bring_up_to_date``.
    """
    found = [(volume, count(volume.read_annotation(with_masks=False))) for volume in project.volumes()]
    return Use(sum(number for _, number in found), tuple(volume for volume, number in found if number))


@contextmanager
def sessions_of(volumes: Sequence[Volume], author: str, face: str) -> Iterator[list[VolumeSession]]:
    """All these volumes open for editing at once.

    Raises LockedError, naming the first that another session edits; nothing was changed then.
    """
    with ExitStack() as stack:
        sessions = []
        for volume in volumes:
            session = stack.enter_context(VolumeSession.open(volume, author, face))
            if session.read_only:
                raise LockedError(f"{volume.label} cannot be edited: {session.read_only_reason}")
            sessions.append(session)
        yield sessions
