"""The Segment Editor as its effect sees it."""

import slicer


class EffectEditing:
    """What an interpolation needs of the editor that a scripted effect belongs to."""

    def __init__(self, scriptedEffect):
        self._effect = scriptedEffect

    @property
    def segmentation_node(self):
        return self._effect.parameterSetNode().GetSegmentationNode()

    def reference_geometry(self):
        if self._effect.parameterSetNode() is None or self.segmentation_node is None:
            return None
        return self._effect.referenceGeometryImage()

    def source_image(self):
        if self._effect.parameterSetNode().GetSourceVolumeNode() is None:
            return None
        return self._effect.sourceVolumeImageData()

    def mask_image(self):
        return self._effect.maskLabelmap()

    def save_state_for_undo(self):
        self._effect.saveStateForUndo()

    def modify(self, segment_id, labelmap, add):
        modes = slicer.qSlicerSegmentEditorAbstractEffect
        mode = modes.ModificationModeAdd if add else modes.ModificationModeRemove
        self._effect.modifySegmentByLabelmap(self.segmentation_node, segment_id, labelmap, mode)
