"""What the page says of features that have collapsed."""

import math
from types import SimpleNamespace

import numpy as np
import torch

from graph_hcl.reporting.read import EmbeddingSnapshot
from graph_hcl.reporting.tables import status_notes


def test_the_page_counts_no_dimension_and_no_luck() -> None:
    z = torch.nn.functional.normalize(torch.arange(1.0, 33), dim=0).repeat(24, 1)
    z[::3] = torch.nextafter(z[::3], torch.tensor(math.inf))
    label = torch.arange(24) % 4
    space = EmbeddingSnapshot(
        z, z.numpy(), label, np.arange(24), "all 24 graphs", (z, torch.arange(24), label), None
    )
    run = SimpleNamespace(unfinished=False, labelled=True, records=[], space=space, classes=4)
    run.records = [{"ucl": 0.7, "part": 0}]
    text = status_notes(run)
    assert "0 of 3 live dimensions" in text
    assert "classifies 25.0 % correctly" in text
