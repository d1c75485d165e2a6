"""The workspace module: a project's volumes, labelled in Slicer's own Segment Editor."""

import logging
import os
import time

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

FACE = "desktop"


class MedLabel(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "MedLabel"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "SegmentEditor", "SubjectHierarchy"]
        self.parent.contributors = ["The MedLabel contributors"]
        self.parent.helpText = _(
            "Opens a labelling project (a folder in Supervisely's volume-project layout), shows its volumes, "
            "and edits the objects of one of them in the Segment Editor. Save writes them back."
        )
        self.parent.acknowledgementText = _("Built on 3D Slicer, VTK, ITK and SimpleITK.")


class MedLabelWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.segmentEditor = None
        self.volumeTree = None
        self.historyPanel = None
        self._breath = None
        self._rest = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from MedLabelWidgets.HistoryPanel import HistoryPanel
        from MedLabelWidgets.SegmentEditorPanel import SegmentEditorPanel
        from MedLabelWidgets.VolumeTree import VolumeTree

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MedLabel.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self.logic = MedLabelLogic()

        self.ui.projectPath.filters = ctk.ctkPathLineEdit.Dirs
        self.ui.projectPath.settingKey = "MedLabel/ProjectFolders"
        self.ui.openProjectButton.connect("clicked(bool)", self.onOpenProject)
        self.ui.openVolumeButton.connect("clicked(bool)", self.onOpenVolume)
        self.ui.saveButton.connect("clicked(bool)", self.onSave)
        self.ui.closeVolumeButton.connect("clicked(bool)", self.onCloseVolume)
        self.ui.takeOverButton.connect("clicked(bool)", self.onTakeOver)
        self.historyPanel = HistoryPanel(self.ui)
        self.volumeTree = VolumeTree(self.ui.volumeTree, self.openVolume)
        self.segmentEditor = SegmentEditorPanel(self.ui.editorPlace.layout())

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)

        # Qt's event loop keeps Python's lock: threads that write files and renew leases run only in breaks
        self._breath = qt.QTimer()
        self._breath.setInterval(500)
        self._breath.connect("timeout()", self.onBreath)
        # an effect's edit is journalled once it rests: a stroke may come in many parts
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(300)
        self._rest.connect("timeout()", self.onRested)
        self.updateState()

    def enter(self):
        self.segmentEditor.enter()

    def exit(self):
        """Another module is shown: the volume stays open, and what is not saved stays in the scene."""
        self.segmentEditor.exit()

    def cleanup(self):
        self.removeObservers()
        # a setup that broke half-way left only some of it
        if self._breath is not None:
            self._breath.stop()
        if self._rest is not None:
            self._rest.stop()
        if self.logic is None:
            return
        try:
            self.logic.closeVolume()
        except Exception:
            # the application is closing: nothing but the log can take it any more
            logging.exception("MedLabel could not save the labels of the volume that was open")
        if self.segmentEditor is not None:
            self.segmentEditor.cleanup()
        self.logic = None

    def onReload(self):
        from MedLabelWidgets.reloading import forget_packages

        # closed with the classes that opened it: an error means that the module stays as it is
        if self.closeVolume():
            forget_packages("MedLabelLib", "MedLabelWidgets")
            ScriptedLoadableModuleWidget.onReload(self)

    # What the user asks for

    def onOpenProject(self, _checked=False):
        self.openProject(self.ui.projectPath.currentPath)

    def openProject(self, folder):
        """Show the volumes of a project; the volume that is open is saved and closed first."""
        from MedLabelWidgets.ErrorDisplay import errorsShown
        from MedLabelWidgets.project_rows import volume_rows

        if not self.closeVolume():
            return
        with errorsShown():
            self.logic.openProject(folder)
            self.ui.projectPath.addCurrentPathToHistory()
            self.volumeTree.show(volume_rows(self.logic.project))
        self.updateState()

    def onOpenVolume(self, _checked=False):
        label = self.volumeTree.selectedLabel()
        if label:
            self.openVolume(label)

    def openVolume(self, label, takeOver=False):
        """Show a volume of the project and let its objects be edited; ``takeOver`` takes it from another."""
        from MedLabelWidgets.ErrorDisplay import errorsShown

        if not self.closeVolume():
            return
        with errorsShown():
            edited = self.logic.openVolume(label, takeOver)
            edited.listen(self.updateState)
            edited.on_touch = self._rest.start
            self.historyPanel.edit(edited)
            self._editVolume()
            self.logic.showVolume()
            self._breath.start()
        self.updateState()

    def onSave(self, _checked=False):
        from MedLabelWidgets.ErrorDisplay import errorsShown

        if self.logic.edited is not None:
            self.ui.savedLabel.text = _("saving…")
            self.ui.savedLabel.repaint()
            with errorsShown():
                self.logic.edited.save()
        self.updateState()

    def onTakeOver(self, _checked=False):
        """Edit the volume that another has open."""
        if self.logic.edited is not None:
            self.openVolume(self.logic.edited.volume.label, takeOver=True)

    def onRested(self):
        """Editing rests: what effects have changed becomes a step of the journal."""
        if self.logic.edited is not None:
            self.logic.edited.journal()

    def onBreath(self):
        """Let other threads run, and look whether another has taken the volume over."""
        time.sleep(0.002)
        if self.logic.edited is not None:
            self.logic.edited.notice_takeover()
            self.historyPanel.showOrigin(self.segmentEditor.selectedSegmentID())

    def onCloseVolume(self, _checked=False):
        self.closeVolume()

    def closeVolume(self):
        """Save and close the volume that is open; whether none is open any more.

        Where it cannot be saved the user is asked whether to give the changes up.
        """
        from MedLabelLib.model.errors import MedLabelError

        if self.logic is None or self.logic.edited is None:
            return True
        self.segmentEditor.release()
        try:
            self.logic.closeVolume()
        except MedLabelError as error:
            # closed all the same when only the files lag behind the journal
            if self.logic.edited is None:
                slicer.util.warningDisplay(str(error))
            elif self._mayDiscard(str(error)):
                self.logic.closeVolume(discard=True)
        closed = self.logic.edited is None
        if closed:
            self._breath.stop()
            self._rest.stop()
            self.historyPanel.edit(None)
        else:
            self._editVolume()
        self.updateState()
        return closed

    def _editVolume(self):
        edited = self.logic.edited
        if edited.in_scene:
            self.segmentEditor.edit(edited.binding.node, edited.volume_node, bool(edited.read_only))

    def _mayDiscard(self, reason):
        # in testing mode a question answers itself with yes: nothing may be lost by that
        return not slicer.app.testingEnabled() and slicer.util.confirmYesNoDisplay(
            _("The labels are not saved: {reason}\n\nClose the volume and lose what is not saved?").format(
                reason=reason
            )
        )

    # What happens in the scene

    def onSceneStartClose(self, _caller, _event):
        self._leaveScene()

    def onSceneEndClose(self, _caller, _event):
        self.closeVolume()
        if self.parent.isEntered:
            self.segmentEditor.enter()

    def onNodeRemoved(self, _caller, _event):
        edited = self.logic.edited
        if edited is not None and edited.in_scene and edited.binding.node.GetScene() is None:
            self._leaveScene()
            self.closeVolume()

    def _leaveScene(self):
        from MedLabelWidgets.ErrorDisplay import errorsShown

        self.segmentEditor.release()
        if self.logic.edited is not None:
            with errorsShown():
                self.logic.edited.leave_scene()
        self.updateState()

    # What is shown

    def updateState(self):
        """Show what is open, and whether it is saved."""
        edited = self.logic.edited
        self.ui.openVolumeButton.enabled = self.logic.project is not None
        self.ui.closeVolumeButton.enabled = edited is not None
        self.ui.saveButton.enabled = edited is not None and not edited.read_only
        self.ui.takeOverButton.setVisible(edited is not None and edited.session.can_take_over)
        self.historyPanel.refresh()
        if edited is None:
            self.ui.volumeLabel.text = _("No volume is open.")
            self.ui.savedLabel.text = ""
            self.ui.noticeLabel.text = ""
            return
        from MedLabelLib.workspace.edited_volume import saved_text

        self.ui.volumeLabel.text = edited.volume.label
        self.ui.savedLabel.text = saved_text(edited.saved, edited.read_only)
        self.ui.noticeLabel.text = "\n".join(edited.notices)
        if edited.read_only:
            self.segmentEditor.setReadOnly(True)


