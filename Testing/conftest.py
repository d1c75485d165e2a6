"""Fixtures that tests of every layer share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from MedLabelApp.demo.errors import DemoSourceError
from MedLabelApp.demo.fetch import FetchedSource, cache_folder, fetch_source
from MedLabelApp.demo.sources import DEMO_SOURCES, OPTIONAL_SOURCES
from support.needs import in_ci, lacking
from support.proofs import Proof, ProofPlugin

REPOSITORY = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proof-report", metavar="PATH", help="write a summary of the proofs to PATH")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ProofPlugin(config), "medlabel-proofs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """In CI a skipped test is a failed one: what a machine lacks must not pass for a proof."""
    report = yield
    if in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped; in CI nothing is skipped"
    return report


@pytest.fixture
def proof() -> Proof:
    """The random cases of a proof: ``for random in proof.cases(sample=20, full=2000): …``."""
    return Proof()


@pytest.fixture(autouse=True, scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tests neither read nor change what the user of this machine has chosen."""
    with pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.mktemp("settings") / "settings.json"
        patch.setenv("MEDLABEL_SETTINGS", str(file))
        yield file


class DemoCache:
    """The demo scans on this machine, fetched when a test first asks for them."""

    def __init__(self) -> None:
        self.folder = cache_folder()
        self._sources = {source.name: source for source in (*DEMO_SOURCES, *OPTIONAL_SOURCES)}
        self._fetched: dict[str, FetchedSource] = {}

    def source(self, name: str) -> FetchedSource:
        """``radiomics``, ``chest``, ``phantom`` or ``ch2``; skips where it cannot be had, but never in CI."""
        if name not in self._fetched:
            try:
                self._fetched[name] = fetch_source(self._sources[name])
            except DemoSourceError as error:
                lacking(str(error))
        return self._fetched[name]

    def file(self, name: str, member: str) -> Path:
        """The path of one member, as ``file("radiomics", "lung2_image.nrrd")``."""
        return self.source(name).files[member]


@pytest.fixture(scope="session")
def demo_cache() -> DemoCache:
    """The demo scans: ``demo_cache.file("chest", "cxr.nii.gz")``."""
    return DemoCache()


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """The interpreter of the environment that has the Supervisely SDK."""
    default = REPOSITORY / ".venv-sdk" / "bin" / "python"
    python = Path(os.environ.get("MEDLABEL_SDK_PYTHON", default))
    if not python.exists():
        lacking(f"the Supervisely SDK is not set up at {python}: make setup-test")
    return python


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium that browser tests start, for playwright's ``executable_path``."""
    found = os.environ.get("MEDLABEL_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found:
        with sync_playwright() as playwright:
            found = playwright.chromium.executable_path
    if not Path(found).exists():
        lacking(f"no Chromium on the path, in MEDLABEL_CHROMIUM, or at {found}: make setup-test")
    return found
