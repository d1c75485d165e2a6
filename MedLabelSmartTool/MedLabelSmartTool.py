"""The Smart Tool module: says what this version of the extension offers."""

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class MedLabelSmartTool(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "MedLabel Smart Tool"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["MedLabel"]
        self.parent.contributors = ["The MedLabel contributors"]
        self.parent.helpText = description()
        self.parent.acknowledgementText = _("Built on 3D Slicer, VTK, ITK and SimpleITK.")


class MedLabelSmartToolWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from MedLabelWidgets.AboutPanel import addAboutPanel

        addAboutPanel(self.layout, description())

    def onReload(self):
        from MedLabelWidgets.reloading import forget_packages

        forget_packages("MedLabelSmartToolLib")
        ScriptedLoadableModuleWidget.onReload(self)


def description():
    return _(
        "Segmenting with a model from a box or points is not in this version of MedLabel. This "
        "module has nothing to use yet."
    )


class MedLabelSmartToolTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_ThePanelSaysWhatThereIs()

    def test_ThePanelSaysWhatThereIs(self):
        widget = slicer.modules.medlabelsmarttool.createNewWidgetRepresentation()
        assert description() in slicer.util.findChild(widget, "aboutLabel").text
        widget.deleteLater()
