"""The Sync module: says what this version of the extension offers."""

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class MedLabelSync(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "MedLabel Sync"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["MedLabel"]
        self.parent.contributors = ["The MedLabel contributors"]
        self.parent.helpText = description()
        self.parent.acknowledgementText = _("Built on 3D Slicer, VTK, ITK and SimpleITK.")


class MedLabelSyncWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from MedLabelWidgets.AboutPanel import addAboutPanel

        addAboutPanel(self.layout, description())

    def onReload(self):
        from MedLabelWidgets.reloading import forget_packages

        forget_packages("MedLabelSyncLib")
        ScriptedLoadableModuleWidget.onReload(self)


def description():
    return _(
        "Sharing a project's labels with a label store is not in this version of MedLabel. This "
        "module has nothing to use yet, and sends nothing anywhere."
    )


class MedLabelSyncTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_ThePanelSaysWhatThereIs()

    def test_ThePanelSaysWhatThereIs(self):
        widget = slicer.modules.medlabelsync.createNewWidgetRepresentation()
        assert description() in slicer.util.findChild(widget, "aboutLabel").text
        widget.deleteLater()
