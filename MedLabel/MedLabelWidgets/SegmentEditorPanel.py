"""Slicer's own Segment Editor inside MedLabel's panel."""

import slicer

# the parameters of the Segment Editor module: both show the same segmentation, effect and brush
_SEGMENT_EDITOR_TAG = "SegmentEditor"


class SegmentEditorPanel:
    """Embeds a qMRMLSegmentEditorWidget that edits the volume that is open, and no other."""

    def __init__(self, layout):
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.setMaximumNumberOfUndoStates(10)
        self.editor.setSegmentationNodeSelectorVisible(False)
        self.editor.setSourceVolumeNodeSelectorVisible(False)
        self.selectParameterNode()
        self.editor.setMRMLScene(slicer.mrmlScene)
        self.editor.setEnabled(False)
        layout.addWidget(self.editor)
        # effects may be registered after this panel is made
        self._effects = slicer.qSlicerSegmentEditorEffectFactory.instance()
        self._effects.connect("effectRegistered(QString)", self.onEffectRegistered)

    def onEffectRegistered(self) -> None:
        self.editor.updateEffectList()

    def selectParameterNode(self) -> None:
        """Use the scene's parameters of the Segment Editor; a scene that was closed has none."""
        node = slicer.mrmlScene.GetSingletonNode(_SEGMENT_EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(_SEGMENT_EDITOR_TAG)
            node = slicer.mrmlScene.AddNode(node)
        self.editor.setMRMLSegmentEditorNode(node)

    def edit(self, segmentationNode, volumeNode, readOnly: bool) -> None:
        self.selectParameterNode()
        self.editor.setSegmentationNode(segmentationNode)
        self.editor.setSourceVolumeNode(volumeNode)
        self.setReadOnly(readOnly)

    def selectedSegmentID(self) -> str:
        """The id of the segment that the user has selected; empty for none."""
        node = slicer.mrmlScene.GetSingletonNode(_SEGMENT_EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        return (node.GetSelectedSegmentID() if node is not None else None) or ""

    def setReadOnly(self, readOnly: bool) -> None:
        if readOnly:
            self.editor.setActiveEffect(None)
        self.editor.setReadOnly(readOnly)
        self.editor.setEnabled(not readOnly)

    def release(self) -> None:
        """Let the nodes go, before they leave the scene."""
        self.editor.setActiveEffect(None)
        self.editor.setSegmentationNode(None)
        self.editor.removeViewObservations()
        self.editor.setEnabled(False)

    def enter(self) -> None:
        self.editor.installKeyboardShortcuts()
        self.selectParameterNode()
        self.editor.setupViewObservations()
        self.editor.updateWidgetFromMRML()

    def exit(self) -> None:
        self.editor.setActiveEffect(None)
        self.editor.uninstallKeyboardShortcuts()
        self.editor.removeViewObservations()

    def cleanup(self) -> None:
        self.exit()
        self._effects.disconnect("effectRegistered(QString)", self.onEffectRegistered)
