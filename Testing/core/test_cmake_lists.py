"""The extension's CMake files name every file that there is: what they leave out is not packaged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOOL = REPOSITORY / "tools" / "list_module_files.py"
MODULES = ("MedLabel", "MedLabelInterpolate", "MedLabelSmartTool", "MedLabelSync")
FIELDS = ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS")


def cmake_list(path: Path, name: str) -> list[str]:
    """The words of ``set(name …)``, comments left out."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    (body,) = re.findall(rf"set\({name}\s+([^)]*)\)", text)
    return body.split()


def tracked(folder: str) -> set[str]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--", folder], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    found = {name.removeprefix(f"{folder}/") for name in names.split("\0") if name}
    return {name for name in found if (REPOSITORY / folder / name).is_file()}


@pytest.mark.parametrize("module", MODULES)
def test_every_file_of_a_module_is_listed(module) -> None:
    path = REPOSITORY / module / "CMakeLists.txt"
    listed = cmake_list(path, "MODULE_PYTHON_SCRIPTS") + cmake_list(path, "MODULE_PYTHON_RESOURCES")
    assert len(set(listed)) == len(listed)
    assert tracked(module) - {"CMakeLists.txt"} - set(listed) == set(), (
        f"python {TOOL.relative_to(REPOSITORY)}"
    )
    assert [name for name in listed if not (path.parent / name).is_file()] == []


def test_resources_have_names_of_their_own() -> None:
    """An installed extension puts the files of all modules into one folder."""
    seen: dict[str, str] = {}
    for module in MODULES:
        path = REPOSITORY / module / "CMakeLists.txt"
        for name in cmake_list(path, "MODULE_PYTHON_SCRIPTS") + cmake_list(path, "MODULE_PYTHON_RESOURCES"):
            assert seen.setdefault(name.lower(), module) == module, f"{name} is in {seen[name.lower()]} too"


@pytest.mark.parametrize("field", FIELDS)
def test_the_extension_managers_fields_are_quoted_on_one_line(field) -> None:
    lines = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8").splitlines()
    matching = [line for line in lines if line.startswith(f"set(EXTENSION_{field} ")]
    assert len(matching) == 1
    assert re.fullmatch(rf'set\(EXTENSION_{field} "[^"]+"\)', matching[0])


def test_every_test_for_slicer_is_registered() -> None:
    folder = REPOSITORY / "Testing" / "desktop"
    registered = cmake_list(folder / "CMakeLists.txt", "MEDLABEL_TESTS")
    assert sorted(registered) == sorted(path.stem for path in folder.glob("*Test.py"))


def test_the_lists_are_made_from_what_a_folder_has(tmp_path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / TOOL.name).write_bytes(TOOL.read_bytes())
    for module in MODULES:
        (tmp_path / module).mkdir()
        (tmp_path / module / "CMakeLists.txt").write_bytes(
            (REPOSITORY / module / "CMakeLists.txt").read_bytes()
        )
    package = tmp_path / "MedLabel" / "MedLabelLib" / "__pycache__"
    package.mkdir(parents=True)
    (package / "a.cpython-312.pyc").touch()
    (package.parent / "a.py").touch()
    (tmp_path / "MedLabel" / "icon.png").touch()
    command = [sys.executable, str(tmp_path / "tools" / TOOL.name)]
    assert subprocess.run([*command, "--check"], capture_output=True).returncode == 1
    assert subprocess.run(command).returncode == 0
    assert subprocess.run([*command, "--check"], capture_output=True).returncode == 0
    path = tmp_path / "MedLabel" / "CMakeLists.txt"
    assert cmake_list(path, "MODULE_PYTHON_SCRIPTS") == ["MedLabelLib/a.py"]
    assert cmake_list(path, "MODULE_PYTHON_RESOURCES") == ["icon.png"]
