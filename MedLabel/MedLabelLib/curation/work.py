"""Who works on a volume, how far it is, and what was remarked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ..model.annotation import Annotation
from ..model.definitions import Definitions
from ..model.errors import AnnotationError
from ..storage.session import VolumeSession
from ..storage.steps import Step
from .tag_rules import is_required

TO_DO, IN_PROGRESS, IN_REVIEW, DONE, REJECTED = "to do", "in progress", "in review", "done", "rejected"
STATUSES = (TO_DO, IN_PROGRESS, IN_REVIEW, DONE, REJECTED)
# where the annotation's file keeps it; other tools pass over it
FIELD = "medlabelWork"


@dataclass(frozen=True)
class Work:
    """The state of the work on one volume. ``remark`` says why, above all where it was rejected."""

    status: str = TO_DO
    assignee: str = ""
    remark: str = ""


def work_of(annotation: Annotation) -> Work:
    """The work on a volume; what another program wrote in its place counts as nothing."""
    kept = annotation.extra.get(FIELD)
    if not isinstance(kept, dict):
        return Work()
    fields = {
        name: kept[name] for name in ("status", "assignee", "remark") if isinstance(kept.get(name), str)
    }
    work = Work(**fields)
    return work if work.status in STATUSES else replace(work, status=TO_DO)


def missing_tags(annotation: Annotation, definitions: Definitions) -> list[str]:
    """The tags that the volume needs before it may be finished, and lacks."""
    there = {tag.name for tag in annotation.tags}
    return [tag.name for tag in definitions.tags if is_required(tag) and tag.name not in there]


def change_work(
    session: VolumeSession,
    status: str | None = None,
    assignee: str | None = None,
    remark: str | None = None,
) -> Step | None:
    """Change what is given of the work on a volume, as one step; None when it is so already.

    Raises
    ------
    AnnotationError
        for an unknown status, for ``done`` while a required tag is missing, for ``rejected`` without a
        remark.
    """
    before = work_of(session.annotation)
    given = {"status": status, "assignee": assignee, "remark": remark}
    after = replace(before, **{name: value for name, value in given.items() if value is not None})
    if after.status not in STATUSES:
        raise AnnotationError(f"{after.status!r} is no status; there are {', '.join(STATUSES)}")
    if after.status == DONE and before.status != DONE:
        missing = missing_tags(session.annotation, session.volume.dataset.project.definitions)
        if missing:
            raise AnnotationError(f"it cannot be done yet: it needs the tags {', '.join(missing)}")
    if after.status == REJECTED and not after.remark.strip():
        raise AnnotationError("a rejected volume needs a remark that says why")
    if after == before:
        return None
    with session.edit(_name(before, after), tool="work") as edit:
        edit.set_extra({**session.annotation.extra, FIELD: asdict(after)})
    return Step(session.history()[-1].id, _name(before, after))


def _name(before: Work, after: Work) -> str:
    parts = []
    if after.status != before.status:
        parts.append(f"Status: {after.status}")
    if after.assignee != before.assignee:
        parts.append(f"assigned to {after.assignee}" if after.assignee else "assigned to no one")
    if after.remark != before.remark:
        parts.append("remark" if after.remark else "remark taken away")
    return ", ".join(parts)
