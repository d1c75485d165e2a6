"""What the distribution ships, and what no file of the repository may hold."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = {
    "MedLabelLib": REPOSITORY / "MedLabel",
    "MedLabelInterpolateLib": REPOSITORY / "MedLabelInterpolate",
    "MedLabelSmartToolLib": REPOSITORY / "MedLabelSmartTool",
    "MedLabelSyncLib": REPOSITORY / "MedLabelSync",
    "MedLabelApp": REPOSITORY,
}
# Put together here, so that this file does not hold them either.
REGISTRY_HOSTS = ["pypi" + ".org", "python" + "hosted", "npm" + "js", "deb." + "debian", "anaconda" + ".org"]


def tracked_files() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    names = answer.stdout.decode().split("\0")
    return [REPOSITORY / name for name in names if name and (REPOSITORY / name).is_file()]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory) -> set[str]:
    """The names of the files in the wheel, built from a copy of what the repository tracks."""
    copy = tmp_path_factory.mktemp("tree")
    for path in tracked_files():
        target = copy / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(copy / "out")]
    subprocess.run([*command, str(copy)], check=True)
    (wheel,) = (copy / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def headless_files() -> list[Path]:
    packages = tuple(root / package for package, root in ROOTS.items())
    return [path for path in tracked_files() if any(package in path.parents for package in packages)]


def shipped_name(path: Path) -> str:
    root = next(root for package, root in ROOTS.items() if (root / package) in path.parents)
    return path.relative_to(root).as_posix()


def test_every_file_of_the_headless_packages_is_shipped(wheel_names):
    missing = {shipped_name(path) for path in headless_files()} - wheel_names
    assert missing == set(), "list them in pyproject.toml, or give their folder an __init__.py"


def test_nothing_of_the_desktop_or_the_tests_is_shipped(wheel_names):
    roots = {name.split("/")[0] for name in wheel_names if not name.startswith("medlabel-")}
    assert roots <= set(ROOTS)


def test_every_package_says_what_it_is():
    for path in headless_files():
        if path.name == "__init__.py":
            assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_no_registry_is_named_in_the_tree():
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE)
    naming = [
        str(path.relative_to(REPOSITORY))
        for path in tracked_files()
        if pattern.search(path.read_bytes().decode("utf-8", "ignore"))
    ]
    assert naming == []


def test_no_scan_is_committed():
    scans = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".dcm", ".mha")
    assert [path.name for path in tracked_files() if path.name.lower().endswith(scans)] == []
