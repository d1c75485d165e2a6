"""Push: what a volume's labels are now becomes a revision in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume

from .comparing import AHEAD, DIVERGED, NOT_THERE, compare, known_base
from .content import content_of, mask_reader
from .errors import CancelledError, StoreError
from .local import Base, LocalState, Seen
from .looking import look
from .revision import Reference, Revision, graph_of
from .stores.store import Progress, Store

PUSHED, UP_TO_DATE, FAILED = "pushed", "nothing to push", "failed"


@dataclass(frozen=True)
class Pushed:
    """What became of one volume. ``error`` is set where it failed."""

    label: str
    outcome: str
    revision: str = ""
    bytes: int = 0
    note: str = ""
    error: MedLabelError | None = None


def push(
    project: Project,
    state: LocalState,
    store: Store,
    volumes: Iterable[Volume],
    author: str,
    face: str,
    progress: Progress | None = None,
    with_scans: bool = False,
    agrees: Callable[[str], bool] = lambda question: True,
) -> list[Pushed]:
    """Push what changed of each volume; one that fails does not stop the rest.

    ``with_scans`` sends the scans too where the store lacks them. ``agrees`` is asked before data goes to
    another machine for the first time.

    Raises
    ------
    StoreError
        where the store cannot be used at all, or the user does not agree.
    CancelledError
        when ``progress`` is stopped; what was pushed before is pushed.
    """
    progress = progress or Progress()
    volumes = list(volumes)
    looked = look(project, state, volumes)
    references = store.references({seen.scan.id for seen in looked.seen.values()})
    bases = state.bases(store.identity)
    results = [Pushed(label, FAILED, note=why) for label, why in looked.problems.items()]
    asked = not store.leaves_machine or bool(bases)
    for volume in volumes:
        progress.check()
        seen = looked.seen.get(volume.label)
        if seen is None:
            continue
        there = references.get(seen.scan.id, [])
        base = bases.get(seen.volume_id, Base())
        try:
            stands = compare(seen, base, there)
            lacks_scan = with_scans and not store.has_scan(seen.scan)
            # a volume without labels has nothing to push, unless its labels were there and were removed
            is_due = stands in (AHEAD, DIVERGED) or (stands == NOT_THERE and (not seen.empty or lacks_scan))
            if not is_due and not lacks_scan:
                _agree_with_store(state, store, seen, base, there)
                results.append(Pushed(volume.label, UP_TO_DATE, note=stands))
                continue
            if not asked and not agrees("Labels of patients' scans are about to leave this machine. Go on?"):
                raise StoreError("nothing was pushed: it was not agreed to")
            asked = True
            results.append(_push(volume, state, store, seen, base, there, author, face, progress, lacks_scan))
        except CancelledError:
            raise
        except MedLabelError as error:
            if not asked:
                raise
            results.append(Pushed(volume.label, FAILED, note=str(error), error=error))
    return sorted(results, key=lambda result: result.label)


def _push(
    volume: Volume,
    state: LocalState,
    store: Store,
    seen: Seen,
    base: Base,
    there: list[Reference],
    author: str,
    face: str,
    progress: Progress,
    with_scan: bool,
) -> Pushed:
    before = progress.bytes
    # opening takes in what other programs changed; where another session edits, all it has saved is read
    with VolumeSession.open(volume, author, face) as session:
        content, masks = content_of(session.annotation, volume.dataset.project.definitions)
        base = known_base(seen.scan, content.digest, base, graph_of(there))
        is_there = content.digest == base.digest
        revision = Revision(
            seen.scan,
            () if is_there else base.parents,
            content,
            author,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        if with_scan:
            store.write_scan(revision, volume, progress)
        if not is_there:
            store.write(revision, mask_reader(masks), progress, volume)
            base = Base((revision.id,), content.digest)
    state.set_base(store.identity, seen.volume_id, base)
    return Pushed(volume.label, PUSHED, base.parents[0], progress.bytes - before)


def _agree_with_store(
    state: LocalState, store: Store, seen: Seen, base: Base, there: list[Reference]
) -> None:
    """Remember which revision holds the volume's labels, where that was not known."""
    known = known_base(seen.scan, seen.digest, base, graph_of(there))
    if known != base:
        state.set_base(store.identity, seen.volume_id, known)
