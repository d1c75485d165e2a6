"""The peer of the browser benchmark: trame-slicer's own segmentation app as installed, with a scan open.

``python -m MedLabelApp.bench.stock_segmentation_app SCAN`` prints the port it serves on.
"""

from __future__ import annotations

import os
import sys

from trame.app import get_server


def main(scan: str) -> None:
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    from trame_slicer.app.segmentation_app import SegmentationApp

    app = SegmentationApp(get_server())

    def ready(**_: object) -> None:
        # what its "load" button does with an uploaded file
        app._logic._load_files_logic._on_load_volume_files([scan])
        print(app.server.port, flush=True)

    app.server.controller.on_server_ready.add(ready)
    app.server.start(
        port=0,
        host="127.0.0.1",
        timeout=0,
        open_browser=False,
        show_connection_info=False,
        disable_logging=True,
    )


if __name__ == "__main__":
    main(sys.argv[1])
