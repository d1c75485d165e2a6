"""Inside Slicer: the modules that have no tool yet load, and say so."""

import unittest

import slicer

from MedLabelLib.version import VERSION


class MedLabelOtherModulesTest(unittest.TestCase):
    def panelText(self, moduleName):
        module = getattr(slicer.modules, moduleName.lower())
        widget = module.createNewWidgetRepresentation()
        try:
            return slicer.util.findChild(widget, "aboutLabel").text
        finally:
            widget.deleteLater()

    def test_EachPanelSaysThereIsNothingToUseYet(self):
        for moduleName in ("MedLabelSmartTool", "MedLabelSync"):
            with self.subTest(moduleName):
                text = self.panelText(moduleName)
                assert "nothing to use yet" in text
                assert VERSION in text
