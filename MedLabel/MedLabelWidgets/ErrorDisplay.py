"""MedLabel's own errors, shown once to the user; all others are the program's and go to Slicer's log."""

from contextlib import contextmanager

import qt
import slicer

from MedLabelLib.model.errors import MedLabelError


@contextmanager
def errorsShown(waitCursor: bool = True):
    """Show a MedLabelError of the block in a message, and go on."""
    if waitCursor:
        slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    except MedLabelError as error:
        failure = str(error)
    else:
        failure = ""
    finally:
        if waitCursor:
            slicer.app.restoreOverrideCursor()
    if failure:
        slicer.util.errorDisplay(failure)
