"""Proofs: properties shown over many cases. Sampled by default, in full with ``MEDLABEL_PROOFS=full``.

The seed is ``MEDLABEL_SEED``, or else a new one for each run; it is printed, and giving it again replays
the run. Hypothesis takes the same seed. Every Hypothesis test counts as a proof.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

SEED_VARIABLE = "MEDLABEL_SEED"
SCOPE_VARIABLE = "MEDLABEL_PROOFS"
CASES_PROPERTY = "proof_cases"
VERSIONS_OF = ("medlabel", "numpy", "scipy", "SimpleITK", "pydicom", "slicer-core", "hypothesis")

settings.register_profile(
    "sample", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "full", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def scope() -> str:
    """``sample`` or ``full``: how many cases a proof takes."""
    chosen = os.environ.get(SCOPE_VARIABLE, "sample")
    if chosen not in ("sample", "full"):
        raise pytest.UsageError(f"{SCOPE_VARIABLE} is {chosen!r}; it can be sample or full")
    return chosen


def seed() -> int:
    """The seed of this run; in the environment, so that parallel workers have the same."""
    chosen = os.environ.setdefault(SEED_VARIABLE, "") or str(secrets.randbelow(2**32))
    os.environ[SEED_VARIABLE] = chosen
    return int(chosen)


class Proof:
    """Hands one proof its random cases and counts them."""

    def __init__(self) -> None:
        self.cases_taken = 0

    def cases(self, *, sample: int, full: int) -> Iterator[np.random.Generator]:
        """A generator for each case, each seeded with the run's seed and the case's number."""
        for number in range(full if scope() == "full" else sample):
            self.cases_taken = number + 1
            yield np.random.default_rng([seed(), number])


class ProofPlugin:
    """Sets the seed and the scope, says how a failure is replayed, and writes the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._report_path: str | None = config.getoption("--proof-report")
        if config.getoption("--hypothesis-seed") is None:
            config.option.hypothesis_seed = str(seed())
        settings.load_profile(scope())

    def pytest_report_header(self) -> str:
        return f"proofs: {scope()}, seed {seed()} (replay with {SEED_VARIABLE}={seed()})"

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.prove)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        report = yield
        if call.when == "call" and "prove" in report.keywords:
            report.user_properties.append((CASES_PROPERTY, _cases(item)))
        return report

    def pytest_terminal_summary(self, terminalreporter) -> None:
        failed = terminalreporter.stats.get("failed", [])
        if any("prove" in report.keywords for report in failed):
            terminalreporter.write_line(f"A proof failed; replay it with {SEED_VARIABLE}={seed()}")
        if self._report_path:
            passed = terminalreporter.stats.get("passed", [])
            proofs = [report for report in (*passed, *failed) if "prove" in report.keywords]
            path = Path(self._report_path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(summary(proofs), encoding="utf-8")


def summary(reports: list[pytest.TestReport]) -> str:
    """A Markdown summary of the proofs that ran: seed, versions, and each proof's cases and seconds."""
    lines = [
        "# Proofs",
        "",
        f"Scope {scope()}, seed {seed()}; replayed by `MEDLABEL_SEED={seed()} make prove`.",
        "",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; "
        + ", ".join(f"{name} {_version(name)}" for name in VERSIONS_OF)
        + ".",
        "",
        "| proof | cases | seconds | outcome |",
        "| --- | ---: | ---: | --- |",
    ]
    for report in sorted(reports, key=lambda report: report.nodeid):
        cases = dict(report.user_properties)[CASES_PROPERTY]
        lines.append(f"| {report.nodeid} | {cases} | {report.duration:.1f} | {report.outcome} |")
    return "\n".join(lines) + "\n"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cases(item: pytest.Item) -> int:
    """How many cases the proof took; one where it counts none itself."""
    proof = getattr(item, "funcargs", {}).get("proof")
    if proof is not None:
        return proof.cases_taken
    statistics = getattr(item, "hypothesis_statistics", "")
    return sum(int(number) for number in re.findall(r"(\d+) passing", statistics)) or 1
