"""Slicer's reload executes a module's own file only: what it imports has to be forgotten first."""

import sys


def forget_packages(*names: str) -> None:
    """Drop packages with all that is in them, so that the next import reads their files anew."""
    for loaded in list(sys.modules):
        if loaded.partition(".")[0] in names:
            del sys.modules[loaded]
