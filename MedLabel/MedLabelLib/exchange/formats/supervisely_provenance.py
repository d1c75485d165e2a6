"""Who made what, when and by what means, in the places that Supervisely's annotation form has for it."""

from __future__ import annotations

from datetime import datetime, timezone

from ...model.annotation import Annotation
from ...storage.provenance import FigureProvenance, ObjectProvenance, VolumeProvenance

CUSTOM = "provenance"


def fill_in(annotation: Annotation, provenance: VolumeProvenance) -> None:
    """Give objects and figures ``labelerLogin``, ``createdAt`` and ``updatedAt``, figures also
    ``nnCreated`` and ``nnUpdated``, masks their slices' origins under ``customData.provenance``.

    What another program wrote there about a creation that the journal only met later stays.
    """
    for entry in annotation.objects:
        known = provenance.of(entry.key)
        entry.extra = {**entry.extra, **_moments(known, entry.extra)}
        if entry.mask_key is not None and known.ranges:
            old = entry.extra.get("maskFigure", {})
            custom = {**(old.get("customData") or {}), CUSTOM: known.to_json()}
            by_model = known.created_kind == "model" or set(known.kinds) == {"model"}
            figure = {
                **old,
                **_moments(known, old),
                "nnCreated": bool(old.get("nnCreated")) or by_model,
                "nnUpdated": known.updated_kind == "model",
                "customData": custom,
            }
            entry.extra["maskFigure"] = figure
    for figure in annotation.figures:
        made = provenance.figures.get(figure.key)
        if made is None:
            continue
        figure.extra = {
            **figure.extra,
            **_moments(made, figure.extra),
            "nnCreated": bool(figure.extra.get("nnCreated")) or made.created_kind == "model",
            "nnUpdated": made.updated_kind == "model",
        }
        if made.model:
            custom = figure.extra.get("customData") or {}
            figure.extra["customData"] = {**custom, CUSTOM: {"model": made.model}}


def _moments(known: ObjectProvenance | FigureProvenance, old: dict) -> dict[str, str]:
    """The fields of who and when; ``old`` are those that stand there already."""
    if known.created_at is None or known.updated_at is None:
        return {}
    fields = {"updatedAt": _stamp(known.updated_at)}
    for name, value in (("createdAt", _stamp(known.created_at)), ("labelerLogin", known.created_by)):
        if not old.get(name) or known.created_kind not in ("imported", "outside"):
            fields[name] = value
    if known.created_kind in ("imported", "outside") and known.updated_at == known.created_at:
        # nothing was done to it since it came
        fields["updatedAt"] = old.get("updatedAt") or fields["updatedAt"]
    return fields


def _stamp(when: datetime) -> str:
    return when.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
