"""Settings are chosen by validation scores, and marked where a table tests what chose them."""

from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.development import candidate_table
from graph_hcl.benchmarking.tables import development_tables
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.config import Config
from graph_hcl.errors import UserError


def trial(dataset: str, beta: float) -> Trial:
    return Trial(
        dataset, "H-UCL", "transductive", Config(dataset="MUTAG", beta=beta), (20,), {"beta": beta}
    )


def record(validation: float | None, test: float, metric: str = "accuracy") -> dict:
    return {
        "records": [
            {
                "epoch": 20,
                "seed": 0,
                "fold": fold,
                "scores": {metric: test},
                "validation_score": validation,
            }
            for fold in range(2)
        ]
    }


def test_the_best_mean_rank_comes_first_whatever_the_test_scores() -> None:
    some = [
        (trial("A", 0.1), record(0.5, 0.9)),
        (trial("A", 0.5), record(0.6, 0.1)),
        (trial("B", 0.1), record(0.70, 0.9)),
        (trial("B", 0.5), record(0.71, 0.1)),
    ]
    table = candidate_table(some, "transductive")
    assert table.head == ["method", "candidate", "mean rank", "A", "B"]
    assert table.rows == [
        ["H-UCL", "beta=0.5", "1.00", "60.00", "71.00"],
        ["H-UCL", "beta=0.1", "2.00", "50.00", "70.00"],
    ]


def test_a_candidate_that_lacks_a_data_set_has_no_rank() -> None:
    some = [
        (trial("A", 0.1), record(0.5, 0.9)),
        (trial("A", 0.5), record(0.6, 0.1)),
        (trial("B", 0.1), record(0.7, 0.9)),
        (trial("B", 0.5), None),
    ]
    rows = candidate_table(some, "transductive").rows
    assert [row[2:] for row in rows] == [["1.00", "50.00", "70.00"], ["", "60.00", ""]]


@pytest.mark.parametrize("order", [1, -1])
def test_each_data_set_has_the_direction_and_the_unit_of_its_metric(order: int) -> None:
    some = [
        (trial("A", 0.1), record(0.9, 0.0)),
        (trial("A", 0.5), record(0.5, 0.0)),
        (trial("B", 0.1), record(1.0, 0.0, "rmse")),
        (trial("B", 0.5), record(2.0, 0.0, "rmse")),
    ]
    table = candidate_table(some[::order], "transductive")
    heads = ["A, accuracy %", "B, RMSE"][::order]
    assert table.head == ["method", "candidate", "mean rank", *heads]
    assert table.rows == [
        ["H-UCL", "beta=0.1", "1.00", *["90.00", "1"][::order]],
        ["H-UCL", "beta=0.5", "2.00", *["50.00", "2"][::order]],
    ]
    assert table.caption.startswith("Validation scores, shares in %, transductive")
    assert table.caption.endswith("Lower is better of RMSE.")


def test_metrics_that_do_not_compare_have_no_ranks() -> None:
    some = [(trial("A", 0.1), record(0.9, 0.0)), (trial("A", 0.5), record(2.0, 0.0, "rmse"))]
    with pytest.raises(UserError, match="one metric on A, but got accuracy and rmse") as caught:
        development_tables(some)
    assert "\n" not in str(caught.value)


def test_the_candidate_without_a_number_is_the_last() -> None:
    some = [
        (trial("A", 0.1), record(float("nan"), 0.0)),
        (trial("A", 0.5), record(0.5, 0.0)),
        (trial("A", 0.7), record(0.6, 0.0)),
    ]
    rows = candidate_table(some, "transductive").rows
    assert [row[1:3] for row in rows] == [
        ["beta=0.7", "1.00"],
        ["beta=0.5", "2.00"],
        ["beta=0.1", "3.00"],
    ]


def write(file: Path, **fields) -> None:
    file.write_text(yaml.safe_dump(fields), encoding="utf-8")


def test_a_planted_selection_leak_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings are chosen on MUTAG, then tested on MUTAG."""
    monkeypatch.chdir(tmp_path)
    common = {"objective": "ucl", "hidden": 4, "layers": 1, "probe": {"name": "class-mean"}}
    common["probe"]["folds"] = 3
    grid = {"readout": ["sum", "mean"]}
    methods = {"small": {"grid": grid, "epochs": [1]}}
    write(
        Path("chosen.yaml"),
        datasets=["MUTAG"],
        common=common | {"probe": {"name": "logistic", "folds": 3}},
        methods=methods,
        development=True,
    )
    assert main(["benchmark", "chosen.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "Validation scores in %" in shown
    assert "readout=mean" in shown
    assert not any(word in shown for word in ("Accuracy in %", "Paired differences"))
    methods = {
        "untrained": {"epochs": [0]},
        "chosen": {
            "settings": {"readout": "mean"},
            "epochs": [1],
            "selected_on": "chosen.yaml",
        },
    }
    write(Path("table.yaml"), datasets=["MUTAG"], common=common, methods=methods, candidates=1)
    assert main(["benchmark", "table.yaml"]) == 0
    assert "† The settings were chosen on this data set" in capsys.readouterr().out
    page = Path("runs/table/tables.md").read_text(encoding="utf-8")
    assert "not tested: settings chosen on this data set" in page
