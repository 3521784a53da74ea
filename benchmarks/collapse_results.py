"""What the cells of benchmarks/collapse.py say together: columns to commit, and verdicts on claims.

Every verdict is computed from the columns by the rules written here; none is typed by hand.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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

FULL = 0.95
"""Share of the C − 1 dimensions that are live at neural collapse; below half of it is collapse."""
EQUAL = 0.05
"""Greatest mean deviation of the class means' cosines from −1/(C−1) that counts as a simplex."""
ROUNDING = 1e-5


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
        cell = json.loads(path.read_text())
        ordering = cell["name"].startswith("orderings")
        files.setdefault("orderings" if ordering else cell["config"]["dataset"], []).append(
            slim(cell)
        )
    for name, found in files.items():
        lines = ",\n".join(json.dumps(cell, separators=(",", ":")) for cell in found)
        write_atomically(
            results / f"{name}.json", lambda to, lines=lines: to.write_text(f"[\n{lines}\n]\n")
        )


def read(results: Path) -> tuple[list[dict], list[dict]]:
    """Return the committed cells: those on collapse, and those on orderings."""
    cells = [
        cell for path in sorted(results.glob("*.json")) for cell in json.loads(path.read_text())
    ]
    return (
        [cell for cell in cells if "normalize" in cell],
        [cell for cell in cells if "objective" in cell],
    )


