"""The Segment Editor effect "MedLabel interpolate": its options, and when its logic is called."""

import os

import qt
import slicer
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _

EFFECT_NAME = "MedLabel interpolate"
# once edits have rested so long, the chosen method follows the quick one
REST_MSEC = 300
PLANES = ("auto", "axial", "sagittal", "coronal")


class SegmentEditorMedLabelInterpolateEffect(AbstractScriptedSegmentEditorEffect):
    """Fills the slices between those that were drawn. The preview stays while other effects draw on."""

    def __init__(self, scriptedEffect):
        scriptedEffect.name = EFFECT_NAME  # not translated: modules find effects by it
        scriptedEffect.title = _("MedLabel interpolate")
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self.interpolation = None
        self.observations = []
        self.applying = False
        self.restTimer = qt.QTimer()
        self.restTimer.setSingleShot(True)
        self.restTimer.setInterval(REST_MSEC)
        self.restTimer.connect("timeout()", self.onRest)

    def clone(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        clonedEffect = effects.qSlicerSegmentEditorScriptedEffect(None)
        clonedEffect.setPythonSource(__file__.replace("\\", "/"))
        return clonedEffect

    def icon(self):
        folder = os.path.dirname(os.path.dirname(__file__))
        path = os.path.join(folder, "Resources", "Icons", "MedLabelInterpolateEffect.png")
        return qt.QIcon(path) if os.path.exists(path) else qt.QIcon()

    def helpText(self):
        return "<html>" + _(
            "Fill the slices between those that were drawn.<br>"
            "<p>Draw the segment on a few slices of one plane by any effect, with room between them, then "
            "<b>Preview</b>. The preview is seen in all views and follows every edit of a drawn slice, in "
            "the gaps beside it alone. <b>Next slice</b> shows where a drawing would gain most.<p>"
            "<b>Apply</b> puts the preview into the segment as one undo step, by the masking and overwriting "
            "that are set; <b>Cancel</b> leaves no trace. Slices that were filled are filled anew later, "
            "until you edit them."
        )

    def setMRMLDefaults(self):
        self.scriptedEffect.setParameterDefault("Plane", "auto")
        self.scriptedEffect.setParameterDefault("Method", "")
        self.scriptedEffect.setParameterDefault("Live", 1)
        self.scriptedEffect.setParameterDefault("Caps", 0)
        self.scriptedEffect.setParameterDefault("Show3D", 1)

    # -- options -----------------------------------------------------------------------------------------

    def setupOptionsFrame(self):
        from MedLabelInterpolateLib.methods import METHODS

        self.planeBox = qt.QComboBox()
        for plane in PLANES:
            self.planeBox.addItem(_("as drawn") if plane == "auto" else plane, plane)
        self.methodBox = qt.QComboBox()
        self.methodBox.addItem(_("best for this scan"), "")
        for name, method in METHODS.items():
            self.methodBox.addItem(method.title, name)
        self.liveBox = qt.QCheckBox(_("Follow every edit"))
        self.capsBox = qt.QCheckBox(_("Beyond the outermost slices"))
        self.show3DBox = qt.QCheckBox(_("Show in 3D"))
        self.previewButton = self._button(_("Preview"), _("Show what would be filled"), self.onPreview)
        self.nextButton = self._button(_("Next slice"), _("Where a drawing gains most"), self.onNextSlice)
        self.statusLabel = qt.QLabel()
        self.statusLabel.wordWrap = True
        self.cancelButton = self._button(_("Cancel"), _("Leave no trace"), self.onCancel)
        self.applyButton = self._button(_("Apply"), _("Put the preview into the segment"), self.onApply)

        self.scriptedEffect.addLabeledOptionsWidget(_("Plane:"), self.planeBox)
        self.scriptedEffect.addLabeledOptionsWidget(_("Method:"), self.methodBox)
        for widget in (self.liveBox, self.capsBox, self.show3DBox):
            self.scriptedEffect.addOptionsWidget(widget)
            widget.connect("toggled(bool)", self.updateMRMLFromGUI)
        for box in (self.planeBox, self.methodBox):
            box.connect("currentIndexChanged(int)", self.updateMRMLFromGUI)
        self._addRow(self.previewButton, self.nextButton)
        self.scriptedEffect.addOptionsWidget(self.statusLabel)
        self._addRow(self.cancelButton, self.applyButton)

    def _button(self, text, toolTip, clicked):
        button = qt.QPushButton(text)
        button.setToolTip(toolTip)
        button.connect("clicked()", clicked)
        return button

    def _addRow(self, *widgets):
        row = qt.QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
        self.scriptedEffect.addOptionsWidget(row)

    def createCursor(self, widget):
        return qt.QCursor(qt.Qt.ArrowCursor)

    def updateGUIFromMRML(self):
        effect = self.scriptedEffect
        for widget, parameter in ((self.planeBox, "Plane"), (self.methodBox, "Method")):
            wasBlocked = widget.blockSignals(True)
            widget.setCurrentIndex(max(0, widget.findData(effect.parameter(parameter))))
            widget.blockSignals(wasBlocked)
        for widget, parameter in ((self.liveBox, "Live"), (self.capsBox, "Caps"), (self.show3DBox, "Show3D")):
            wasBlocked = widget.blockSignals(True)
            widget.setChecked(effect.integerParameter(parameter) != 0)
            widget.blockSignals(wasBlocked)
        self._showState()

    def updateMRMLFromGUI(self):
        effect = self.scriptedEffect
        effect.setParameter("Plane", self.planeBox.currentData)
        effect.setParameter("Method", self.methodBox.currentData)
        effect.setParameter("Live", int(self.liveBox.checked))
        effect.setParameter("Caps", int(self.capsBox.checked))
        effect.setParameter("Show3D", int(self.show3DBox.checked))
        if self.interpolation is not None:
            self.onPreview()

    def _showState(self):
        interpolation = self.interpolation
        ready = interpolation is not None and not interpolation.problem
        self.previewButton.text = _("Preview") if interpolation is None else _("Update")
        self.cancelButton.setEnabled(interpolation is not None)
        self.applyButton.setEnabled(ready)
        self.nextButton.setEnabled(ready and interpolation.next_slice_position() is not None)
        self.statusLabel.text = "" if interpolation is None else interpolation.status

    # -- what the user asks for --------------------------------------------------------------------------

    def onPreview(self):
        from MedLabelInterpolateEffect.EffectEditing import EffectEditing
        from MedLabelInterpolateEffect.segment_interpolation import SegmentInterpolation
        from MedLabelLib.model.planes import Plane

        self._stop()
        effect = self.scriptedEffect
        plane = effect.parameter("Plane")
        with slicer.util.tryWithErrorDisplay(_("The segment cannot be interpolated:"), waitCursor=True):
            made = SegmentInterpolation(
                slicer.mrmlScene,
                EffectEditing(effect),
                effect.parameterSetNode().GetSelectedSegmentID(),
                None if plane == "auto" else Plane(plane),
                effect.parameter("Method") or None,
                effect.integerParameter("Caps") != 0,
            )
            made.shows_3d = effect.integerParameter("Show3D") != 0
            self.interpolation = made
            made.rest()
            self._observe(made)
        self._showState()

    def onNextSlice(self):
        position = self.interpolation.next_slice_position()
        if position is not None:
            slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *position)

    def onApply(self):
        if not self.scriptedEffect.confirmCurrentSegmentVisible():
            return
        self.applying = True
        with slicer.util.tryWithErrorDisplay(_("The preview cannot be applied:"), waitCursor=True):
            self.interpolation.apply()
        self.applying = False
        self._stop()
        self._showState()

    def onCancel(self):
        self._stop()
        self._showState()

    # -- what happens meanwhile --------------------------------------------------------------------------

    def activate(self):
        self._showState()

    def deactivate(self):
        """Another effect is chosen: the preview stays, and follows what is drawn."""

    def sourceVolumeNodeChanged(self):
        self.onCancel()

    def referenceGeometryChanged(self):
        self.onCancel()

    def cleanup(self):
        self.restTimer.disconnect("timeout()", self.onRest)
        self._stop()

    def onSegmentationModified(self, _caller, _event):
        if self.applying or self.interpolation is None:
            return
        if not self.interpolation.is_there:
            self.onCancel()
        elif self.scriptedEffect.integerParameter("Live") != 0:
            with slicer.util.tryWithErrorDisplay(_("The segment cannot be interpolated:")):
                if self.interpolation.follow():
                    self.restTimer.start()
            self._showState()

    def onRest(self):
        if self.interpolation is not None:
            with slicer.util.tryWithErrorDisplay(_("The segment cannot be interpolated:")):
                self.interpolation.rest()
            self._showState()

    def onSceneStartClose(self, _caller, _event):
        self._stop()

    def _observe(self, interpolation):
        segmentation, scene = interpolation.segmentation, slicer.mrmlScene
        for subject, event, callback in (
            (segmentation, segmentation.SegmentRemoved, self.onSegmentationModified),
            (segmentation, segmentation.SegmentModified, self.onSegmentationModified),
            (segmentation, segmentation.SourceRepresentationModified, self.onSegmentationModified),
            (scene, scene.StartCloseEvent, self.onSceneStartClose),
        ):
            self.observations.append((subject, subject.AddObserver(event, callback)))

    def _stop(self):
        """End the interpolation, whatever it is at; its preview leaves the scene."""
        self.restTimer.stop()
        for subject, tag in self.observations:
            subject.RemoveObserver(tag)
        self.observations = []
        if self.interpolation is not None:
            self.interpolation.close()
            self.interpolation = None
