"""What the log says of features that have collapsed."""

import math

import torch

from graph_hcl import geometry
from graph_hcl.losses import HUCL, UCL
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
