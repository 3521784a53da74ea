"""The pages of data sets say what the cards say; they are written without Sphinx."""

import dataclasses
import doctest
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from graph_hcl.cli import config_parser
from graph_hcl.data import get_card, list_datasets

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_spec = importlib.util.spec_from_file_location("card_pages", DOCS / "_ext" / "cards.py")
cards = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cards)


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, str]:
    files = cards.write_pages(tmp_path / "cards")
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def test_the_examples_in_the_docstrings_are_right() -> None:
    found = doctest.testmod(cards)
    assert found.attempted
    assert not found.failed


def test_each_card_has_a_page_with_its_numbers(pages: dict[str, str]) -> None:
    assert list(pages) == list_datasets()
    for name, text in pages.items():
        card = get_card(name)
        assert text.startswith(f"# {name}\n")
        for value in (card.graphs, card.average_nodes, card.average_edges, card.citation):
            assert str(value) in text
        assert "None" not in text
        widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert min(widths) > 2
        rows = text.partition("## Published results")[2].partition("## Files")[0].count("\n| ")
        assert rows == (len(card.published) + 2 if card.published else 0)


def test_results_that_saw_the_test_folds_are_marked(pages: dict[str, str]) -> None:
    leaky = 0
    for name, text in pages.items():
        found = {
            entry["method"] for entry in get_card(name).published if "leaky" in entry["protocol"]
        }
        marked = set(re.findall(r"^\| (.*?) † \|", text, re.M))
        assert marked == found
        assert ("† Too high" in text) == bool(found)
        leaky += len(found)
    assert leaky > 20
    assert not any("leaky" in text for text in pages.values())


def test_the_commands_are_read_by_the_command(pages: dict[str, str]) -> None:
    parser = config_parser("train")
    for name, text in pages.items():
        lines = re.findall(r"^python -m graph_hcl\.train (.*)$", text, re.M)
        assert lines
        for line in lines:
            assert f"--dataset {name}" in line
            parser.split(line.split())


def test_development_sets_and_sets_of_tables_are_told_apart(pages: dict[str, str]) -> None:
    assert "A development set" in pages["PTC_MR"]
    assert "[transductive](../../results.md#transductive)" in pages["MUTAG"]
    assert "Part of no table" in pages["digits"]
    headings = re.findall(r"^## (.*)$", (DOCS / "results.md").read_text(encoding="utf-8"), re.M)
    for text in pages.values():
        assert set(re.findall(r"results\.md#([\w-]+)", text)) <= set(headings)


def test_a_second_writing_changes_nothing_and_sweeps(tmp_path: Path) -> None:
    files = cards.write_pages(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in files}
    (tmp_path / "gone.md").write_text("# gone\n", encoding="utf-8")
    assert cards.write_pages(tmp_path) == files
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_the_list_gets_a_row_for_each_card() -> None:
    source = [(DOCS / "data" / "cards.md").read_text(encoding="utf-8")]
    noted: list[str] = []
    app = SimpleNamespace(env=SimpleNamespace(note_dependency=noted.append))
    other = ["untouched"]
    cards._list(app, "data/index", other)
    cards._list(app, "data/cards", source)
    assert other == ["untouched"]
    assert cards.PLACE not in source[0]
    for name in list_datasets():
        assert f"| [{name}](cards/{name}.md) | {get_card(name).graphs} |" in source[0]
    assert len(noted) == len(list_datasets())


def test_a_preset_is_shown_as_it_is_written() -> None:
    preset = {"encoder": {"readout": "mean"}, "temperature": 0.2}
    text = cards.page(dataclasses.replace(get_card("MUTAG"), preset=preset), [])
    assert "```yaml\nencoder:\n  readout: mean\ntemperature: 0.2\n```" in text
