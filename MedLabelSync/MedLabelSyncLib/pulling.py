"""Pull: what others pushed comes into the project, merged with what was changed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from MedLabelLib.model.definitions import Definitions
from MedLabelLib.model.edits import difference
from MedLabelLib.model.errors import LockedError, MedLabelError
from MedLabelLib.model.records import definitions_from_record, definitions_record
from MedLabelLib.storage.names import free_name, tame_name
from MedLabelLib.storage.project import Project
from MedLabelLib.storage.project_journal import change_definitions
from MedLabelLib.storage.session import VolumeSession
from MedLabelLib.storage.volume import Volume
from MedLabelLib.volumes.found import FoundScan
from MedLabelLib.volumes.image import VolumeImage
from MedLabelLib.volumes.scan_folder import find_scans

from .comparing import BEHIND, DIVERGED, compare, known_base
from .content import Content, ReadMask, content_of, mask_reader
from .errors import CancelledError, ConflictsError, StoreDataError
from .local import Base, LocalState, Seen
from .looking import dicom_scan_id, look
from .merge.merge import Merge, Side
from .revision import MOST_PARENTS, Graph, Revision, ancestors, common_ancestor, graph_of, heads
from .stores.store import Progress, Store

PULLED, MERGED, UP_TO_DATE, ADDED, CONFLICTS, FAILED = (
    "pulled", "merged", "nothing to pull", "added", "conflicts", "failed",
)  # fmt: skip
# where the files of pulled DICOM series stay, in the project's private folder
PULLED_SCANS = "pulled"
NO_SCAN = "its scan is neither in the project nor in the store"
Resolve = Callable[[Merge], None]


@dataclass(frozen=True)
class Pulled:
    """What became of one volume. ``conflicts`` are sentences, ``merge`` what they are about."""

    label: str
    outcome: str
    note: str = ""
    conflicts: tuple[str, ...] = ()
    merge: Merge | None = None
    error: MedLabelError | None = None


def leave_open(merge: Merge) -> None:
    """Resolves nothing: the user is to see the conflicts first."""


def pull(
    project: Project,
    state: LocalState,
    store: Store,
    volumes: Iterable[Volume],
    author: str,
    face: str,
    progress: Progress | None = None,
    with_new: bool = False,
    resolve: Resolve = leave_open,
) -> list[Pulled]:
    """Bring the labels of others into the project; one volume that fails does not stop the rest.

    Each is one step of the volume's journal, which undo takes back. ``with_new`` adds the scans that only
    the store has. ``resolve`` is given each merge that has conflicts; where some stay open the volume is
    left as it is. Raises StoreError where the store cannot be used at all, CancelledError when stopped.
    """
    progress = progress or Progress()
    volumes = list(volumes)
    looked = look(project, state, volumes)
    here = {seen.scan.id for seen in looked.seen.values()}
    references = store.references(None if with_new else here)
    bases = state.bases(store.identity)
    results = [Pulled(label, FAILED, why) for label, why in looked.problems.items()]
    for volume in volumes:
        progress.check()
        seen = looked.seen.get(volume.label)
        if seen is None:
            continue
        graph = graph_of(references.get(seen.scan.id, ()))
        stands = compare(seen, bases.get(seen.volume_id, Base()), list(graph.values()))
        if stands not in (BEHIND, DIVERGED):
            results.append(Pulled(volume.label, UP_TO_DATE, stands))
            continue
        try:
            results.append(
                _pull_volume(volume, state, store, seen, bases.get(seen.volume_id, Base()), graph, author,
                             face, resolve)
            )  # fmt: skip
        except CancelledError:
            raise
        except MedLabelError as error:
            results.append(Pulled(volume.label, FAILED, str(error), error=error))
    for scan_id in sorted(set(references) - here) if with_new else ():
        progress.check()
        results.append(
            _pull_new(project, state, store, scan_id, graph_of(references[scan_id]), author, face, resolve)
        )
    return sorted(results, key=lambda result: result.label)


def _pull_volume(
    volume: Volume,
    state: LocalState,
    store: Store,
    seen: Seen,
    base: Base,
    graph: Graph,
    author: str,
    face: str,
    resolve: Resolve,
) -> Pulled:
    project = volume.dataset.project
    with VolumeSession.open(volume, author, face) as session:
        if session.read_only:
            raise LockedError(f"{volume.label} cannot be changed now: {session.read_only_reason}")
        content, masks = content_of(session.annotation, project.definitions)
        base = known_base(seen.scan, content.digest, base, graph)
        mine = Side(content, mask_reader(masks))
        combined = _combine(store, seen, base, graph, mine, resolve)
        if combined.open:
            return Pulled(volume.label, CONFLICTS, conflicts=tuple(combined.open), merge=combined.merge)
        result = combined.side
        _take_definitions(project, content, result.content, author, face)
        wanted = result.content.annotation(result.read_mask, like=session.annotation)
        operations = difference(session.annotation, wanted)
        who = ", ".join(sorted({revision.author for revision in combined.revisions if revision.author}))
        word = "Merge" if combined.is_merge else "Pull"
        with session.edit(f"{word} labels of {who or 'others'}", "pull") as edit:
            edit.set_provenance("imported", f"store revision {combined.parents[-1]}")
            edit.apply(operations)
        session.save()
    digest = result.content.digest if len(combined.parents) == 1 and not combined.is_merge else ""
    state.set_base(store.identity, seen.volume_id, Base(combined.parents, digest))
    return Pulled(volume.label, MERGED if combined.is_merge else PULLED)


@dataclass
class _Combined:
    """Labels of all heads and of here. ``parents`` are the revisions they come from."""

    side: Side
    parents: tuple[str, ...]
    revisions: list[Revision]
    is_merge: bool = False
    open: list[str] | None = None
    merge: Merge | None = None


def _combine(store: Store, seen: Seen, base: Base, graph: Graph, mine: Side, resolve: Resolve) -> _Combined:
    """Merge what is here with each head in turn."""
    is_changed = mine.content.digest != base.digest and not (seen.empty and not base.parents)
    parents = base.parents
    side, revisions, is_merge = mine, [], False
    for head in heads(graph):
        if head in ancestors(graph, parents):
            continue
        if len(parents) == MOST_PARENTS:
            # the others come with the next pull, after this one was pushed
            break
        revision = _read(store, seen, head, mine.content)
        revisions.append(revision)
        theirs = _side(store, revision, mine)
        behind = set(parents) <= ancestors(graph, [head])
        if not is_changed and behind:
            side, parents = theirs, (head,)
            continue
        ancestor = common_ancestor(graph, parents, [head])
        if ancestor is None:
            common = Side(Content(mine.content.shape), mask_reader())
        else:
            common = _side(store, _read(store, seen, ancestor, mine.content), mine)
        merge = Merge(common, side, theirs)
        if merge.open:
            resolve(merge)
        if merge.open:
            return _Combined(side, parents, revisions, open=merge.open, merge=merge)
        content, made = merge.result()
        parents = (head,) if behind else (*(p for p in parents if p not in ancestors(graph, [head])), head)
        is_same = content.digest == theirs.content.digest and len(parents) == 1
        is_changed, is_merge = not is_same, not is_same
        side = Side(content, mask_reader(made, otherwise=_either(side.read_mask, theirs.read_mask)))
    return _Combined(side, parents, revisions, is_merge)


def _read(store: Store, seen: Seen, revision_id: str, like: Content) -> Revision:
    revision = store.read(seen.scan.id, revision_id)
    if revision.content.shape != like.shape:
        raise StoreDataError(
            f"labels in the store are of {revision.content.shape} voxels, the volume of {like.shape}"
        )
    return revision


def _side(store: Store, revision: Revision, mine: Side) -> Side:
    """A revision's labels; a mask that is here as well is not fetched."""
    own = {digest: mine.read_mask(digest) for digest in mine.content.masks & revision.content.masks}
    return Side(
        revision.content, mask_reader(own, otherwise=lambda digest: store.read_mask(revision, digest))
    )


