"""Scans in and labels out, beside the libraries that do the same."""

from __future__ import annotations

from collections.abc import Iterator

from MedLabelApp.bench import formats_reading, formats_writing
from MedLabelApp.bench.rows import Row

TITLE = "scans in and labels out, beside other libraries"


def run(full: bool = False) -> Iterator[Row]:
    """``full``: volumes of 512×512×600 too."""
    yield from formats_reading.run(full)
    yield from formats_writing.run(full)
