"""The Segment Editor effect, and its logic, which needs no Qt."""

_EFFECT = "SegmentEditorMedLabelInterpolateEffect"


def __getattr__(name: str):
    # Slicer asks for the class by its file's name; without Slicer it cannot be had
    if name == _EFFECT:
        from .SegmentEditorMedLabelInterpolateEffect import SegmentEditorMedLabelInterpolateEffect

        # importing the file has put its module under this name
        globals()[_EFFECT] = SegmentEditorMedLabelInterpolateEffect
        return SegmentEditorMedLabelInterpolateEffect
    raise AttributeError(name)
