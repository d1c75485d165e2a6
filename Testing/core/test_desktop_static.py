"""What can be told of the desktop's code without Slicer: it compiles, and names only what there is."""

from __future__ import annotations

import ast
import datetime
import getpass
import json
import logging
import os
import re
import sys
import tempfile
import time
import unittest
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import slicer
import slicer.util
import vtk

from MedLabelLib.version import VERSION
from support.desktop_stubs import ui_names

REPOSITORY = Path(__file__).resolve().parents[2]
LISTS = Path(__file__).with_name("slicer_api_names")
MODULES = ("MedLabel", "MedLabelInterpolate", "MedLabelSmartTool", "MedLabelSync")
MODULE_FILES = [REPOSITORY / module / f"{module}.py" for module in MODULES]
DESKTOP_FILES = [
    *MODULE_FILES,
    *sorted(REPOSITORY.glob("MedLabel*/MedLabel*Widgets/**/*.py")),
    *sorted(REPOSITORY.glob("MedLabel*/MedLabel*Effect/**/*.py")),
]
SLICER_TESTS = sorted((REPOSITORY / "Testing" / "desktop").glob("*.py"))
UI_FILES = sorted(REPOSITORY.glob("MedLabel*/Resources/UI/*.ui"))

# what attribute names may come from beside Slicer, Qt and our own code
PYTHON = [str, list, dict, set, np, np.ndarray, np.bool_, unittest, unittest.TestCase]
PYTHON += [datetime, datetime.date, datetime.datetime]
PYTHON += [sys, os, os.path, time, tempfile, getpass, logging, json, zlib, Path]
# file scope may import these and our own packages; all else only in the action that needs it
# (PIL: Slicer bundles pillow)
AT_FILE_SCOPE = {
    "PIL",
    "slicer",
    "qt",
    "ctk",
    "vtk",
    "vtkmodules",
    "SegmentEditorEffects",
    "SimpleITK",
    "numpy",
    "scipy",
    *sys.stdlib_module_names,
}
OWN_PACKAGES = re.compile(r"MedLabel\w*|medlabel_made_project")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def listed_names() -> dict[str, str]:
    """The lines of the list files: ``Class.member`` by member."""
    return {
        line.rpartition(".")[2]: line
        for path in sorted(LISTS.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }


def own_names() -> set[str]:
    """The names of functions, classes, fields and attributes that our own code defines."""
    names: set[str] = set()
    for path in [*DESKTOP_FILES, *SLICER_TESTS, *core_files()]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                # what is set on a Qt object is not ours
                names |= {node.attr} if getattr(node.value, "id", "") == "self" else set()
    return names


def used_names(path: Path) -> set[str]:
    """All attributes that a file names, and the signals that it connects by their signatures."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("connect", "disconnect"):
            names |= {
                first.value.partition("(")[0] for first in node.args[:1] if isinstance(first, ast.Constant)
            }
    return names


def test_there_is_something_to_check() -> None:
    assert all(path.is_file() for path in MODULE_FILES)
    assert UI_FILES
    assert len(DESKTOP_FILES) > 6
    assert len(SLICER_TESTS) >= 4


@pytest.mark.parametrize("path", [*DESKTOP_FILES, *SLICER_TESTS], ids=lambda path: path.name)
def test_every_name_of_slicer_and_qt_is_listed_with_its_source(path) -> None:
    python = set().union(*(dir(source) for source in PYTHON))
    ui = {name for ui_file in UI_FILES for name in ui_names(ui_file)}
    modules = {name.lower() for name in MODULES}
    unknown = used_names(path) - set(listed_names()) - own_names() - python - ui - modules
    assert unknown == set(), "look them up in Slicer's source, and list them in slicer_api_names/"


def test_the_lists_name_nothing_that_is_not_used() -> None:
    used = set().union(*(used_names(path) for path in [*DESKTOP_FILES, *SLICER_TESTS]))
    assert {line for member, line in listed_names().items() if member not in used} == set()


def test_every_list_names_its_source() -> None:
    for path in LISTS.glob("*.txt"):
        assert path.read_text(encoding="utf-8").startswith("# source: "), path.name


@pytest.mark.parametrize(("name", "home"), [("mrml.txt", slicer), ("vtk.txt", vtk)])
def test_the_names_that_this_machine_has_are_right(name, home) -> None:
    for line in (LISTS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        target = home
        for part in line.removeprefix("slicer.").split("."):
            target = getattr(target, part)


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.name)
def test_a_panels_file_is_whole(path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.tag == "ui"
    names = ui_names(path) + [layout.attrib["name"] for layout in root.iter("layout")]
    assert len(set(names)) == len(names)
    custom = {entry.findtext("class") for entry in root.iter("customwidget")}
    for widget in root.iter("widget"):
        assert widget.attrib["class"].startswith("Q") or widget.attrib["class"] in custom


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda path: path.name)
def test_every_name_taken_from_a_panels_file_is_in_it(path) -> None:
    taken = {
        node.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "ui"
    }
    ui_file = path.parent / "Resources" / "UI" / f"{path.stem}.ui"
    assert taken <= set(ui_names(ui_file) if ui_file.exists() else ())


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda path: path.name)
def test_a_module_is_made_as_slicer_loads_it(path) -> None:
    classes = {node.name for node in tree_of(path).body if isinstance(node, ast.ClassDef)}
    assert {path.stem, f"{path.stem}Widget", f"{path.stem}Test"} <= classes
    text = path.read_text(encoding="utf-8")
    for word in ("self.parent.dependencies", "self.parent.contributors", "def onReload", "forget_packages"):
        assert word in text
    icon = path.parent / "Resources" / "Icons" / f"{path.stem}.png"
    assert icon.read_bytes().startswith(b"\x89PNG")
    assert [other.name for other in path.parent.glob("*.py")] == [path.name], "Slicer takes each for a module"


def core_files() -> list[Path]:
    return sorted(REPOSITORY.glob("MedLabel*/MedLabel*Lib/**/*.py"))


@pytest.mark.parametrize(
    "path", [*DESKTOP_FILES, *core_files()], ids=lambda path: "/".join(path.relative_to(REPOSITORY).parts[1:])
)
def test_file_scope_imports_only_what_slicer_has(path) -> None:
    imported = set()
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(node.module.partition(".")[0])
    assert {name for name in imported if not OWN_PACKAGES.fullmatch(name)} <= AT_FILE_SCOPE


@pytest.mark.parametrize("path", DESKTOP_FILES, ids=lambda path: path.name)
def test_the_desktop_runs_on_both_qts_and_without_a_main_window(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "stateChanged" not in text
    assert "mainWindow()" not in text


def test_the_version_is_one() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    written = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    # it is either written there too, or taken from version.py
    assert written.group(1) == VERSION if written else 'attr = "MedLabelLib.version.VERSION"' in text
