"""The effect's own code, with stand-ins for Qt, on Slicer's real segmentations and editor logic."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer
import slicer.util

from support.segment_editing import LogicEditing, register_converters

REPOSITORY = Path(__file__).resolve().parents[2]


class ScriptedEffect:
    """What the application's C++ side offers to a scripted effect."""

    def __init__(self, editing: LogicEditing) -> None:
        self.editing = editing
        self.parameters: dict[str, str] = {}
        self.name = self.title = ""

    def parameterSetNode(self):
        return self.editing.node

    def parameter(self, name):
        return self.parameters[name]

    def integerParameter(self, name):
        return int(self.parameters[name])

    def setParameter(self, name, value):
        self.parameters[name] = str(value)

    def setParameterDefault(self, name, value):
        self.parameters.setdefault(name, str(value))

    def addLabeledOptionsWidget(self, label, widget):
        pass

    def addOptionsWidget(self, widget):
        pass

    def confirmCurrentSegmentVisible(self):
        return 1

    def referenceGeometryImage(self):
        return self.editing.reference_geometry()

    def sourceVolumeImageData(self):
        return self.editing.source_image()

    def maskLabelmap(self):
        return self.editing.mask_image()

    def saveStateForUndo(self):
        self.editing.save_state_for_undo()

    def modifySegmentByLabelmap(self, node, segment_id, labelmap, mode):
        self.editing.modify(segment_id, labelmap, mode == "add")