def usual(cells: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Return one cell per setting, the longest at its data set's commonest batch size; the others.

    >>> cells = [{"dataset": "A", "normalize": "ball", "negatives": "all", "beta": 0.0, "seed": 0,
    ...     "batch_size": batch, "epochs": epochs} for batch, epochs in ((8, 1), (8, 2), (9, 3))]
    >>> [[cell["epochs"] for cell in part] for part in usual(cells)]
    [[2], [1, 3]]
    """
    sizes = {
        name: Counter(cell["batch_size"] for cell in cells if cell["dataset"] == name)
        for name in {cell["dataset"] for cell in cells}
    }
    best: dict[tuple, dict] = {}
    for cell in sorted(cells, key=lambda cell: cell["epochs"]):
        if cell["batch_size"] == sizes[cell["dataset"]].most_common(1)[0][0]:
            names = ("dataset", "normalize", "negatives", "beta", "seed")
            best[tuple(cell[name] for name in names)] = cell
    kept = [id(cell) for cell in best.values()]
    return list(best.values()), [cell for cell in cells if id(cell) not in kept]


def value(cell: dict, part: str, name: str, epoch: int | None = None) -> float:
    """Return a value at an epoch that was looked at; at the last one unless told."""
    where = -1 if epoch is None else cell["epoch"].index(epoch)
    found: float = cell[part][name][where]
    return found


@dataclass(frozen=True)
class Verdict:
    """A claim of an abstract, whether it holds here, why, and the figure that shows it."""

    claim: str
    verdict: str
    reason: str
    figure: str


def graded(grades: Sequence[float]) -> str:
    """Return the word for grades in [0, 1]: 1 holds, 0 does not, anything between is a part.

    >>> graded([1, 1]), graded([0, 0]), graded([1, 0]), graded([0.5])
    ('holds', 'does not hold', 'partly', 'partly')
    """
    if not grades:
        return "not measured"
    if min(grades) == 1:
        return "holds"
    return "does not hold" if max(grades) == 0 else "partly"


def collapse_verdicts(cells: Sequence[dict]) -> Iterator[Verdict]:
    """Yield the verdicts on arXiv 2311.05139."""
    cells = [cell for cell in cells if cell["stopped"] is None]
    bounded = [cell for cell in cells if cell["normalize"] != "none"]
    gaps = [
        loss - cell["floor"]
        for cell in bounded
        for part in PARTS
        for name in ("scl", "h-scl")
        for loss in cell[part][name]
    ]
    below = [gap for gap in gaps if gap < -ROUNDING]
    yield Verdict(
        "SCL and H-SCL of features in the unit ball are never below the loss of neural collapse.",
        graded([float(not below)] if gaps else []),
        f"{len(below)} of {len(gaps)} losses measured are below log(1 + e^(−C/(C−1))); "
        f"the nearest is {min(gaps, default=0):+.4f} from it.",
        "collapse-losses",
    )
    pairs = [
        hard - plain
        for cell in cells
        for part in PARTS
        for kind in ("scl", "ucl")
        for hard, plain in zip(cell[part][f"h-{kind}"], cell[part][kind], strict=True)
    ]
    broken = [gap for gap in pairs if gap < -ROUNDING]
    yield Verdict(
        "For any representation the hardened losses are at least the plain ones.",
        graded([float(not broken)] if pairs else []),
        f"H-SCL < SCL or H-UCL < UCL in {len(broken)} of {len(pairs)} comparisons; the least "
        f"difference is {min(pairs, default=0):+.1e}.",
        "collapse-losses",
    )
    for negatives, name in (("label", "H-SCL"), ("all", "H-UCL (latent classes)")):
        yield _reaches([c for c in bounded if c["negatives"] == negatives], name)
    plain = [cell for cell in bounded if cell["beta"] == 0]
    yield _collapses(
        plain,
        "Without hard negatives the class means collapse to few dimensions.",
        "collapse-live",
    )
    free = [cell for cell in cells if cell["normalize"] == "none"]
    yield _collapses(
        free, "Without feature normalisation they collapse too, whatever β.", "collapse-grid"
    )


def near_simplex(cell: dict, part: str = "train") -> bool:
    """Tell whether the class means end near a simplex: equal angles in nearly all dimensions."""
    live = value(cell, part, "live_dimensions") >= FULL * (cell["classes"] - 1)
    return live and value(cell, part, "equal_inner_product") <= EQUAL


def by_dataset(cells: Sequence[dict]) -> dict[str, list[dict]]:
    """Return the cells of each data set, most classes first."""
    names = sorted(
        {cell["dataset"]: cell["classes"] for cell in cells}.items(), key=lambda x: -x[1]
    )
    return {name: [cell for cell in cells if cell["dataset"] == name] for name, _ in names}


def _reaches(cells: Sequence[dict], name: str) -> Verdict:
    """Grade 1 where some β > 0 ends near the simplex, ½ where it only comes nearer than β = 0."""
    grades, words = [], []
    for dataset, here in by_dataset(cells).items():
        hard, plain = [c for c in here if c["beta"] > 0], [c for c in here if c["beta"] == 0]
        if not hard or not plain:
            continue
        best = max(hard, key=lambda c: (near_simplex(c), -_angle(c)))
        start = min(plain, key=_angle)
        nearer = _angle(best) < _angle(start) and _live(best) >= _live(start)
        grades.append(1.0 if near_simplex(best) else 0.5 if nearer else 0.0)
        words.append(
            f"{dataset}: {_live(best):g} of {best['classes'] - 1} dimensions, equal inner product "
            f"{_angle(best):.3f} (β = {best['beta']:g}, {best['normalize']}); without hard "
            f"negatives {_live(start):g} and {_angle(start):.3f}"
        )
    return Verdict(
        f"Adam on {name} with a suitable β and normalised features reaches neural collapse.",
        graded(grades),
        "; ".join(words) + ".",
        "collapse-grid",
    )


def _collapses(cells: Sequence[dict], claim: str, figure: str) -> Verdict:
    """Grade 1 where less than half of the dimensions live, ½ where no simplex is reached."""
    grades, words = [], []
    for dataset, here in by_dataset(cells).items():
        most = max(here, key=_live)
        simplex = any(near_simplex(cell) for cell in here)
        few = _live(most) < 0.5 * (most["classes"] - 1)
        grades.append(0.0 if simplex else 1.0 if few else 0.5)
        least = min(map(_live, here))
        words.append(
            f"{dataset}: {least:g} to {_live(most):g} of {most['classes'] - 1} dimensions, equal "
            f"inner product {min(map(_angle, here)):.3f} at best"
        )
    return Verdict(claim, graded(grades), "; ".join(words) + ".", figure)


def _live(cell: dict) -> float:
    return value(cell, "train", "live_dimensions")


def _angle(cell: dict) -> float:
    return value(cell, "train", "equal_inner_product")