def _either(first: ReadMask, second: ReadMask) -> ReadMask:
    def read(digest: str):
        try:
            return first(digest)
        except StoreDataError:
            return second(digest)

    return read


def _take_definitions(project: Project, mine: Content, merged: Content, author: str, face: str) -> None:
    """Add the classes and tags that the labels need, and change those that others changed."""

    def change(now: Definitions) -> Definitions:
        record = definitions_record(now)
        for name, old, new in (
            ("classes", mine.classes, merged.classes),
            ("tags", mine.tag_definitions, merged.tag_definitions),
        ):
            places = {entry["name"]: at for at, entry in enumerate(record[name])}
            for key, entry in new.items():
                if key not in places:
                    record[name].append(entry)
                elif key in old and old[key] != entry:
                    kept = record[name][places[key]]["extra"]
                    record[name][places[key]] = {**entry, "extra": {**kept, **entry["extra"]}}
        return definitions_from_record(record)

    change_definitions(project, change, "Classes and tags of pulled labels", author, face)


def _pull_new(
    project: Project,
    state: LocalState,
    store: Store,
    scan_id: str,
    graph: Graph,
    author: str,
    face: str,
    resolve: Resolve,
) -> Pulled:
    """Add a scan that only the store has, with its labels."""
    label = scan_id
    try:
        revision = store.read(scan_id, heads(graph)[0])
        label = revision.scan.label or scan_id
        if not store.has_scan(revision.scan):
            return Pulled(label, FAILED, NO_SCAN)
        image = _image(store.read_scan(revision, project.private / PULLED_SCANS / scan_id), revision)
        dataset, _, name = label.rpartition("/")
        parts = [tame_name(part, "pulled") for part in (dataset or "pulled").split("/")]
        target = project.dataset("/".join(parts), create=True)
        name = free_name(tame_name(name, scan_id), [other.name for other in target.volumes()])
        volume = target.add_volume(name, image)
        state.keep_scan(volume.id(), revision.scan)
        seen = Seen("", volume.id(), revision.scan, "", True)
        pulled = _pull_volume(volume, state, store, seen, Base(), graph, author, face, resolve)
    except CancelledError:
        raise
    except MedLabelError as error:
        return Pulled(label, FAILED, str(error), error=error)
    return Pulled(volume.label, ADDED if pulled.outcome == PULLED else pulled.outcome, pulled.note,
                  pulled.conflicts, pulled.merge)  # fmt: skip


def _image(path: Path, revision: Revision) -> VolumeImage:
    """The scan in what a store gave; of a series that holds several the one that the revision is of."""
    images = [found.read() for found in find_scans(path) if isinstance(found, FoundScan)]
    for image in images:
        if dicom_scan_id(image.source) in ("", revision.scan.id):
            return image
    raise StoreDataError("what the store has is not the scan that the labels are of")


def raise_conflicts(results: Iterable[Pulled]) -> None:
    """Raises ConflictsError where a volume has conflicts that nothing resolved."""
    found = [result for result in results if result.outcome == CONFLICTS]
    if found:
        sentences = "; ".join(f"{result.label}: {result.conflicts[0]}" for result in found[:3])
        raise ConflictsError(f"{len(found)} volumes have conflicts and were left as they are: {sentences}")