@pytest.fixture
def made(monkeypatch):
    """The effect of an editor whose segment is drawn on three slices."""
    register_converters()
    editing = LogicEditing(np.diag([-0.7, -0.7, 2.5, 1.0]))
    base = types.ModuleType("SegmentEditorEffects")
    base.AbstractScriptedSegmentEditorEffect = type(
        "Base", (), {"__init__": lambda self, effect: setattr(self, "scriptedEffect", effect)}
    )
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    for name, module in (("qt", MagicMock(name="qt")), ("SegmentEditorEffects", base), ("slicer.i18n", i18n)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(slicer, "mrmlScene", editing.scene, raising=False)
    modes = types.SimpleNamespace(ModificationModeAdd="add", ModificationModeRemove="remove")
    monkeypatch.setattr(slicer, "qSlicerSegmentEditorAbstractEffect", modes, raising=False)
    # what it would show is raised instead
    monkeypatch.setattr(
        slicer.util, "tryWithErrorDisplay", lambda *_, **__: contextlib.nullcontext(), raising=False
    )
    monkeypatch.syspath_prepend(str(REPOSITORY / "MedLabelInterpolate"))
    for name in [name for name in sys.modules if name.startswith("MedLabelInterpolateEffect")]:
        monkeypatch.delitem(sys.modules, name)
    package = importlib.import_module("MedLabelInterpolateEffect")
    # the application looks whether there is one, and then takes it
    assert hasattr(package, "SegmentEditorMedLabelInterpolateEffect")
    scripted = ScriptedEffect(editing)
    effect = package.SegmentEditorMedLabelInterpolateEffect(scripted)
    effect.setMRMLDefaults()
    effect.scriptedEffect.setParameter("Method", "shape")
    effect.setupOptionsFrame()
    segment_id = editing.add("tumour")
    for index in (3, 8, 15):
        editing.paint(segment_id, index)
    editing.node.SetSelectedSegmentID(segment_id)
    effect.activate()
    yield effect, editing, segment_id
    effect.cleanup()


def slices(editing: LogicEditing, segment_id: str) -> list[int]:
    return np.flatnonzero(editing.voxels(segment_id).any(axis=(0, 1))).tolist()


def test_preview_apply_and_undo(made) -> None:
    effect, editing, segment_id = made
    assert effect.scriptedEffect.name == "MedLabel interpolate"
    nodes = editing.scene.GetNumberOfNodes()
    effect.onPreview()
    assert "10 axial slices in 2 gaps" in effect.statusLabel.text
    assert slices(editing, segment_id) == [3, 8, 15]
    effect.onApply()
    assert slices(editing, segment_id) == list(range(3, 16))
    assert editing.scene.GetNumberOfNodes() == nodes
    assert editing.saved == 1
    editing.logic.Undo()
    assert slices(editing, segment_id) == [3, 8, 15]


def test_cancel_leaves_no_trace(made) -> None:
    effect, editing, segment_id = made
    nodes = editing.scene.GetNumberOfNodes()
    effect.onPreview()
    effect.onCancel()
    assert editing.scene.GetNumberOfNodes() == nodes
    assert slices(editing, segment_id) == [3, 8, 15]
    assert editing.saved == 0


def test_it_follows_edits_while_another_effect_is_active(made) -> None:
    effect, editing, segment_id = made
    effect.onPreview()
    effect.deactivate()
    editing.paint(segment_id, 12)
    assert len(effect.interpolation.live.gaps) == 3
    effect.restTimer.start.assert_called()
    effect.onRest()
    assert effect.interpolation.live.is_ready
    effect.scriptedEffect.setParameter("Live", 0)
    editing.paint(segment_id, 5)
    assert len(effect.interpolation.live.gaps) == 3
    effect.onPreview()
    assert len(effect.interpolation.live.gaps) == 4


def test_it_ends_with_its_segment_and_with_the_scene(made) -> None:
    effect, editing, segment_id = made
    effect.onPreview()
    editing.segmentation_node.GetSegmentation().RemoveSegment(segment_id)
    assert effect.interpolation is None
    other = editing.add("other")
    editing.node.SetSelectedSegmentID(other)
    editing.paint(other, 2)
    editing.paint(other, 6)
    effect.onPreview()
    editing.scene.Clear(False)
    assert effect.interpolation is None


def test_the_next_slice_is_shown(made, monkeypatch) -> None:
    effect, editing, _ = made
    shown = []
    view = types.SimpleNamespace(JumpAllSlices=lambda scene, *place: shown.append((scene, place)))
    monkeypatch.setattr(slicer, "vtkMRMLSliceNode", view)
    effect.onPreview()
    effect.onNextSlice()
    ((scene, (_, _, height)),) = shown
    assert scene is editing.scene
    assert 3 < round(height / 2.5) < 15


def test_the_module_registers_the_effect_once(monkeypatch) -> None:
    scripted = types.ModuleType("slicer.ScriptedLoadableModule")
    for name in ("ScriptedLoadableModule", "ScriptedLoadableModuleTest", "ScriptedLoadableModuleWidget"):
        setattr(
            scripted, name, type(name, (), {"__init__": lambda self, parent: setattr(self, "parent", parent)})
        )
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda _context, text: text
    effects = MagicMock(name="effects")
    for name, module in (
        ("slicer.ScriptedLoadableModule", scripted),
        ("slicer.i18n", i18n),
        ("qSlicerSegmentationsEditorEffectsPythonQt", effects),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    factory = MagicMock(name="factory")
    factory.instance.return_value.registeredEffects.return_value = [types.SimpleNamespace(name="Paint")]
    monkeypatch.setattr(slicer, "qSlicerSegmentEditorEffectFactory", factory, raising=False)
    app = MagicMock(name="app")
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.syspath_prepend(str(REPOSITORY / "MedLabelInterpolate"))
    path = REPOSITORY / "MedLabelInterpolate" / "MedLabelInterpolate.py"
    spec = importlib.util.spec_from_file_location("MedLabelInterpolateModule", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.MedLabelInterpolate(MagicMock())
    app.connect.assert_called_once_with("startupCompleted()", made.registerEditorEffect)
    made.registerEditorEffect()
    effect = effects.qSlicerSegmentEditorScriptedEffect.return_value
    (source,) = effect.setPythonSource.call_args[0]
    assert Path(source).is_file()
    assert Path(source).parent.name == "MedLabelInterpolateEffect"
    effect.self.return_value.register.assert_called_once()
    factory.instance.return_value.registeredEffects.return_value.append(
        types.SimpleNamespace(name=module.EFFECT_NAME)
    )
    made.registerEditorEffect()
    effect.self.return_value.register.assert_called_once()
