"""Write into each module's CMakeLists.txt the files that the module has.

With ``--check`` nothing is written; the exit status is 1 when a list is not what the folder has.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MODULES = ("MedLabel", "MedLabelInterpolate", "MedLabelSmartTool", "MedLabelSync")
BEGIN, END = "# files: {kind}\n", "  # end of files\n"


def module_files(folder: Path, kind: str) -> list[str]:
    """The ``scripts`` (Python files) or ``resources`` (all others) of a module, relative, sorted."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if not path.is_file() or path.name == "CMakeLists.txt":
            continue
        if any(part.startswith(".") or part == "__pycache__" or part.endswith(".egg-info") for part in parts):
            continue
        if (path.suffix == ".py") == (kind == "scripts") and path.suffix != ".pyc":
            found.append("/".join(parts))
    return sorted(found)


def with_lists(folder: Path, text: str) -> str:
    """The text of a CMakeLists.txt with both lists as the folder has them."""
    for kind in ("scripts", "resources"):
        listed = "".join(f"  {name}\n" for name in module_files(folder, kind))
        begin = BEGIN.format(kind=kind)
        pattern = re.escape(begin) + r"(?:.*\n)*?" + re.escape(END)
        text, count = re.subn(pattern, lambda _, new=begin + listed + END: new, text)
        if count != 1:
            raise SystemExit(f"{folder.name}/CMakeLists.txt has no one pair of markers for its {kind}")
    return text


def main(arguments: list[str]) -> int:
    stale = []
    for module in MODULES:
        path = REPOSITORY / module / "CMakeLists.txt"
        text = path.read_text(encoding="utf-8")
        wanted = with_lists(path.parent, text)
        if wanted != text:
            stale.append(module)
            if "--check" not in arguments:
                path.write_text(wanted, encoding="utf-8")
    if "--check" in arguments:
        for module in stale:
            print(f"{module}/CMakeLists.txt does not list what its folder has: python {sys.argv[0]}")
        return 1 if stale else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
