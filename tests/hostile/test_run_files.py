"""Damaged and forged files of runs and benchmarks end in a value or in one sentence."""

from pathlib import Path

import pytest
from torch import nn

from graph_hcl.__main__ import main
from graph_hcl.errors import UserError
from graph_hcl.run import Run
from tests.hostile.reader import Files, Folder, Reader
from tests.hostile.readers.runs import FILES, READERS, bind, make_run, run_reader

FEW, MANY = 30, 50_000
"""Inputs per reader, in every run of the tests and in the long campaign."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_run(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("name", FILES.values())
def test_a_forged_file_of_a_run_ends_in_a_value_or_a_sentence(
    run, yaml_read_once, survey, tmp_path: Path, name: str
) -> None:
    survey(tmp_path / "run", run_reader(run, name), FEW)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES.values())
def test_no_forged_file_of_a_run_is_a_traceback(
    run, yaml_read_once, survey, tmp_path: Path, name: str
) -> None:
    survey(tmp_path / "run", run_reader(run, name), MANY, seed=1)


@pytest.mark.parametrize("hidden", [10_000, 1_000_000])
@pytest.mark.parametrize("command", ["embed", "evaluate", "resume", "Run.model"])
def test_a_forged_width_is_refused_before_it_takes_memory(
    run, tmp_path: Path, monkeypatch, capsys, hidden: int, command: str
) -> None:
    Folder(tmp_path).write(run)
    text = run["config.yaml"].decode()
    assert "hidden: 4\n" in text
    (tmp_path / "config.yaml").write_text(
        text.replace("hidden: 4\n", f"hidden: {hidden}\n"), encoding="utf-8"
    )
    bind(tmp_path)

    def none_is_made(mlp: nn.Linear) -> None:
        assert mlp.weight.is_meta or mlp.weight.numel() < 10_000

    monkeypatch.setattr(nn.Linear, "reset_parameters", none_is_made)
    if command == "Run.model":
        with pytest.raises(UserError, match="does not fit the encoder of its config"):
            Run.open(tmp_path).model("seed0")
        return
    given = {
        "embed": ["embed", str(tmp_path), "--out", str(tmp_path / "z.npz")],
        "evaluate": ["evaluate", str(tmp_path)],
        "resume": ["train", "--resume", str(tmp_path), "--epochs", "3"],
    }
    assert main(given[command]) == 2
    assert "does not fit the encoder of its config" in capsys.readouterr().err


def test_a_damaged_benchmark_file_ends_in_trials_or_a_sentence(survey, tmp_path) -> None:
    survey(tmp_path / "files", READERS["benchmark"](tmp_path), FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_benchmark_file_is_a_traceback(survey, tmp_path) -> None:
    survey(tmp_path / "files", READERS["benchmark"](tmp_path), MANY, seed=1)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return READERS["record"](tmp_path_factory.mktemp("benchmark"))


def test_a_damaged_record_ends_in_tables_or_a_sentence(records, survey, tmp_path) -> None:
    survey(tmp_path / "out", records, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_record_is_a_traceback(records, survey, tmp_path) -> None:
    survey(tmp_path / "out", records, MANY, seed=1)


@pytest.mark.parametrize("name", ["lock", "resume"])
def test_a_damaged_lock_or_training_goes_on_or_ends_in_a_sentence(name, survey, tmp_path) -> None:
    scratch, files = tmp_path / "scratch", tmp_path / "files"
    survey(files, READERS[name](scratch), FEW if name == "lock" else 8)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("lock", MANY), ("resume", 2000)])
def test_no_damaged_lock_or_training_is_a_traceback(name, count, survey, tmp_path) -> None:
    scratch, files = tmp_path / "scratch", tmp_path / "files"
    survey(files, READERS[name](scratch), count, seed=1)  # a training takes a while
