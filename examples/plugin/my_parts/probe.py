"""A probe: a function of one fold's embeddings and labels."""

import numpy as np

from graph_hcl.probes import ProbeInput, ProbeResult


def nearest(given: ProbeInput) -> ProbeResult:
    """Predict the label of the nearest training graph."""
    x, y = given.x_train[given.refit], given.y_train[given.refit]
    distance = np.linalg.norm(given.x_test[:, None] - x[None], axis=2)
    return ProbeResult(predictions=y[distance.argmin(1)])
