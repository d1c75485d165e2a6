"""A front in a process of its own: ``front_process.py WORKSPACE_PROGRAM [PORT]``. Prints its address."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from MedLabelApp.browser.front.application import Services
from MedLabelApp.browser.front.server import Listening, serve
from MedLabelApp.browser.front.workspaces import WorkspaceSettings


def _describe() -> dict:
    described = os.environ.get("STUB_PROJECT")
    if described is None:
        return {"name": "", "path_label": "", "datasets": [], "arriving": [], "problems": []}
    return json.loads(Path(described).read_text())


if __name__ == "__main__":
    serve(
        Services(project=Path.cwd(), describe=_describe),
        Listening(port=int(sys.argv[2]) if len(sys.argv) > 2 else 0),
        settings=WorkspaceSettings(command=(sys.executable, sys.argv[1])),
    )
