"""Evaluations as records, and the table that reads them."""

import builtins
import json

import numpy as np
import pytest

from graph_hcl.errors import UserError
from graph_hcl.probes import Evaluation, ResultTable, evaluate, summarize

Y = np.arange(40) % 2
X = np.random.default_rng(0).normal(size=(40, 3)) + Y[:, None]


def measured(seed: int = 0, probe: str = "svm", folds: int = 3) -> Evaluation:
    return evaluate(X, Y, probe=probe, folds=folds, seed=seed, jobs=1)


def table() -> ResultTable:
    rows = []
    for method, probe in (("a", "svm"), ("b", "class-mean")):
        for seed in range(2):
            extra = {"dataset": "RINGS", "method": method, "candidate": None}
            rows += [extra | record for record in measured(seed, probe).records()]
    return ResultTable(rows)


def test_records_are_json_and_are_read_back() -> None:
    one = Evaluation.concat(measured(seed) for seed in range(2))
    records = json.loads(json.dumps(one.records(), allow_nan=False))
    assert Evaluation.from_records(records) == one
    record = records[4]
    assert (record["protocol"], record["probe"]) == ("transductive", "svm")
    assert record["settings"] == {"folds": 3, "inner": 5, "fraction": 1.0}
    assert (record["seed"], record["fold"], record["train"]) == (1, 1, 27)
    assert len(record["test"]) == len(record["labels"]) == len(record["decision"]) == 13
    assert record["labels"] == Y[record["test"]].tolist()
    assert [int(d > 0) for d in record["decision"]] == record["predictions"]
    assert set(record["scores"]) == {"accuracy", "macro_f1"}
    assert set(record["params"]) == {"C"}


def test_decision_values_are_left_out_where_a_fold_lacks_a_class() -> None:
    y = Y.copy()
    y[3] = 2
    with pytest.warns(UserWarning, match="lack a class"):
        found = evaluate(X, y, probe="logistic", folds=3, jobs=1)
    for fold in found.folds:
        if 3 in fold.test:
            assert fold.decision is None
        else:
            assert np.shape(fold.decision) == (len(fold.test), 3)


def test_rows_by_columns() -> None:
    whole = table()
    assert len(whole) == 12
    assert whole.columns[:4] == ["dataset", "method", "candidate", "protocol"]
    one = whole.select(method="b", seed=1)
    assert [row["fold"] for row in one] == [0, 1, 2]
    expected = measured(1, "class-mean")
    assert one.scores("accuracy") == expected["accuracy"].values
    assert one.evaluation() == expected
    assert len(whole.select(method="c")) == 0
    groups = whole.group(by=["method", "seed"])
    assert list(groups) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert groups["b", 1].rows == one.rows
    assert list(whole.group("method")) == ["a", "b"]
    assert summarize(whole.select(method="a").evaluation()) == summarize([measured(0), measured(1)])


def test_a_row_without_a_column_counts_as_none() -> None:
    rows = [{"seed": 0, "fold": 0, "scores": {}}, {"seed": 0, "fold": 1, "scores": {}, "epoch": 3}]
    assert [row["fold"] for row in ResultTable(rows).select(epoch=None)] == [0]
    assert list(ResultTable(rows).group("epoch")) == [None, 3]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda t: t.select(methid="a"), "Did you mean method?"),
        (lambda t: t.group("methods"), "Did you mean method?"),
        (lambda t: t.group("settings"), "plain values"),
        (lambda t: t.scores("accuracy"), "one row for seed 0 and fold 0"),
        (lambda t: t.select(method="a").scores("acuracy"), "Did you mean accuracy?"),
        (lambda t: t.evaluation(), "same probe"),
        (lambda t: ResultTable([]).evaluation(), "got none"),
        (lambda t: measured()["f1"], "metric of accuracy, macro_f1"),
        (lambda t: summarize([measured(), measured()]), "appear twice"),
        (lambda t: summarize([measured(0, folds=2), measured(1)]), "same settings"),
        (lambda t: summarize([]), "got none"),
    ],
)
def test_mistakes_are_told_in_one_sentence(call, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        call(table())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_frame_has_a_column_for_each_metric_and_parameter() -> None:
    pytest.importorskip("pandas")
    frame = table().to_frame()
    assert {"seed", "fold", "accuracy", "macro_f1", "params.C", "settings.folds"} <= set(frame)
    assert len(frame) == 12
    assert frame["accuracy"].tolist() == [row["scores"]["accuracy"] for row in table()]


def test_a_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest, **more):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install pandas"):
        table().to_frame()