class MedLabelLogic(ScriptedLoadableModuleLogic):
    """A project, and one of its volumes open in the application's scene. Works without a main window."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.project = None
        self.edited = None

    def openProject(self, folder):
        """Open a project folder; the volume that is open is closed. Raises MedLabelError."""
        from MedLabelLib.storage.project import Project

        self.closeVolume()
        self.project = Project.open(folder)
        return self.project

    def openVolume(self, label, takeOver=False):
        """Open the volume ``dataset/name`` for editing and return it; the one before is closed.

        ``takeOver`` takes it from another session that edits it.

        Raises MedLabelError when there is no such volume or its files cannot be read.
        """
        from MedLabelLib.model.errors import ProjectError
        from MedLabelLib.storage.author import author
        from MedLabelLib.workspace.edited_volume import EditedVolume

        if self.project is None:
            raise ProjectError("no project is open")
        volume = self.project.find_volume(label)
        self.closeVolume()
        self.edited = EditedVolume(slicer.mrmlScene, volume, author(), FACE, takeOver)
        return self.edited

    def closeVolume(self, discard=False):
        """Save and close the volume that is open. When it cannot be saved it stays open, and this raises."""
        from MedLabelLib.model.errors import MedLabelError

        if self.edited is None:
            return
        try:
            self.edited.close(discard)
        except MedLabelError:
            if self.edited.closed:
                self.edited = None
            raise
        self.edited = None

    def showVolume(self):
        """Show the open volume in the slice views, along its own planes where there are views."""
        hasViews = slicer.app.layoutManager() is not None
        slicer.util.setSliceViewerLayers(
            background=self.edited.volume_node, fit=hasViews, rotateToVolumePlane=hasViews
        )


class MedLabelTest(ScriptedLoadableModuleTest):
    """Opens the panel; what it does with a project is tested in Testing/desktop."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_ThePanelOpensWithNothingInIt()

    def test_ThePanelOpensWithNothingInIt(self):
        widget = slicer.modules.medlabel.createNewWidgetRepresentation()
        assert widget is not None
        assert os.path.isfile(slicer.modules.medlabel.path)
        widget.deleteLater()
