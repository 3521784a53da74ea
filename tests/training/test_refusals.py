"""What cannot be trained is told before anything is written."""

import sys
import types

import pytest
import torch
from torch import nn

from graph_hcl.__main__ import main
from graph_hcl.config import Config, LossConfig, ProjectionConfig
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.losses import HSCL, HUCL, SCL, InfoGraph, NTXent, SupCon, as_objective
from graph_hcl.objective_factory import check_counted, make_objective


@pytest.fixture(autouse=True)
def _data(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("objective", ["ucl", "h-ucl", "nt-xent"])
def test_views_are_the_only_positives(objective, tmp_path, capsys) -> None:
    out = tmp_path / "run"
    words = [
        "train",
        "--dataset",
        "MUTAG",
        "--objective",
        objective,
        "--views",
        '["identity"]',
        "--out",
        str(out),
    ]
    assert main(words) == 2
    told = capsys.readouterr().err.strip()
    assert "Expected two --views or more with" in told
    assert not out.exists()


def test_labels_may_be_the_only_positives() -> None:
    make_experiment(Config(dataset="MUTAG", objective="h-scl", views=["identity"]))
    make_experiment(Config(dataset="MUTAG", objective="infograph", views=["identity"]))
    with pytest.raises(UserError, match="two --views or more with h-scl"):
        make_experiment(
            Config(
                dataset="MUTAG",
                objective="h-scl",
                views=["identity"],
                loss=LossConfig(positives="views"),
            )
        )


def test_who_is_refused() -> None:
    label, one = torch.arange(6) % 2, torch.zeros(6).long()
    for objective in (HUCL(), NTXent(), HSCL(positives="views"), HUCL(memory_size=8)):
        with pytest.raises(UserError, match="two --views"):
            check_counted(objective, "it", 1, label)
        check_counted(objective, "it", 2, label)
    for objective in (SCL(), HSCL(), SCL(positives="views")):
        check_counted(objective, "it", 2, label)
        with pytest.raises(UserError, match="two labels or more"):
            check_counted(objective, "it", 2, one)
    for objective in (HUCL(), SCL()):
        with pytest.raises(UserError, match="two graphs or more with it, but got one"):
            check_counted(objective, "it", 2, one[:1])
    for objective in (SupCon(), InfoGraph(), SCL(negatives="all")):
        check_counted(objective, "it", 1, one)
    check_counted(as_objective(lambda z, graph, label: z.sum()), "it", 1, one)  # cannot tell


def test_the_model_alone_normalises(monkeypatch) -> None:
    for name in ("ucl", "h-ucl", "scl", "h-scl", "nt-xent", "supcon"):
        objective, completed = make_objective(Config(dataset="MUTAG", objective=name))
        assert objective.normalize is False
        assert completed.projection.normalize == "sphere"
        assert not hasattr(completed.loss, "normalize")

    class Outside(nn.Module):
        def __init__(self, temperature: float = 0.5) -> None:
            super().__init__()

        def forward(self, z, graph, label):
            return z.sum()

    module = types.ModuleType("outside")
    module.Outside = Outside
    monkeypatch.setitem(sys.modules, "outside", module)
    assert isinstance(
        make_objective(Config(dataset="MUTAG", objective="outside:Outside"))[0].function, Outside
    )


def test_a_head_of_no_layers_has_no_width() -> None:
    """It was ignored without a word."""
    config = Config(dataset="MUTAG", projection=ProjectionConfig(layers=0, dim=4))
    with pytest.raises(
        UserError, match=r"no --projection.dim with --projection.layers 0, but got 4"
    ):
        make_objective(config)
