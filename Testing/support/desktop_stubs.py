"""Stand-ins for what only the Slicer application has, so that the desktop's code runs on slicer-core.

The scene, its events, segmentations and the project are real; Qt's widgets are recorders that know only
the names that the .ui file has.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock
from xml.etree import ElementTree

import pytest
import slicer
import slicer.util

REPOSITORY = Path(__file__).resolve().parents[2]


def ui_names(path: Path) -> list[str]:
    """The object names of a .ui file's widgets, its layouts left out."""
    return [widget.attrib["name"] for widget in ElementTree.parse(path).iter("widget")]


class _Module:
    def __init__(self, parent=None):
        self.parent = parent


class _Widget:
    def __init__(self, parent=None):
        self.parent = parent or MagicMock(isEntered=True)
        self.layout = MagicMock()

    def setup(self):
        self.developerMode = False

    def resourcePath(self, name: str) -> str:
        return str(REPOSITORY / "MedLabel" / "Resources" / name)

    def onReload(self):
        self.reloaded = True


class _Logic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")


def install(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Put the stand-ins in place and return MedLabel.py, executed with them."""
    scripted = types.ModuleType("slicer.ScriptedLoadableModule")
    scripted.ScriptedLoadableModule = _Module
    scripted.ScriptedLoadableModuleWidget = _Widget
    scripted.ScriptedLoadableModuleLogic = _Logic
    scripted.ScriptedLoadableModuleTest = type("ScriptedLoadableModuleTest", (), {})
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda _context, text: text
    for name, module in (
        ("slicer.ScriptedLoadableModule", scripted),
        ("slicer.i18n", i18n),
        ("qt", MagicMock(name="qt")),
        ("ctk", MagicMock(name="ctk")),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    app = MagicMock(name="app")
    app.layoutManager.return_value = None
    app.testingEnabled.return_value = False
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer, "mrmlScene", slicer.vtkMRMLScene(), raising=False)
    for name in ("qMRMLSegmentEditorWidget", "qSlicerSegmentEditorEffectFactory"):
        monkeypatch.setattr(slicer, name, MagicMock(name=name), raising=False)

    def named(_widget: object) -> types.SimpleNamespace:
        names = ui_names(REPOSITORY / "MedLabel" / "Resources" / "UI" / "MedLabel.ui")
        return types.SimpleNamespace(**{name: MagicMock(name=name) for name in names})

    monkeypatch.setattr(slicer.util, "loadUI", lambda path: Path(path).read_bytes() and MagicMock())
    monkeypatch.setattr(slicer.util, "childWidgetVariables", named)
    for name in ("errorDisplay", "warningDisplay", "confirmYesNoDisplay"):
        monkeypatch.setattr(slicer.util, name, MagicMock(name=name, return_value=False))
    monkeypatch.syspath_prepend(str(REPOSITORY / "MedLabel"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MedLabelWidgets"]:
        monkeypatch.delitem(sys.modules, name)
    spec = importlib.util.spec_from_file_location("MedLabelModule", REPOSITORY / "MedLabel" / "MedLabel.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
