"""A method with a measurement of its own is run like any other."""

from pathlib import Path

import pytest
import yaml

from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.tables import all_tables
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.errors import UserError

MODULE = """
from graph_hcl.benchmarking.measurement import Measurement
from graph_hcl.errors import UserError

class Weights(Measurement):
    def measure(self, snapshot):
        first = next(snapshot.model.parameters())
        return {"graphs": len(snapshot.part.train), "norm": float(first.norm()),
                "final": snapshot.final,
                "rows": None if snapshot.batch is None else len(snapshot.batch.z)}

class OnePart(Weights):
    def parts(self, experiment, seed):
        return experiment.parts(seed)[:1]

class Stops(Weights):
    at = 2

    def measure(self, snapshot):
        if snapshot.epoch == self.at:
            raise UserError("The loss became nan.")
        return super().measure(snapshot)

class StopsAtOnce(Stops):
    at = 0
"""


@pytest.fixture
def trial_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "own_measures.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, protocol: str = "transductive") -> Trial:
        method = {
            "settings": {"objective": "ucl", "hidden": 4, "layers": 1, "probe": {"folds": 3}},
            "epochs": [0, 1, 2],
            "measure": f"own_measures:{name}",
        }
        fields = {"datasets": ["MUTAG"], "protocols": [protocol], "methods": {"m": method}}
        file = tmp_path / "b.yaml"
        file.write_text(yaml.safe_dump(fields), encoding="utf-8")
        (trial,) = expand(read_benchmark(file))
        return trial

    return make


def test_each_part_is_measured_at_each_epoch(trial_of) -> None:
    record = run_trial(trial_of("Weights", "inductive"))
    where = [(row["part"], row["epoch"], row["final"]) for row in record["records"]]
    assert where == [(f"seed0-fold{k}", e, e == 2) for k in range(3) for e in (0, 1, 2)]
    assert len({row["norm"] for row in record["records"]}) > 3
    assert all(row["graphs"] < 188 * 2 / 3 for row in record["records"])
    assert [row["rows"] for row in record["records"][:3]] == [None] + 2 * [
        2 * record["records"][0]["graphs"]  # two views of all graphs, which are one batch
    ]
    assert "stopped" not in record


def test_a_measurement_chooses_its_parts(trial_of) -> None:
    record = run_trial(trial_of("OnePart", "inductive"))
    assert {row["part"] for row in record["records"]} == {"seed0-fold0"}


def test_a_training_that_stops_early_keeps_what_was_measured(trial_of) -> None:
    record = run_trial(trial_of("Stops"))
    assert record["stopped"] == "The loss became nan."
    assert [row["epoch"] for row in record["records"]] == [0, 1]
    with pytest.raises(UserError, match="The loss became nan"):
        run_trial(trial_of("StopsAtOnce"))


def test_it_is_run_once_and_is_in_no_table(trial_of, tmp_path: Path) -> None:
    trial, folder = trial_of("Weights"), TrialFolder(tmp_path / "out")
    run_trials([trial], folder, jobs=1)
    assert not folder.run(trial)
    assert folder.gather() == 1
    assert TrialFolder(tmp_path / "out").is_finished(trial)
    assert all_tables([(trial, folder.read(trial))]) == {}


def test_a_path_to_something_else_is_refused_before_anything_is_run(trial_of) -> None:
    with pytest.raises(UserError, match=r"to be a subclass of .*Measurement, but got UserError"):
        trial_of("UserError")
    with pytest.raises(UserError, match="Cannot import the measurement"):
        trial_of("Absent")
