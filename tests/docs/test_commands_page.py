"""The page of a command, made from its parser: a pure function, tested without Sphinx."""

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from graph_hcl.__main__ import main
from graph_hcl.commands import COMMANDS, make_parser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def extension():
    found = importlib.util.spec_from_file_location("pages", ROOT / "docs/_ext/commands.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_has_usage_examples_and_every_flag_once(command: str, extension) -> None:
    about = make_parser(command).about(f"graph-hcl {command}")
    text = extension.page(about)
    assert text.startswith(f"# graph-hcl {command}\n")
    assert "```text\nusage: graph-hcl" in text
    for example in about.examples:
        assert f"```sh\n{example.line(f'graph-hcl {command}')}\n```" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)  # four cells
    for option in about.options:
        name = option.flags[-1] if option.flags else option.metavar
        assert len([row for row in rows if f"`{name}`" in row.split(" | ")[0]]) == 1
    assert "python -m graph_hcl " not in text


def test_the_page_of_all_commands_shows_what_is_printed(capsys) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out.replace("python -m graph_hcl.", "graph-hcl ")
    shown = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert f"```text\n{printed.replace('python -m graph_hcl', 'graph-hcl')}```" in shown


def test_text_of_a_description_becomes_no_markup(extension) -> None:
    assert extension.marked("a * b | c_d <e> [f]") == r"a \* b \| c\_d \<e\> \[f\]"
    assert extension.marked("see --data.ids. Or {a, b}") == "see `--data.ids`. Or `{a, b}`"
    assert extension.marked("in ~/.cache/x.") == "in `~/.cache/x`."
    assert extension.marked("`a_b` and $GRAPH_HCL_DATA") == "`a_b` and `$GRAPH_HCL_DATA`"


def test_pages_are_written_when_they_change_and_swept(extension, tmp_path) -> None:
    (tmp_path / "reference").mkdir()
    app = SimpleNamespace(srcdir=tmp_path)
    extension.write(app)
    folder = tmp_path / "reference/commands"
    assert {file.stem for file in folder.iterdir()} == set(COMMANDS)
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    (folder / "gone.md").touch()
    (folder / "train.md").write_text("old", encoding="utf-8")
    extension.write(app)
    after = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"train.md"}
    assert not (folder / "gone.md").exists()
    assert (folder / "train.md").read_text(encoding="utf-8").startswith("# graph-hcl train")
