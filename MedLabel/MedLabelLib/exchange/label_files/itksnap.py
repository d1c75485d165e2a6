"""Names and colours beside label images: ITK-SNAP's label descriptions and Slicer's colour tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import FileFormatError

# value red green blue alpha visible mesh "name"
_SNAP = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+\d+\s+\d+\s+"(.*)"\s*$')
# value name red green blue alpha
_SLICER = re.compile(r"\s*(\d+)\s+(\S.*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$")


@dataclass(frozen=True)
class Description:
    """What a value of a label image is called, and its colour as #RRGGBB."""

    value: int
    name: str
    color: str


def read_descriptions(path: Path) -> list[Description]:
    """The labels of an ITK-SNAP description file or a Slicer colour table, background left out.

    Raises FileFormatError where a line of it is neither; OSError.
    """
    found = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("it is no text", path) from error
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if snap := _SNAP.match(line):
            value, red, green, blue, name = snap.groups()
        elif slicer := _SLICER.match(line):
            value, name, red, green, blue, _ = slicer.groups()
            # Slicer writes blanks in names as underscores
            name = name.replace("_", " ") if " " not in name else name
        else:
            raise FileFormatError(f"this is no line of a label description: {line[:60]!r}", path)
        parts = [min(255, int(part)) for part in (red, green, blue)]
        if int(value) != 0:
            found.append(Description(int(value), name, "#{:02X}{:02X}{:02X}".format(*parts)))
    return found


def descriptions_beside(path: Path) -> list[Description]:
    """Those in a text file of the label image's own name, else in the only one that lies beside it."""
    stem = re.sub(r"\.(nii\.gz|nii|nrrd|nhdr|mha|mhd|hdr|img)$", "", path.name, flags=re.IGNORECASE)
    for suffix in (".txt", ".label", ".ctbl"):
        if (path.parent / (stem + suffix)).is_file():
            return read_descriptions(path.parent / (stem + suffix))
    others = []
    for place in sorted(path.parent.iterdir()):
        if place.suffix.lower() in (".txt", ".label", ".ctbl"):
            try:
                others.append(read_descriptions(place))
            except FileFormatError:
                continue
    return others[0] if len(others) == 1 else []
