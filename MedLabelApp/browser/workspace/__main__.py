"""``python -m MedLabelApp.browser.workspace``: started by the front, spoken to over pipes."""

from __future__ import annotations

from MedLabelApp.browser.front.workspace_control import WorkspaceControl


def main() -> None:
    # before the libraries are imported, some of which print
    control = WorkspaceControl.take_over()
    from MedLabelApp.browser.workspace.process import run

    run(control)


if __name__ == "__main__":
    main()
