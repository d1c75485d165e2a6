"""The Interpolate module: registers the Segment Editor effect, and says where to find it."""

import os

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

EFFECT_NAME = "MedLabel interpolate"
EFFECT_FILE = "SegmentEditorMedLabelInterpolateEffect.py"


class MedLabelInterpolate(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "MedLabel Interpolate"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["MedLabel", "SegmentEditor"]
        self.parent.contributors = ["The MedLabel contributors"]
        self.parent.helpText = description()
        self.parent.acknowledgementText = _("Built on 3D Slicer, VTK, ITK and SimpleITK.")
        # the Segment Editor's effects are made once the application has started
        slicer.app.connect("startupCompleted()", self.registerEditorEffect)

    def registerEditorEffect(self):
        registerEditorEffect()


class MedLabelInterpolateWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from MedLabelWidgets.AboutPanel import addAboutPanel

        addAboutPanel(self.layout, description())
        # a module that is loaded later has missed the start
        registerEditorEffect()

    def onReload(self):
        from MedLabelWidgets.reloading import forget_packages

        forget_packages("MedLabelInterpolateLib", "MedLabelInterpolateEffect")
        ScriptedLoadableModuleWidget.onReload(self)


def registerEditorEffect():
    """Make the effect known to all Segment Editors, once."""
    import MedLabelInterpolateEffect
    import qSlicerSegmentationsEditorEffectsPythonQt as effects

    factory = slicer.qSlicerSegmentEditorEffectFactory.instance()
    if any(effect.name == EFFECT_NAME for effect in factory.registeredEffects()):
        return
    folder = os.path.dirname(MedLabelInterpolateEffect.__file__)
    effect = effects.qSlicerSegmentEditorScriptedEffect(None)
    effect.setPythonSource(os.path.join(folder, EFFECT_FILE).replace("\\", "/"))
    effect.self().register()


def description():
    return _(
        "Fills the gap between labelled slices. It is an effect of the Segment Editor, named "
        "“MedLabel interpolate”: draw a segment on a few slices with room between them, choose the effect, "
        "and press Preview."
    )


class MedLabelInterpolateTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_ThePanelSaysWhereTheEffectIs()

    def test_ThePanelSaysWhereTheEffectIs(self):
        widget = slicer.modules.medlabelinterpolate.createNewWidgetRepresentation()
        assert "MedLabel interpolate" in slicer.util.findChild(widget, "aboutLabel").text
        widget.deleteLater()
