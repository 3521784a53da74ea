"""What the log says of features that have collapsed."""

import dataclasses
import math

import pytest
import torch
from torch_geometric.data import Data

from graph_hcl import geometry
from graph_hcl.augment import Identity, ViewSampler
from graph_hcl.data import GraphStore
from graph_hcl.losses import HUCL, UCL, as_objective
from graph_hcl.losses.precision import unit
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import Diagnosis, TrainingSettings, fit
from graph_hcl.training.callbacks import History
from graph_hcl.training.diagnosis import describe_temperature, diagnose, diagnose_temperature

COSINE = {"gradient_cosine": 0.99}


def collapsed(rows: int) -> torch.Tensor:
    row = torch.nn.functional.normalize(torch.arange(1.0, 33), dim=0)
    z = row.repeat(rows, 1)
    z[::3] = torch.nextafter(z[::3], torch.tensor(math.inf))
    return z


def test_the_log_says_of_collapse_what_the_theory_says() -> None:
    graph = torch.arange(24).repeat(2)
    metrics = diagnose(collapsed(48), graph, graph % 4)
    assert metrics["assumption_1"] == 1
    assert metrics["class_mean_accuracy"] == 0.25
    assert metrics["effective_rank"] == metrics["feature_std"] == metrics["within_class"] == 0
    assert abs(metrics["uniformity"]) < 1e-6
    assert math.isclose(metrics["equal_inner_product"], 4 / 3, rel_tol=1e-6)
    assert math.isclose(metrics["ucl"], math.log(2), rel_tol=1e-6)


def test_a_collapsed_batch_of_one_class_gives_finite_numbers() -> None:
    metrics = diagnose(collapsed(12), torch.arange(6).repeat(2), torch.zeros(12))
    assert "assumption_1" not in metrics
    assert all(map(math.isfinite, metrics.values()))


def test_a_hardened_batch_tells_the_temperature_of_the_plain_loss() -> None:
    z = torch.nn.functional.normalize(torch.randn(48, 16), dim=1)
    graph = torch.arange(24).repeat(2)
    loss = HUCL(beta=2.0, temperature=0.7, normalize=False)
    found = diagnose_temperature(z, graph, None, loss)
    expected = geometry.match_temperature(loss, z, graph)
    assert found["matched_temperature"] == expected.temperature
    assert found["gradient_cosine"] == expected.cosine
    assert found["effective_share"] == geometry.effective_share(z, graph, 0.7)


def test_what_has_no_such_temperature_tells_none() -> None:
    z = torch.nn.functional.normalize(torch.randn(8, 4), dim=1)
    graph = torch.arange(4).repeat(2)
    assert set(diagnose_temperature(z, graph, None, UCL())) == {"effective_share", "temperature"}
    assert not diagnose_temperature(z, graph, None, lambda z, graph, label: z.sum())
    assert not diagnose_temperature(z, torch.arange(8), None, HUCL())  # no positives
    assert not diagnose_temperature(z * math.nan, graph, None, HUCL())
    assert not diagnose_temperature(collapsed(8)[:1].repeat(8, 1), graph, None, HUCL())


def test_parts_are_averaged_at_their_last_epoch() -> None:
    records = [
        {"part": part, "epoch": epoch} | ({} if gone else {"matched_temperature": t, **COSINE})
        for part, epoch, t, gone in (
            ("a", 1, 9.0, False),
            ("a", 2, 0.1, False),
            ("a", 3, 0.0, True),
            ("b", 1, 0.3, False),
        )
    ]
    assert "temperature 0.200 (cosine of the gradients 0.990)" in describe_temperature(records)
    assert describe_temperature([{"part": "a", "epoch": 1, "loss": 1.0}]) == ""


def batch_of_six() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    z = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    graph = torch.arange(6).repeat(2)
    return z, graph, (graph % 3).double()


def test_rows_without_a_label_are_left_out_of_what_needs_labels() -> None:
    z, graph, label = batch_of_six()
    label[graph == 2] = math.nan
    rows = graph != 2
    found, known = diagnose(z, graph, label), diagnose(z[rows], graph[rows], label[rows])
    plain = diagnose(z, graph, None)
    assert found == known | plain
    assert set(known) - set(plain)


