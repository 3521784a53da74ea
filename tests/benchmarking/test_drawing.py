"""Tests of `benchmarking.drawing`: the candidates of `tune`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from graph_hcl.benchmarking.drawing import draw
from graph_hcl.benchmarking.methods import read_method
from graph_hcl.errors import UserError

UNIT = {"low": 0, "high": 1}


def test_points_are_spread_more_evenly_than_random_ones() -> None:
    points = draw(16, {"beta": UNIT, "temperature": UNIT})
    values = np.array([[*point.values()] for point in points])
    assert all(len({*(column * 16).astype(int)}) == 16 for column in values.T)  # one per stratum
    random = [qmc.discrepancy(np.random.default_rng(k).random((16, 2))) for k in range(20)]
    assert qmc.discrepancy(values) < min(random)


def test_lists_are_points_of_the_same_sequence() -> None:
    points = draw(16, {"readout": ["sum", "mean"], "beta": UNIT})
    for readout in ("sum", "mean"):
        values = np.array([point["beta"] for point in points if point["readout"] == readout])
        assert len({*(values * 8).astype(int)}) == len(values) == 8


def test_more_trials_add_points() -> None:
    space = {"lr": {"low": 1e-4, "high": 0.1, "log": True}, "hidden": {"low": 8, "high": 64}}
    assert draw(32, space)[:5] == draw(5, space)


@pytest.mark.parametrize("name", ["lr", "temperature", "optimizer.clip", "loss.tau_plus"])
def test_the_setting_decides_whether_numbers_are_real(name: str) -> None:
    values = [point[name] for point in draw(8, {name: UNIT})]
    assert all(isinstance(value, float) and 0 < value < 1 for value in values)


def test_whole_numbers_stay_whole() -> None:
    space = {
        "hidden": {"low": 8, "high": 512, "log": True},
        "encoder.options.heads": {"low": 1, "high": 4},
        "encoder.options.share": {"low": 0, "high": 0.5},
    }
    points = draw(64, space)
    assert all(type(point["hidden"]) is int and 8 <= point["hidden"] <= 512 for point in points)
    assert sum(point["hidden"] < 64 for point in points) in range(28, 37)  # half of the octaves
    assert {point["encoder.options.heads"] for point in points} == {1, 2, 3, 4}
    assert all(0 <= point["encoder.options.share"] <= 0.5 for point in points)


@pytest.mark.parametrize(
    "space",
    [
        {"layers": {"low": 1, "high": 24}},
        {"layers": {"low": 1, "high": 4}, "readout": ["sum", "mean", "max"], "epochs": [1, 2]},
        {"hidden": {"low": 977, "high": 1000, "log": True}},
        {f"encoder.options.{k}": [0, 1] for k in range(10)},
    ],
)
def test_every_point_of_a_small_space_is_drawn_once(space: dict[str, Any]) -> None:
    trials = 1024 if len(space) == 10 else 24
    points = draw(trials, space)
    assert len({repr(point) for point in points}) == trials
    with pytest.raises(UserError, match=f"{trials + 1} trials, but got {trials}: lower trials"):
        draw(trials + 1, space)


@pytest.mark.parametrize(
    ("trials", "space", "sentence"),
    [
        (2, {}, "a space of tune with 2 points or more for its 2 trials, but got 1"),
        (1, {"lr": []}, "a list or {low: …, high: …} for 'lr' in the space of tune, but got []"),
        (1, {"lr": 0.1}, "a list or {low: …, high: …} for 'lr'"),
        (1, {"lr": {"low": 0.1}}, "a list or {low: …, high: …} for 'lr'"),
        (
            1,
            {"lr": {"low": 0.1, "high": 1, "step": 0.1}},
            "its step is not read, so list",
        ),
        (3, {"probe.options.C": UNIT}, "or write {low: 0.0, …} if 'probe.options.C' takes real"),
        (1, {"lr": {"low": "a", "high": 1}}, "its bounds are no numbers"),
        (1, {"layers": {"low": 1.5, "high": 4}}, "its bounds are no whole numbers"),
        (1, {"lr": {"low": 1, "high": 0.1}}, "its bounds are in no order"),
        (1, {"lr": {"low": -1e308, "high": 1e308}}, "or too far apart"),
        (1, {"seed": {"low": 0, "high": 10**400}}, "a list or {low: …, high: …} for 'seed'"),
        (1, {"lr": {"low": 0, "high": 1, "log": True}}, "its logarithm needs a low above 0"),
        (2, {"lr": [0.1, 0.1]}, "different values of 'lr' in tune of the method 'm', but got 0.1"),
    ],
)
def test_other_spaces_are_refused_when_the_file_is_read(
    trials: int, space: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_method("m", {"tune": {"trials": trials, "space": space}})


def test_bounds_in_powers_of_ten_are_numbers() -> None:
    (point,) = draw(1, {"lr": {"low": "1e-3", "high": "1e-2", "log": True}})
    assert 1e-3 <= point["lr"] <= 1e-2
