"""The committed results of the collapse benchmark: settings and columns of each trial."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.science.collapse.grid import SEED, TEMPERATURE
from graph_hcl.benchmarking.folder import Record, TrialFolder
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.files import write_text
from graph_hcl.geometry import loss_floor

LOSSES = ("ucl", "h-ucl", "scl", "h-scl")
COLLAPSE = (
    "class_mean_accuracy", "live_dimensions", "mean_rank", "zero_sum", "unit_norm",
    "equal_inner_product", "within_class", "assumption_1", "same_class_mass", *LOSSES,
)  # fmt: skip
ORDERING = (*LOSSES, "assumption_1", "ordered_under", "ordered_else", "same_class_mass")
PARTS = ("train", "held_out")
TYPES = {"label": "SCL type", "all": "UCL type"}


def columns(records: Sequence[dict], names: Iterable[str]) -> dict[str, list[float]]:
    """Return one list over the records for each value; losses have six digits, others four.

    >>> columns([{"a": 1.0}, {"a": 2.0, "b": 0.5}], ("a", "b"))
    {'a': [1.0, 2.0], 'b': [None, 0.5]}
    """
    return {
        name: [
            float(f"{record[name]:.{6 if name in LOSSES else 4}g}") if name in record else None
            for record in records
        ]
        for name in names
        if any(name in record for record in records)
    }


def slim(trial: Trial, measured: Record) -> dict:
    """Return what is committed of a trial: its settings, and columns over the measured epochs."""
    config, records = trial.config, measured["records"]
    kept = {
        "name": trial.method,
        "dataset": config.dataset,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "classes": records[0]["classes"],
        "graphs": records[0]["graphs"],
        "seconds": round(sum(measured["seconds"].values()), 1),
        "stopped": measured.get("stopped"),
        "epoch": [record["epoch"] for record in records],
    }
    if trial.method.startswith("orderings"):
        accuracy = [record["accuracy"] for record in records if "accuracy" in record]
        return kept | {
            "objective": config.objective,
            "hardening": trial.method.split("_")[3] if config.objective[0] == "h" else None,
            "accuracy": {"trained": accuracy[-1], "untrained": accuracy[0]},
            "by_hardening": {
                eta: columns([record["by_hardening"][eta] for record in records], ORDERING)
                for eta in records[0]["by_hardening"]
            },
        }
    return kept | {
        "normalize": config.projection.normalize,
        "negatives": config.loss.negatives,
        "beta": config.beta,
        "temperature": config.temperature,
        "dimensions": config.projection.dim,
        "floor": round(loss_floor(records[0]["classes"], config.temperature), 6),
        "spectrum": {part: records[-1][part]["spectrum"] for part in PARTS},
        **{part: columns([record[part] for record in records], COLLAPSE) for part in PARTS},
    }


def gather(folder: TrialFolder, trials: Iterable[Trial], results: Path) -> None:
    """Add the finished trials of a folder to the results: one file per data set, one of orderings.

    Results of trials that the folder does not have stay as they are.
    """
    files: dict[str, dict[str, dict]] = {}
    for file in results.glob("*.json"):
        committed = json.loads(file.read_text(encoding="utf-8"))
        files[file.stem] = {trial["name"]: trial for trial in committed}
    for trial in trials:
        record = folder.read(trial)
        if record is not None:
            kept = slim(trial, record)
            name = "orderings" if "objective" in kept else kept["dataset"]
            files.setdefault(name, {})[trial.method] = kept
    for name, found in files.items():
        rows = [json.dumps(found[key], separators=(",", ":")) for key in sorted(found)]
        lines = ",\n".join(rows)
        write_text(results / f"{name}.json", f"[\n{lines}\n]\n")


def read(results: Path) -> tuple[list[dict], list[dict], list[dict]]:
    """Return the committed trials: those on collapse with the temperature and seed of the config
    files, their controls with another temperature or seed, and those on orderings.

    Trials without a temperature are from before it varied.
    """
    trials = [
        {"temperature": TEMPERATURE} | trial
        for path in sorted(results.glob("*.json"))
        for trial in json.loads(path.read_text(encoding="utf-8"))
    ]
    parts: tuple[list[dict], list[dict], list[dict]] = [], [], []
    for trial in trials:
        other = (trial["temperature"], trial["seed"]) != (TEMPERATURE, SEED)
        parts[2 if "objective" in trial else int(other)].append(trial)
    return parts


def usual(trials: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Return the trials of their data set's and normalisation's commonest batch size and length,
    and the others.

    >>> trials = [{"dataset": "A", "normalize": "ball", "batch_size": 8, "epochs": epochs}
    ...     for epochs in (1, 1, 2)]
    >>> [len(part) for part in usual(trials)]
    [2, 1]
    """
    kinds: dict[tuple, Counter] = {}
    for trial in trials:
        lengths = kinds.setdefault((trial["dataset"], trial["normalize"]), Counter())
        lengths[trial["batch_size"], trial["epochs"]] += 1
    parts: tuple[list[dict], list[dict]] = [], []
    for trial in trials:
        common = kinds[trial["dataset"], trial["normalize"]].most_common(1)[0][0]
        parts[(trial["batch_size"], trial["epochs"]) != common].append(trial)
    return parts


def longer(main: Sequence[dict], others: Sequence[dict]) -> list[dict]:
    """Return the trials that differ from those of the grid by a longer training alone."""
    usual_size = {(c["dataset"], c["normalize"], c["batch_size"]): c["epochs"] for c in main}
    return [
        trial for trial in others
        if trial["epochs"] > usual_size.get(
            (trial["dataset"], trial["normalize"], trial["batch_size"]), trial["epochs"]
        )
    ]  # fmt: skip


def common_epoch(trials: Sequence[dict]) -> int:
    """Return the last epoch at which all trials were measured."""
    return max(set.intersection(*(set(trial["epoch"]) for trial in trials)))


def value(trial: dict, part: str, name: str, epoch: int | None = None) -> float:
    """Return a value at a measured epoch, the last unless given."""
    where = -1 if epoch is None else trial["epoch"].index(epoch)
    found: float = trial[part][name][where]
    return found


def by_dataset(trials: Sequence[dict]) -> dict[str, list[dict]]:
    """Return the trials of each data set, most classes first."""
    names = sorted(
        {trial["dataset"]: trial["classes"] for trial in trials}.items(), key=lambda x: -x[1]
    )
    return {name: [trial for trial in trials if trial["dataset"] == name] for name, _ in names}


def chosen(trials: Sequence[dict], **wanted: object) -> list[dict]:
    """Return the trials with these settings, the smallest β first."""
    found = [c for c in trials if all(c.get(name) == what for name, what in wanted.items())]
    return sorted(found, key=lambda c: (c.get("beta") or 0, c["seed"]))
