"""What a module that has no tool yet says in its panel."""

import qt
from slicer.i18n import tr as _

from MedLabelLib.version import VERSION


def addAboutPanel(layout, text: str):
    """Add a label with plain words on what this version offers, and the version; returns it."""
    label = qt.QLabel(text + "\n\n" + _("MedLabel version {version}").format(version=VERSION))
    label.setObjectName("aboutLabel")
    label.wordWrap = True
    layout.addWidget(label)
    layout.addStretch(1)
    return label
