"""Which way a metric of one's own is better is kept with its scores, for later processes."""

import json

import numpy as np
import pytest

from graph_hcl.benchmarking.selection import metric_sign
from graph_hcl.errors import UserError
from graph_hcl.probes import METRICS, Evaluation, Metric, compare, evaluate, metrics
from graph_hcl.results import directions

Y = np.arange(60) % 2
X = np.random.default_rng(0).normal(size=(60, 2)) + Y[:, None]
COST = Metric("cost", lambda truth, guess: float(np.mean(truth != guess)), greater_is_better=False)
GAIN = Metric("gain", lambda truth, guess: float(np.mean(truth == guess)))


@pytest.fixture
def later(monkeypatch):
    """Return a function that does to an evaluation what writing it and another process do."""

    def read(evaluation: Evaluation) -> Evaluation:
        records = json.loads(json.dumps(evaluation.records()))
        monkeypatch.setattr(metrics, "_OTHERS", {})
        return Evaluation.from_records(records)

    return read


def measured(own: list, x=X) -> Evaluation:
    return evaluate(x, Y, probe="knn", folds=5, metrics=own, jobs=1)


def test_a_later_process_knows_the_direction(later) -> None:
    good, bad = (later(measured([COST, "accuracy", GAIN], x)) for x in (X, X[::-1]))
    assert good.settings["greater_is_better"] == {"cost": False, "gain": True}
    for evaluation in (good, bad):
        (sign,) = {metric_sign(record) for record in evaluation.records()}
        assert sign == -1
    assert "lower is better" in str(compare(good, bad))
    assert "lower is better" not in str(compare(good, bad, "gain"))
    assert directions(["cost", "gain", "rmse"], good) == "; lower is better of cost, RMSE"


def test_built_in_metrics_leave_the_settings_as_they_are() -> None:
    assert "greater_is_better" not in measured(["accuracy", "macro_f1"]).settings
    signs = [metric_sign({"scores": {name: 1.0}}) for name in METRICS]
    assert signs == [metric.sign for metric in METRICS.values()]


def test_a_record_without_it_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr(metrics, "_OTHERS", {})
    for record in ({"scores": {"cost": 1.0}}, {"scores": {"cost": 1.0}, "settings": {"folds": 5}}):
        with pytest.raises(UserError, match="whether a greater cost is better") as caught:
            metric_sign(record)
        assert "\n" not in str(caught.value)
