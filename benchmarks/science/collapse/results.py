"""The cells of benchmarks/collapse.py as columns: what is committed of them, and how it is read."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from graph_hcl.files import write_atomically
from graph_hcl.geometry import loss_floor

LOSSES = ("ucl", "h-ucl", "scl", "h-scl")
COLLAPSE = (
    "class_mean_accuracy", "live_dimensions", "mean_rank", "zero_sum", "unit_norm",
    "equal_inner_product", "within_class", "assumption_1", "same_class_mass", *LOSSES,
)  # fmt: skip
ORDERING = (*LOSSES, "assumption_1", "ordered_under", "ordered_else", "same_class_mass")
PARTS = ("train", "held_out")


def columns(looks: Sequence[dict], names: Iterable[str]) -> dict[str, list[float]]:
    """Return one list per value that occurs, over all looks; losses with six digits, others four.

    >>> columns([{"a": 1.0}, {"a": 2.0, "b": 0.5}], ("a", "b"))
    {'a': [1.0, 2.0], 'b': [None, 0.5]}
    """
    return {
        name: [
            float(f"{look[name]:.{6 if name in LOSSES else 4}g}") if name in look else None
            for look in looks
        ]
        for name in names
        if any(name in look for look in looks)
    }


def slim(cell: dict) -> dict:
    """Return what is committed of a cell: its setting, and columns over the looks."""
    config, looks = cell["config"], cell["looks"]
    kept = {
        "name": cell["name"],
        "dataset": config["dataset"],
        "epochs": config["epochs"],
        "batch_size": config["batch_size"],
        "seed": config["seed"],
        "classes": cell["classes"],
        "graphs": cell["graphs"],
        "seconds": cell["seconds"],
        "stopped": cell["stopped"],
        "epoch": [look["epoch"] for look in looks],
    }
    if cell["name"].startswith("orderings"):
        return kept | {
            "objective": config["objective"],
            "hardening": cell["name"].split("_")[3] if config["objective"][0] == "h" else None,
            "accuracy": cell["accuracy"],
            "by_hardening": {
                eta: columns([look[eta] for look in looks], ORDERING)
                for eta in looks[0]
                if eta != "epoch"
            },
        }
    return kept | {
        "normalize": config["projection"]["normalize"],
        "negatives": config["loss"]["negatives"],
        "beta": config["beta"],
        "dimensions": config["projection"]["dim"],
        "floor": round(loss_floor(cell["classes"], config["temperature"]), 6),
        "spectrum": {part: looks[-1][part]["spectrum"] for part in PARTS},
        **{part: columns([look[part] for look in looks], COLLAPSE) for part in PARTS},
    }


def gather(cells: Path, results: Path) -> None:
    """Write the slim form of all cells in a folder, one file per data set and one for orderings."""
    files: dict[str, list[dict]] = {}
    for path in sorted(cells.glob("*.json")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        ordering = cell["name"].startswith("orderings")
        files.setdefault("orderings" if ordering else cell["config"]["dataset"], []).append(
            slim(cell)
        )
    for name, found in files.items():
        lines = ",\n".join(json.dumps(cell, separators=(",", ":")) for cell in found)
        write_atomically(
            results / f"{name}.json",
            lambda to, lines=lines: to.write_text(f"[\n{lines}\n]\n", encoding="utf-8"),
        )


def read(results: Path) -> tuple[list[dict], list[dict]]:
    """Return the committed cells: those on collapse, and those on orderings."""
    cells = [
        cell
        for path in sorted(results.glob("*.json"))
        for cell in json.loads(path.read_text(encoding="utf-8"))
    ]
    return (
        [cell for cell in cells if "normalize" in cell],
        [cell for cell in cells if "objective" in cell],
    )


def usual(cells: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Return the cells of their data set's and normalisation's commonest batch size and length,
    and the others.

    >>> cells = [{"dataset": "A", "normalize": "ball", "batch_size": 8, "epochs": epochs}
    ...     for epochs in (1, 1, 2)]
    >>> [len(part) for part in usual(cells)]
    [2, 1]
    """
    kinds: dict[tuple, Counter] = {}
    for cell in cells:
        lengths = kinds.setdefault((cell["dataset"], cell["normalize"]), Counter())
        lengths[cell["batch_size"], cell["epochs"]] += 1
    parts: tuple[list[dict], list[dict]] = [], []
    for cell in cells:
        common = kinds[cell["dataset"], cell["normalize"]].most_common(1)[0][0]
        parts[(cell["batch_size"], cell["epochs"]) != common].append(cell)
    return parts


def value(cell: dict, part: str, name: str, epoch: int | None = None) -> float:
    """Return a value at an epoch that was looked at; at the last one unless told."""
    where = -1 if epoch is None else cell["epoch"].index(epoch)
    found: float = cell[part][name][where]
    return found


def by_dataset(cells: Sequence[dict]) -> dict[str, list[dict]]:
    """Return the cells of each data set, most classes first."""
    names = sorted(
        {cell["dataset"]: cell["classes"] for cell in cells}.items(), key=lambda x: -x[1]
    )
    return {name: [cell for cell in cells if cell["dataset"] == name] for name, _ in names}


def chosen(cells: Sequence[dict], **wanted: object) -> list[dict]:
    """Return the cells with these settings, the smallest β first."""
    found = [c for c in cells if all(c.get(name) == what for name, what in wanted.items())]
    return sorted(found, key=lambda c: (c.get("beta") or 0, c["seed"]))
