"""What a benchmark measured, line by line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. ``limit`` is what it should not exceed (or with ``at_least`` reach), where there is one.

    A figure beside a peer's is a ratio: ``unit`` is then ``×`` and ``what`` names the peer.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the figure keeps its limit; None where it has none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        text = f"{self.what:66} {self.value:12.4g} {self.unit:4}"
        if self.limit is None:
            return text.rstrip()
        bound = "at least" if self.at_least else "at most"
        return f"{text}  {bound} {self.limit:g}{'' if self.holds else '  MISSED'}"
