"""How a volume's labels stand to those in a store, told from ids and hashes alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from MedLabelLib.storage.project import Project
from MedLabelLib.storage.volume import Volume

from .identity import named
from .local import Base, LocalState, Seen
from .looking import Looked, look
from .revision import Graph, Reference, Scan, ancestors, graph_of, heads
from .stores.store import Store

SAME, AHEAD, BEHIND, DIVERGED, NOT_THERE = "same", "ahead", "behind", "diverged", "not there"
DAMAGED, ONLY_THERE = "damaged", "only in the store"


@dataclass(frozen=True)
class VolumeStatus:
    """One line of ``status``: the volume, how it stands, and why where it cannot be told."""

    label: str
    state: str
    scan_id: str = ""
    note: str = ""


def compare(seen: Seen, base: Base, references: Collection[Reference]) -> str:
    """How labels stand to a store's revisions of their scan."""
    if not references:
        return NOT_THERE
    graph = graph_of(references)
    base = known_base(seen.scan, seen.digest, base, graph)
    if not base.parents and seen.empty:
        return BEHIND
    is_new = bool(set(heads(graph)) - ancestors(graph, base.parents))
    if seen.digest == base.digest:
        return BEHIND if is_new else SAME
    return DIVERGED if is_new else AHEAD


def known_base(scan: Scan, digest: str, base: Base, graph: Graph) -> Base:
    """The base as remembered, or a revision that holds the very labels: its id tells without reading it."""
    if base.parents and digest == base.digest:
        return base
    same = [
        reference.id
        for reference in graph.values()
        if named("revision", scan.id, *reference.parents, digest) == reference.id
    ]
    behind = ancestors(graph, base.parents)
    newer = [name for name in same if name not in behind] if base.parents else same
    if not newer:
        return base
    newest = max(newer, key=lambda name: (len(ancestors(graph, [name])), name))
    return Base((newest,), digest)


def status(
    project: Project, state: LocalState, store: Store, volumes: Iterable[Volume], with_others: bool = False
) -> list[VolumeStatus]:
    """Each volume's status, in order; ``with_others`` adds the scans that only the store has."""
    looked = look(project, state, volumes)
    wanted = None if with_others else {seen.scan.id for seen in looked.seen.values()}
    references = store.references(wanted)
    lines = status_of(looked, state.bases(store.identity), references)
    if with_others:
        here = {seen.scan.id for seen in looked.seen.values()}
        lines += [VolumeStatus("", ONLY_THERE, scan_id) for scan_id in sorted(set(references) - here)]
    return lines


def status_of(
    looked: Looked, bases: dict[str, Base], references: dict[str, list[Reference]]
) -> list[VolumeStatus]:
    lines = [
        VolumeStatus(
            label,
            compare(seen, bases.get(seen.volume_id, Base()), references.get(seen.scan.id, ())),
            seen.scan.id,
        )
        for label, seen in looked.seen.items()
    ]
    lines += [VolumeStatus(label, DAMAGED, note=why) for label, why in looked.problems.items()]
    return sorted(lines, key=lambda line: line.label)
