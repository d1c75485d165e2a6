"""Colours as #RRGGBB, and a palette that keeps neighbouring classes apart."""

from __future__ import annotations

import re

from .errors import AnnotationError

# Okabe and Ito's palette for all kinds of colour vision, then lighter and darker kin of it
PALETTE = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
    "#8DD3C7", "#FB8072", "#80B1D3", "#FDB462", "#B3DE69", "#FCCDE5", "#BC80BD",
    "#A6CEE3", "#B2DF8A", "#FB9A99", "#CAB2D6", "#FFED6F", "#66C2A5",
)  # fmt: skip


def parse_color(text: str) -> str:
    """``text`` as ``#RRGGBB`` in capitals; raises AnnotationError when it is none."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text or ""):
        raise AnnotationError(f"a colour is written #RRGGBB, not {text!r}")
    return text.upper()


def next_color(taken: list[str]) -> str:
    """The first colour of the palette that is not taken; it starts over when all are."""
    free = [color for color in PALETTE if color not in taken]
    return free[0] if free else PALETTE[len(taken) % len(PALETTE)]


def rgb(color: str) -> tuple[float, float, float]:
    """``#RRGGBB`` as red, green, blue from 0 to 1."""
    return tuple(int(color[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
