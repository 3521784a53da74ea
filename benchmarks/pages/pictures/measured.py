"""What the pictures show, measured on runs of `graph_hcl.train` and kept as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch

from graph_hcl import geometry, plot
from graph_hcl import train as train_command
from graph_hcl.console import run_command
from graph_hcl.files import write_text
from graph_hcl.losses import Exponential
from graph_hcl.reporting import read_run
from graph_hcl.reporting.read import RunSummary

RUNS = {
    "untrained": ("--epochs", "0", "--probe", "knn"),
    "ucl": ("--objective", "ucl"),
    "h-ucl": ("--objective", "h-ucl"),
}
"""Flags of `graph_hcl.train` for each run."""
LOSSES = ("ucl", "h-ucl", "scl", "h-scl")
BINS = 2000
"""Number of bins from −1 to 1 that inner products of negatives are counted in.

Few quantiles would not do: a handful of negatives makes most of the mean of a steep weight.
"""


@dataclass(frozen=True)
class Measured:
    """What is drawn, rounded, and the version of matplotlib that the pictures were drawn with.

    `labels` are of all graphs [G]; `maps` are points [G, 2] and a caption by run; `records` are the
    four losses of H-UCL by epoch, and `floors` their values at neural collapse by name; `products`
    [BINS] counts the inner products of negatives; `spectra` are singular values by name.
    """

    matplotlib: str
    labels: list[int]
    maps: dict[str, tuple[list[list[float]], str]]
    records: list[dict[str, float]]
    floors: dict[str, float]
    products: list[int]
    spectra: dict[str, list[float]]


def train(folder: Path, epochs: int) -> dict[str, Path]:
    """Return the folders of the runs by name; those that are not there are trained."""
    runs = {name: folder / f"{epochs}-epochs" / f"digits-{name}" for name in RUNS}
    for name, run in runs.items():
        if (run / "results.json").is_file():
            continue
        own = () if "--epochs" in RUNS[name] else ("--epochs", str(epochs))
        new = ["--dataset", "digits", *own, *RUNS[name], "--out", str(run)]
        code = run_command(train_command.main, ["--resume", str(run)] if run.exists() else new)
        if code:
            raise SystemExit(code)
    return runs


def measure(runs: dict[str, Path]) -> Measured:
    """Return what the runs show; all of it is of their first model."""
    summaries = {name: read_run(path, name) for name, path in runs.items()}
    hard = summaries["h-ucl"]
    assert hard.space is not None
    maps = {}
    for name in ("untrained", "h-ucl"):
        space = summaries[name].space
        assert space is not None
        points, caption = plot.project(space.embeddings, "tsne")
        maps[name] = (points.round(3).tolist(), caption)
    return Measured(
        mpl.__version__,
        hard.space.labels.tolist(),
        maps,
        [{key: record[key] for key in ("epoch", *LOSSES)} for record in hard.records],
        floors(hard),
        products(*hard.space.views[:2]),
        dict(map(spectrum, summaries.values())),
    )


def floors(run: RunSummary) -> dict[str, float]:
    """Return the losses at neural collapse."""
    classes, temperature, eta = run.classes, run.contrast.temperature, run.contrast.hardening
    assert isinstance(eta, Exponential)
    return {
        "floor of SCL, H-SCL": geometry.loss_floor(classes, temperature),
        "UCL at collapse": geometry.collapse_point(classes, temperature)[0],
        "H-UCL at collapse": geometry.collapse_point(classes, temperature, eta.beta)[0],
    }


def products(z: torch.Tensor, graph: torch.Tensor) -> list[int]:
    """Return how many inner products of features [M, d] of different graphs are in each bin.

    >>> sum(products(torch.eye(2), torch.tensor([0, 1])))
    2
    """
    pairs = (z @ z.t())[graph[:, None] != graph].numpy()
    return np.histogram(pairs.clip(-1, 1), BINS, (-1, 1))[0].tolist()


def inner_products(counts: list[int]) -> np.ndarray:
    """Return inner products with these counts: the middle of its bin for each.

    >>> inner_products(products(torch.eye(2), torch.tensor([0, 1]))).round(3).tolist()
    [0.0, 0.0]
    """
    middles = (np.arange(len(counts)) + 0.5) * 2 / len(counts) - 1
    return np.repeat(middles, counts)


def spectrum(run: RunSummary) -> tuple[str, list[float]]:
    """Return the spectrum of a run's features relative to the largest value, and a name for it."""
    assert run.space is not None
    values = geometry.covariance_spectrum(run.space.z)
    live = geometry.live_dimensions(values)
    name = "untrained" if run.name == "untrained" else run.name.upper()
    ratio = (values / values.max()).tolist()
    return f"{name}: {live} of {len(values)} live", [float(f"{each:.3g}") for each in ratio]


def write(path: Path, measured: Measured) -> None:
    """Write what was measured, with a line for each field."""
    lines = (f'"{key}": {_compact(value)}' for key, value in asdict(measured).items())
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def read(path: Path) -> Measured:
    """Return what was measured."""
    return Measured(**json.loads(path.read_text(encoding="utf-8")))
