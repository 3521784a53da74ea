"""The examples of `--help` fit the files and the runs that there are."""

import shlex
from pathlib import Path

import pytest

from graph_hcl.__main__ import main
from graph_hcl.benchmark import EXAMPLES, MODES
from graph_hcl.commands import load_command
from graph_hcl.config import Config
from graph_hcl.schema import flag

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.arguments)
def test_every_example_of_benchmark_lists_trials(example, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(example.arguments)
    for mode in [mode for mode in map(flag, MODES) if mode in words]:
        place = words.index(mode)
        del words[place : place + (2 if mode == "--compare-to" else 1)]
    assert main(["benchmark", *words, "--dry-run"]) == 0
    assert " trials, " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["evaluate", "embed", "report"])
def test_the_first_example_goes_on_from_that_of_train(command: str) -> None:
    assert load_command("train").EXAMPLES[0].arguments == ""
    folder = f"runs/{Config().dataset}-{Config().objective}-0"
    assert load_command(command).EXAMPLES[0].arguments.split()[0] == folder
