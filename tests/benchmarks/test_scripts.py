"""Every benchmark answers --help, paired timing is paired, and the committed pages are current."""

import copy
import doctest
import importlib
import json
import os
import re
import sys

import pytest

from benchmarks.pages import blocks, loss_figure, performance, readme, results
from benchmarks.speed import _bench

SPEED = ("augmentation", "evaluation", "loading", "losses", "pipeline", "segment")
MODULES = [f"benchmarks.speed.{name}" for name in SPEED]
MODULES += [f"benchmarks.pages.{name}" for name in ("performance", "readme", "results")]
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


@pytest.mark.parametrize("module", [_bench, blocks, loss_figure, performance, readme])
def test_the_examples_in_the_docstrings_are_right(module) -> None:
    found = doctest.testmod(module)
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


def test_the_page_of_timings_is_that_of_the_committed_results(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["performance", "--check"])
    assert performance.main() == 0


@pytest.mark.parametrize("name", ["losses", "pipeline", "evaluation", "loading", "augmentation"])
def test_another_timing_makes_the_page_stale(monkeypatch, name: str) -> None:
    changed = json.loads(
        json.dumps(performance.read(name)), parse_float=lambda text: 3 * float(text)
    )
    unchanged = performance.read
    monkeypatch.setattr(performance, "read", lambda one: changed if one == name else unchanged(one))
    monkeypatch.setattr(sys, "argv", ["performance", "--check"])
    assert performance.main() == 1


def test_the_figure_is_drawn_alike_twice_and_knows_its_numbers(tmp_path) -> None:
    rows = performance.read("losses")["rows"]
    loss_figure.draw(rows, tmp_path)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    loss_figure.draw(rows, tmp_path)
    assert first == {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert len(set(first.values())) == len(loss_figure.THEMES)
    assert loss_figure.is_current(rows, tmp_path)
    other = copy.deepcopy(rows)
    other["512"]["h-ucl"]["mib"] += 1
    assert not loss_figure.is_current(other, tmp_path)


def test_blocks_stand_between_their_marks_once() -> None:
    page = "a\n<!-- me, b: start -->\nold\n<!-- me, b: end -->\n"
    for text, made in (("a\n", {"b": ""}), (page + page, {"b": ""}), (page, {}), (page, {"c": ""})):
        with pytest.raises(ValueError, match="Expected"):
            blocks.with_blocks(text, "me", made)
    once = blocks.with_blocks(page, "me", {"b": "new"})
    assert blocks.with_blocks(once, "me", {"b": "new"}) == once


@needs_splits
def test_the_table_of_the_readme_repeats_the_page_of_results() -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    lines = [line.split("|") for line in readme.results().splitlines() if line.startswith("| ")][1:]
    assert 1 < len(lines) - 1 <= readme.ROWS
    for cells in lines[1:]:
        name = cells[1].split()[0]
        value = cells[-2].split()[0]
        rows = [line.split("|") for line in page.splitlines() if line.startswith(f"| {name} ")]
        pairs = [row for row in rows if [row[2].strip(), row[3].strip()] == list(readme.PAIR)]
        assert any(abs(float(row[4]) - float(value)) < 0.06 for row in pairs), name
    assert "†" not in readme.results()


@needs_splits
def test_the_readme_counts_the_tests_as_the_page_of_results_does() -> None:
    text, page = readme.counts(), results.introduction()
    tests, below, lasting = re.search(
        r"all\s+(\d+) tests of this page: (\d+) are below .05, (\d+) after", page
    ).groups()
    assert f"Of the {tests} paired tests" in text
    assert f"{readme.word(int(below))} have p < .05, and {readme.word(int(lasting))} sur" in text
    kinds = [readme.kind(where, test) for where, test, _ in readme.corrected_tests()]
    pairs = {
        (test.first, test.second)
        for (where, test, _), kind in zip(readme.corrected_tests(), kinds, strict=True)
        if kind == "hard"
    }
    assert {("H-UCL", "UCL"), ("H-SCL", "SCL"), ("GraphCL + HCL", "GraphCL")} <= pairs
    assert {("UCL, T chosen", "UCL"), ("GraphCL + debiased", "GraphCL")}.isdisjoint(pairs)
    assert not any("untrained" in second or "cross" in second for _, second in pairs)
