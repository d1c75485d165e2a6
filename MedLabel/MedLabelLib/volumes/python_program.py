"""The Python that child processes run on: in Slicer it is not the program that runs."""

from __future__ import annotations

import sys
from pathlib import Path

from ..model.errors import MedLabelError


def python_program() -> str:
    """The path of the interpreter. Raises MedLabelError where there is none."""
    own = Path(sys.executable)
    if own.stem.lower().startswith("python"):
        return str(own)
    # inside Slicer the executable is the application; PythonSlicer lies beside it or in its bin folder
    for folder in (own.parent, own.parent / "bin", own.parent.parent / "bin"):
        for name in ("PythonSlicer", "PythonSlicer.exe"):
            if (folder / name).is_file():
                return str(folder / name)
    raise MedLabelError("Slicer's Python (PythonSlicer) was not found beside the application")
