"""What an interpolation did, as the JSON of ``--report``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .gaps import Gap
from .methods import GapFill
from .weakness import ExpectedError


def report_json(
    object_key: str,
    method: str,
    fills: Iterable[GapFill],
    errors: Mapping[Gap, ExpectedError] | None = None,
) -> dict[str, Any]:
    """``{"object", "axis", "method", "filled", "gaps"}``: plain numbers and words.

    ``axis`` is the plane's name, or None without a gap; ``filled`` counts the voxels of all gaps. A gap is
    ``{"before", "after", "slices", "cap", "filled"}``, and where ``errors`` has it ``"expected_error"``
    (1 − Dice) and ``"weakest_slice"``, whose drawing gains most.
    """
    fills = list(fills)
    gaps = []
    for fill in fills:
        gap = fill.gap
        row: dict[str, Any] = {
            "before": gap.before,
            "after": gap.after,
            "slices": len(gap.slices),
            "cap": gap.is_cap,
            "filled": fill.filled,
        }
        if errors is not None and gap in errors:
            row["expected_error"] = round(errors[gap].error, 4)
            row["weakest_slice"] = errors[gap].slice_index
        gaps.append(row)
    return {
        "object": object_key,
        "axis": fills[0].gap.plane.value if fills else None,
        "method": method,
        "filled": sum(fill.filled for fill in fills),
        "gaps": gaps,
    }
