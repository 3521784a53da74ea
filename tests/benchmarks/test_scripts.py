"""Every benchmark answers --help, paired timing is paired, and the committed pages are current."""

import doctest
import importlib
import os
import sys

import pytest

from benchmarks.pages import readme, results
from benchmarks.speed import _bench

SPEED = ("augmentation", "evaluation", "loading", "losses", "pipeline", "segment")
MODULES = [f"benchmarks.speed.{name}" for name in SPEED]
MODULES += [f"benchmarks.pages.{name}" for name in ("readme", "results", "pictures.__main__")]
MODULES += [f"benchmarks.science.{name}.__main__" for name in ("collapse", "temperature")]
needs_splits = pytest.mark.skipif(
    "GRAPH_HCL_SPLITS" not in os.environ, reason="needs GRAPH_HCL_SPLITS"
)


@pytest.mark.parametrize("name", MODULES)
def test_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module(name).main()
    assert stopped.value.code == 0
    assert "--check" in capsys.readouterr().out


def test_the_examples_in_the_docstrings_are_right() -> None:
    found = doctest.testmod(_bench)
    assert found.attempted
    assert not found.failed


def test_works_take_turns_and_the_first_round_is_not_counted() -> None:
    calls: list[str] = []
    works = [lambda: calls.append("a"), lambda: calls.append("b")]
    seconds = _bench.paired_seconds(works, rounds=2, repeats=[2, 1])
    assert "".join(calls) == "aab" * 3
    assert [len(each) for each in seconds] == [2, 2]


@needs_splits
def test_the_committed_pages_are_those_of_the_committed_results(monkeypatch) -> None:
    for page in (results, readme):
        monkeypatch.setattr(sys, "argv", [page.__name__, "--check"])
        assert page.main() == 0
