"""The fields and key/value pairs of an NRRD header."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...model.errors import FileFormatError

_LONGEST = 1 << 24


@dataclass(frozen=True)
class NrrdHeader:
    """``fields`` in lower case, ``pairs`` as they stand."""

    fields: dict[str, str]
    pairs: dict[str, str]


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Raises FileFormatError where the file is no NRRD; OSError."""
    fields, pairs = {}, {}
    with path.open("rb") as file:
        if not file.readline(64).startswith(b"NRRD"):
            raise FileFormatError("it is not an NRRD file", path)
        while (line := file.readline(_LONGEST)).strip(b"\r\n"):
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if text.startswith("#"):
                continue
            # a field is "name: text", a key/value pair "name:=text"
            name, _, rest = text.partition(":")
            if rest.startswith("="):
                pairs[name] = _unescaped(rest[1:])
            else:
                fields[name.strip().lower()] = rest.strip()
    return NrrdHeader(fields, pairs)


def _unescaped(text: str) -> str:
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
