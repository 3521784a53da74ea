"""The committed results of the temperature benchmark: one line for each trial."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.science.temperature.grid import Point
from graph_hcl.benchmarking.folder import Record, TrialFolder
from graph_hcl.errors import UserError
from graph_hcl.files import write_text
from graph_hcl.sealed import SEAL, parse_json, seal, unseal

SETTINGS = ("dataset", "family", "form", "temperature", "beta", "value", "factor", "seed")
MEASURED = (
    "graphs", "classes", "scores", "match", "pull", "view_cosine", "negative_cosine", "share",
    "batch_share",
)  # fmt: skip
SCHEMA = 1
"""Version of the lines that bear their hash; earlier ones have no schema."""
NUMBER = (int, float)
TYPES = {
    "name": str, "dataset": str, "family": str, "form": str, "temperature": NUMBER, "beta": NUMBER,
    "value": (*NUMBER, type(None)), "factor": str, "seed": int, "control": (str, type(None)),
    "epochs": int, "batch_size": int, "graphs": list, "classes": int, "scores": dict,
    "share": dict, "seconds": dict, "trial": str,
}  # fmt: skip


def slim(point: Point, record: Record) -> dict:
    """Return what is committed of a trial: its settings, what was measured, and what ran it."""
    measured = record["records"][-1]
    control = point.control()
    return {
        "schema": SCHEMA,
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
        sealed = (seal(trial) if "schema" in trial else trial for trial in trials)
        lines = (json.dumps(trial, separators=(",", ":")) for trial in sealed)
        write_text(results / f"{dataset}.jsonl", "".join(f"{line}\n" for line in lines))


def read(results: Path) -> list[dict]:
    """Return the committed trials; raise `UserError` for a damaged line."""
    trials: dict[str, dict] = {}
    for path in sorted(results.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                trial = parse(line)
                if trials.setdefault(trial["name"], trial) is not trial:
                    raise ValueError("it is the second one of its name")
                if trial["dataset"] != path.stem:
                    raise ValueError(f"it is of {trial['dataset']}")
            except ValueError as error:
                raise UserError(
                    f"{path}, line {number} is damaged ({error}): restore the file, or remove the "
                    "line and gather its trial again."
                ) from error
    return list(trials.values())


def parse(line: bytes) -> dict:
    """Return the trial in a line; raise `ValueError` for any other text.

    >>> parse(b"{}")
    Traceback (most recent call last):
    ValueError: it has no valid 'name'
    """
    trial = parse_json(line)
    if isinstance(trial, dict) and ("schema" in trial or SEAL in trial):
        trial = unseal(trial)
        if trial.get("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
    for name, kind in TYPES.items():
        value = trial.get(name, ...) if isinstance(trial, dict) else ...
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"it has no valid '{name}'")
    for probe, scores in trial["scores"].items():
        valid = isinstance(scores, list) and scores
        if not valid or not all(isinstance(one, NUMBER) and 0 <= one <= 1 for one in scores):
            raise ValueError(f"the accuracies of {probe} are no numbers from 0 to 1")
    return trial


def mean_score(trials: Sequence[dict], probe: str) -> float:
    """Return the mean over trials of the mean accuracy over folds, in percent.

    >>> mean_score([{"scores": {"knn": [0.5, 0.7]}}, {"scores": {"knn": [0.4]}}], "knn")
    50.0
    """
    means = [sum(t["scores"][probe]) / len(t["scores"][probe]) for t in trials]
    return round(100 * sum(means) / len(means), 6)
