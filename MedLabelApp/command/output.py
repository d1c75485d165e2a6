"""What a command says: lines on standard output, or one JSON document; progress on standard error."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

_BAR = 24
_REDRAW_AFTER = 0.1  # seconds


class Output:
    """Lines for people, or with ``as_json`` one document for programs and no line beside it."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self._has_terminal = sys.stderr.isatty()
        self._bar_shown = False
        self._drawn_at = 0.0

    def line(self, text: str = "") -> None:
        """A line on standard output, at once."""
        if not self.as_json:
            self._clear_bar()
            print(text, flush=True)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows of equally many cells, in columns; the first row is the heading."""
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        for row in rows:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def warn(self, text: str) -> None:
        """A line on standard error. With ``as_json`` the document is to carry it instead."""
        if not self.as_json:
            self._clear_bar()
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def error(self, text: str, document: Mapping[str, Any]) -> None:
        """Why the command could not be carried out: one line, or ``{"error": …}`` with ``document``."""
        self._clear_bar()
        one_line = " ".join(text.split())
        if self.as_json:
            self.document({"error": one_line, **document})
        else:
            print(f"medlabel: {one_line}", file=sys.stderr, flush=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """A bar on the terminal, where there is one; ``total`` 0 where it is not known."""
        ended = total > 0 and done >= total
        now = time.monotonic()
        if not self._has_terminal or (not ended and now - self._drawn_at < _REDRAW_AFTER):
            return
        self._drawn_at = now
        share = min(1.0, done / total) if total else 0.0
        bar = "█" * round(share * _BAR) + "░" * (_BAR - round(share * _BAR))
        line = f"{bar} {share:4.0%}  {text}" if total else f"{text} ({done})"
        print(
            f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True
        )
        self._bar_shown = True
        if ended:
            self._clear_bar()

    def document(self, document: Mapping[str, Any]) -> None:
        """The JSON document, where it is asked for."""
        self._clear_bar()
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, default=str), flush=True)

    def _clear_bar(self) -> None:
        if self._bar_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._bar_shown = False


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"