def test_what_is_no_class_is_no_label() -> None:
    z, graph, label = batch_of_six()
    plain = diagnose(z, graph, None)
    for other in (label + 0.5, label * math.nan, label / 0, torch.stack([label, label], 1)):
        assert diagnose(z, graph, other) == plain
    with pytest.raises(ValueError, match=r"Expected label \[12\], one per row, but got \[5\]"):
        diagnose(z, graph, label[:5])
    with pytest.raises(ValueError, match=r"Expected graph \[12\], one per row, but got \[5\]"):
        diagnose(z, graph[:5], None)


@pytest.mark.parametrize("factor", [2.0**70, 2.0**-80])
def test_features_of_any_size_are_diagnosed(factor) -> None:
    z, graph, label = batch_of_six()
    found, known = diagnose(z * factor, graph, label), diagnose(z, graph, label)
    for name in ("effective_rank", "equal_inner_product", "class_mean_accuracy"):
        assert found[name] == known[name]
    for name in ("feature_std", "within_class", "zero_sum"):
        assert found[name] == known[name] * factor


def test_a_batch_that_defines_little_tells_that() -> None:
    z, graph, label = batch_of_six()
    assert diagnose(z / 0, graph, label) == {}
    assert diagnose(z[:0], graph[:0], label[:0]) == {}
    one = diagnose(z[:1], graph[:1], label[:1])
    assert one["effective_rank"] == one["within_class"] == 0
    assert not {"uniformity", "alignment", "scl"} & set(one)


def test_an_objective_of_ones_own_may_learn_its_temperature() -> None:
    z, graph, label = batch_of_six()

    def loss(z: torch.Tensor, **keys: torch.Tensor) -> torch.Tensor:
        return z.sum()

    loss.temperature = torch.nn.Parameter(torch.tensor(0.25))
    known = HUCL(temperature=0.25, normalize=False)
    assert diagnose(z, graph, label, loss) == diagnose(z, graph, label, known)
    loss.temperature = "auto"
    assert diagnose(z, graph, label, loss) == diagnose(z, graph, label)


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def test_an_objective_that_normalizes_is_diagnosed_on_the_rows_that_it_contrasts(kind) -> None:
    z, graph, label = batch_of_six()
    z = (3 * z).to(kind)
    loss = HUCL(beta=1.0, negative_reduction="mean")
    found = diagnose(z, graph, label, loss)
    assert found["h-ucl"] == pytest.approx(float(loss(z, graph=graph)), rel=1e-5)
    plain = UCL(negative_reduction="mean", normalize=False)
    given = diagnose(z, graph, label, plain)
    assert given["ucl"] == pytest.approx(float(plain(z, graph=graph)), rel=1e-5)
    assert found["within_class"] == given["within_class"]  # of the features themselves
    assert diagnose(z, graph, label, as_objective(loss)) == found

    share = diagnose_temperature(z, graph, None, loss)["effective_share"]
    assert share == geometry.effective_share(unit(z), graph, loss.temperature)


@pytest.mark.parametrize("kind", ["missing", "real", "tasks"])
def test_a_training_without_labels_is_diagnosed_whatever_the_targets(kind: str) -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    store = GraphStore.from_data(
        [Data(x=torch.rand(2, 3), edge_index=edges, y=torch.tensor([n % 2])) for n in range(8)]
    )
    y = store.y.double()
    targets = {
        "missing": torch.where(torch.arange(8) < 2, math.nan, y),
        "real": y + 0.25,
        "tasks": torch.stack([y, 1 - y], 1),
    }
    history = History()
    fit(
        ContrastiveModel(GraphEncoder(make_backbone("gin", 3, 4, 1), 4)),
        HUCL(),
        ViewSampler([Identity(), Identity()]),
        dataclasses.replace(store, y=targets[kind]),
        torch.arange(8),
        TrainingSettings(epochs=1, batch_size=8),
        device=torch.device("cpu"),
        callbacks=[Diagnosis(), history],
    )
    assert ("scl" in history.rows[-1]) == (kind == "missing")
    assert "effective_rank" in history.rows[-1]
