"""Cross-entropy against loops, and the model that it asks for."""

import math

import pytest
import torch

from graph_hcl.config import Config, ProjectionConfig
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.losses import CrossEntropy
from graph_hcl.losses.objective import as_objective
from graph_hcl.model_factory import describe_model, make_model
from graph_hcl.objective_factory import make_objective


def test_equals_loops() -> None:
    z = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label = torch.tensor([2, 0, 0, 1, 2, 1, 0])
    total = 0.0
    for row, y in zip(z.tolist(), label.tolist(), strict=True):
        total += math.log(sum(math.exp(v) for v in row)) - row[y]
    assert CrossEntropy()(z, graph=torch.arange(7), label=label).item() == pytest.approx(total / 7)


def test_half_precision_is_summed_in_single() -> None:
    z = (100 * torch.randn(5, 4, generator=torch.Generator().manual_seed(0))).half()
    label = torch.arange(5) % 4
    loss = CrossEntropy()(z, graph=torch.arange(5), label=label)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, CrossEntropy()(z.float(), graph=torch.arange(5), label=label))


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (None, "CrossEntropy got none"),
        (torch.zeros(3, dtype=torch.long), r"label \[4\], .* got \[3\]"),
        (torch.tensor([0, 1, 2, 1]), r"labels 0 … 1 .* got 0 … 2"),
        (torch.tensor([0, 1, -100, 1]), r"got -100 … 1"),  # torch would leave this one out
    ],
)
def test_labels_that_are_none(label, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        CrossEntropy()(torch.zeros(4, 2), graph=torch.arange(4), label=label)


def test_its_head_ends_in_one_column_per_class_without_normalisation() -> None:
    store = load("MUTAG")
    objective, config = make_objective(Config(dataset="MUTAG", objective="cross-entropy"))
    assert config.projection.normalize == "none"
    model = make_model(config, describe_model(config, store, as_objective(objective).tags))
    z = model(store.batch(torch.arange(9)))
    assert z.shape == (9, 2)
    assert not torch.allclose(z.norm(dim=1), torch.ones(9))
    asked = Config(
        dataset="MUTAG", objective="cross-entropy", projection=ProjectionConfig(normalize="sphere")
    )
    assert make_objective(asked)[1].projection.normalize == "sphere"
    assert make_objective(Config(dataset="MUTAG"))[1].projection.normalize == "sphere"


@pytest.mark.parametrize("head", [ProjectionConfig(dim=5), ProjectionConfig(layers=0)])
def test_a_head_that_cannot_hold_the_classes_is_refused(head: ProjectionConfig) -> None:
    with pytest.raises(UserError, match="one column per class"):
        make_objective(Config(dataset="MUTAG", objective="cross-entropy", projection=head))
