"""The proof support itself: the printed seed replays a run, and the summary counts what ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

PROOFS = """
import pytest
from hypothesis import given, strategies

@pytest.mark.prove
def test_of_numpy(proof):
    print("numpy drew", [int(random.integers(10**9)) for random in proof.cases(sample=3, full=7)])

@given(strategies.integers(0, 10**9))
def test_of_hypothesis(number):
    print("hypothesis drew", number)

@pytest.mark.prove
def test_that_fails(proof):
    for random in proof.cases(sample=3, full=7):
        assert random.integers(10**9) < 0
"""


def run_proofs(folder: Path, **variables: str) -> tuple[str, str]:
    """Runs the proofs above in their own pytest; answers what it printed, and the summary."""
    folder.mkdir()
    (folder / "test_proofs.py").write_text(PROOFS)
    (folder / "conftest.py").write_text((REPOSITORY / "Testing" / "conftest.py").read_text())
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = prove\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDLABEL_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY / "Testing"), *filter(None, sys.path)])
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"]
    answer = subprocess.run(
        [*command, f"--proof-report={folder / 'summary.md'}"],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1, answer.stdout + answer.stderr
    return answer.stdout, (folder / "summary.md").read_text()


def drawn(output: str) -> list[str]:
    return [line for line in output.splitlines() if " drew " in line]


def test_seed_replays_the_same_cases(tmp_path):
    first, _ = run_proofs(tmp_path / "first", MEDLABEL_SEED="5")
    again, _ = run_proofs(tmp_path / "again", MEDLABEL_SEED="5")
    other, _ = run_proofs(tmp_path / "other", MEDLABEL_SEED="6")
    assert drawn(first)
    assert drawn(first) == drawn(again)
    assert drawn(first) != drawn(other)


def test_seed_is_new_for_each_run_and_printed(tmp_path):
    outputs = [run_proofs(tmp_path / name)[0] for name in ("one", "two")]
    seeds = [output.split("replay with MEDLABEL_SEED=")[1].split(")")[0] for output in outputs]
    assert seeds[0] != seeds[1]
    assert f"A proof failed; replay it with MEDLABEL_SEED={seeds[0]}" in outputs[0]


@pytest.mark.parametrize(("scope", "of_numpy"), [("sample", 3), ("full", 7)])
def test_summary_counts_the_cases(tmp_path, scope, of_numpy):
    _, summary = run_proofs(tmp_path / "run", MEDLABEL_PROOFS=scope, MEDLABEL_SEED="5")
    rows = {row.split("|")[1].strip().split("::")[1]: row for row in summary.splitlines() if "::" in row}
    assert f"| {of_numpy} |" in rows["test_of_numpy"]
    of_hypothesis = {"sample": 40, "full": 2000}[scope]
    assert f"| {of_hypothesis} |" in rows["test_of_hypothesis"]
    assert rows["test_that_fails"].endswith("| failed |")
    assert f"Scope {scope}, seed 5" in summary
