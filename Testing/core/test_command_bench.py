"""``medlabel bench``: what it says of figures and of names; the figures themselves are no test's."""

from __future__ import annotations

from importlib import import_module

import pytest

from MedLabelApp.bench.rows import Row
from MedLabelApp.command.bench_command import NAMES
from support.commands import medlabel


def test_an_unknown_benchmark_is_named_with_those_there_are():
    answer = medlabel("bench", "nothing", "--json")
    assert answer.status == 1
    assert "nothing" in answer.document["error"]
    assert all(name in answer.document["error"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_has_a_title_and_a_run(name):
    module = import_module(f"MedLabelApp.bench.{name}")
    assert module.TITLE
    assert callable(module.run)


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("a", 3, "ms"), None),
        (Row("a", 3, "ms", 3), True),
        (Row("a", 3.1, "ms", 3), False),
        (Row("a", 0.8, "×", 0.9, at_least=True), False),
        (Row("a", 0.9, "×", 0.9, at_least=True), True),
    ],
)
def test_a_row_says_whether_its_limit_holds(row, holds):
    assert row.holds is holds
    assert ("MISSED" in row.line()) is (holds is False)
