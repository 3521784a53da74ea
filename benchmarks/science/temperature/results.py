"""The committed results of the temperature benchmark: one line for each trial."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.science.temperature.grid import Point
from graph_hcl.benchmarking.folder import Record, TrialFolder
from graph_hcl.files import write_text

SETTINGS = ("dataset", "family", "form", "temperature", "beta", "value", "factor", "seed")
MEASURED = (
    "graphs", "classes", "scores", "match", "pull", "view_cosine", "negative_cosine", "share",
    "batch_share",
)  # fmt: skip


def slim(point: Point, record: Record) -> dict:
    """Return what is committed of a trial: its settings, what was measured, and what ran it."""
    measured = record["records"][-1]
    control = point.control()
    return {
        "name": point.name,
        **{name: getattr(point, name) for name in SETTINGS},
        "control": None if control is None else control.name,
        "epochs": point.epochs,
        "batch_size": record["key"]["config"]["batch_size"],
        **{name: measured[name] for name in MEASURED if name in measured},
        "seconds": record["seconds"],
        "trial": record["trial"],
        "commit": record.get("commit"),
        "versions": record.get("versions"),
    }


def gather(folder: TrialFolder, points: Iterable[Point], results: Path) -> None:
    """Add the finished trials to NAME.jsonl of their data sets; results stay without trials."""
    known = {trial["name"]: trial for trial in read(results)}
    points = list(points)
    for point in points:
        record = folder.read(point.trial())
        if record is not None:
            known[point.name] = slim(point, record)
    order = {point.name: number for number, point in enumerate(points)}
    by_set: dict[str, list[dict]] = {}
    for trial in sorted(known.values(), key=lambda one: order.get(one["name"], len(order))):
        by_set.setdefault(trial["dataset"], []).append(trial)
    for dataset, trials in by_set.items():
        lines = (json.dumps(trial, separators=(",", ":")) for trial in trials)
        write_text(results / f"{dataset}.jsonl", "".join(f"{line}\n" for line in lines))


def read(results: Path) -> list[dict]:
    """Return the committed trials."""
    return [
        json.loads(line)
        for path in sorted(results.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def mean_score(trials: Sequence[dict], probe: str) -> float:
    """Return the mean over trials of the mean accuracy over folds, in percent.

    >>> mean_score([{"scores": {"knn": [0.5, 0.7]}}, {"scores": {"knn": [0.4]}}], "knn")
    50.0
    """
    means = [sum(t["scores"][probe]) / len(t["scores"][probe]) for t in trials]
    return round(100 * sum(means) / len(means), 6)
