"""What the log says of features that have collapsed."""

import math

import torch

from graph_hcl.training.diagnosis import diagnose


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
