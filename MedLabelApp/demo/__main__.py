"""Run as a program: makes the demo project in a folder, one JSON object per line for each DemoEvent.

    python -m MedLabelApp.demo FOLDER

A process of its own, so that reading and packing scans never holds up the browser's server.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from MedLabelApp.demo.project import DemoEvent, make_demo
from MedLabelLib.model.errors import MedLabelError


def tell(event: DemoEvent) -> None:
    print(json.dumps(asdict(event)), flush=True)


def main() -> int:
    if hasattr(os, "nice"):
        os.nice(5)  # the first volume may be open meanwhile
    try:
        make_demo(Path(sys.argv[1]), tell)
    except BrokenPipeError:
        os._exit(1)  # who started it is gone; a plain exit would complain about standard output
    except MedLabelError as error:
        tell(DemoEvent("problem", text=str(error)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
