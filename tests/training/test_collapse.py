"""The warning of collapsed features: told where they have, never where they have not."""

import json
import subprocess
import sys
import warnings

import pytest
import torch

from graph_hcl import GraphContrast, geometry
from graph_hcl.__main__ import main
from graph_hcl.data import load
from graph_hcl.training.collapse import LEAST_SPREAD, describe_collapse

TOLD = "The features collapsed in a training"


def test_spread_is_the_share_of_the_length_that_varies() -> None:
    z = torch.randn(50, 7, generator=torch.Generator().manual_seed(0)).double() + 2
    by_hand = sum(float((row - z.mean(0)).square().sum()) for row in z)
    assert float(geometry.spread(z)) == pytest.approx(by_hand / float(z.square().sum()))
    for size in (1e-200, 1e150):
        assert geometry.spread(z * size) == pytest.approx(geometry.spread(z))
    assert geometry.spread(torch.ones(4, 3)) == 0


@pytest.mark.parametrize("offset", [0.0, 1.0, 5.0, 7.0, 100.0])
def test_features_around_a_point_have_collapsed(offset) -> None:
    z = torch.eye(4).repeat(4, 1).double() - 0.25 + offset  # spread (3/4) / (3/4 + 4 offset²)
    expected = 0.75 / (0.75 + 4 * offset**2)
    assert float(geometry.spread(z)) == pytest.approx(expected)
    assert bool(describe_collapse(z)) == (expected < LEAST_SPREAD)


def test_features_on_a_line_have_collapsed_unless_labels_say_so() -> None:
    line = torch.linspace(-1, 1, 16)[:, None] * torch.ones(1, 4)
    assert "effective rank of the features is 1.00" in describe_collapse(line)
    assert describe_collapse(line, labels=True) == ""
    assert describe_collapse(line[:, :2]) == ""  # in a plane it says little
    assert describe_collapse(torch.zeros(16, 4), labels=True)
    assert describe_collapse(torch.full((16, 4), torch.nan), labels=True)


@pytest.mark.parametrize("objective", ["h-ucl", "scl", "infograph"])
@pytest.mark.parametrize("lr", [1e-3, 1e6])
def test_trainings_at_a_usual_and_at_an_absurd_learning_rate(objective, lr) -> None:
    store = load("MUTAG")
    views = ["identity"] if objective == "infograph" else None
    y = store.y if objective == "scl" else None
    model = GraphContrast(
        objective, epochs=8, lr=lr, hidden=16, views=views, random_state=0, device="cpu"
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(store, y)
    assert sum(str(one.message).startswith(TOLD) for one in told) == (lr > 1)
    assert ("collapse" in model.history_[-1]) == (lr > 1)


@pytest.mark.slow
def test_a_collapsed_run_is_warned_of_logged_and_reported(tmp_path) -> None:
    run = tmp_path / "run"
    words = ["--dataset", "MUTAG", "--epochs", "2", "--lr", "1e6", "--repeats", "2", "--hidden"]
    words += ["8", "--probe.folds", "2", "--probe", "class-mean", "--out", str(run)]
    command = [sys.executable, "-m", "graph_hcl.train", *words]
    told = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stderr
    assert told.count(TOLD) == 1
    assert ", as in 1 more)" in told
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert ["collapse" in json.loads(line) for line in lines] == [False, True] * 2
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "The features of 2 of the models collapsed in the training: of seed0, of the" in page
