"""The cells of benchmarks/collapse.py: which trainings the grid consists of, by name and flags."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graph_hcl.losses import Exponential, Threshold

CONFIGS = Path(__file__).parents[1] / "configs" / "reproduce" / "collapse"

SETS = ("COIL-DEL", "Letter-high", "MSRC_21", "ENZYMES")
BETAS = (0.0, 5.0, 2.0, 10.0, 30.0)
NORMALIZE = ("ball", "none", "sphere")
NEGATIVES = ("label", "all")
ORDERING_SETS = ("PROTEINS", "ENZYMES", "NCI1")
LONG = "360"
SUITS = {"Letter-high": 2.0, "MSRC_21": 2.0, "ENZYMES": 2.0, "COIL-DEL": 5.0}
"""The β with the most equal angles under latent-class negatives, where training is longer too."""
HARDENINGS = {
    "beta1": Exponential(1.0),
    "beta2": Exponential(2.0),
    "tau0.61": Threshold(math.exp(-0.5)),
    "tau0.90": Threshold(math.exp(-0.1)),
}


@dataclass(frozen=True)
class Cell:
    """One training: a config file, flags on top of it, and the name of its result."""

    config: str
    name: str
    flags: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def argv(self) -> list[str]:
        flags = [word for flag, value in self.flags.items() for word in (f"--{flag}", value)]
        return ["--config", str(CONFIGS / f"{self.config}.yaml"), *flags]


def collapse_cell(name: str, normalize: str, negatives: str, beta: float, **flags: str) -> Cell:
    """Return a cell of the collapse grid; further flags are part of its name."""
    extra = "".join(f"_{flag}{value}" for flag, value in flags.items())
    varied = {
        "beta": str(beta),
        "projection.normalize": normalize,
        "loss.negatives": negatives,
    }
    title = f"collapse_{name}_{normalize}_{negatives}_beta{beta:g}{extra}"
    return Cell(name, title, varied | flags)


def ordering_cells(name: str, **flags: str) -> Iterator[Cell]:
    """Yield UCL, SCL, and H-UCL and H-SCL with each hardening, trained on one data set."""
    extra = "".join(f"_{flag}{value}" for flag, value in flags.items())
    for plain in ("ucl", "scl"):
        hard = f"h-{plain}"
        base = {"dataset": name, **flags}
        # A plain objective takes none of the hardening's settings, which the file has.
        yield Cell("orderings", f"orderings_{name}_{plain}{extra}", base | PLAIN[plain])
        for label, eta in HARDENINGS.items():
            chosen = (
                {"beta": str(eta.beta)}
                if isinstance(eta, Exponential)
                else {
                    "loss.hardening": "threshold",
                    "loss.hardening-options": json.dumps({"tau": round(eta.tau, 6)}),
                }
            )
            yield Cell(
                "orderings",
                f"orderings_{name}_{hard}_{label}{extra}",
                base | {"objective": hard} | chosen,
            )


PLAIN = {
    plain: {"objective": plain, "beta": "null", "loss.hardening": "null"}
    for plain in ("ucl", "scl")
}


def grid() -> list[Cell]:
    """Return all cells, the most telling first; those outside the ball are a third as long."""

    def block(name: str, normalize: str, negatives: str, **flags: str) -> list[Cell]:
        return [collapse_cell(name, normalize, negatives, beta, **flags) for beta in BETAS]

    small = [name for name in SETS if name != "COIL-DEL"]
    cells = [*block("COIL-DEL", "ball", "label"), *block("COIL-DEL", "ball", "all")]
    for name in small:
        cells += block(name, "ball", "label") + block(name, "ball", "all")
    free = [(normalize, negatives) for normalize in NORMALIZE[1:] for negatives in NEGATIVES]
    cells += [c for kind in free for c in block("COIL-DEL", *kind, epochs="40")]
    cells += [cell for name in ORDERING_SETS for cell in ordering_cells(name)]
    cells += [c for name in small for kind in free for c in block(name, *kind, epochs="40")]
    for name in SETS:
        for normalize, negatives, beta in (
            ("ball", "label", 5.0),
            ("none", "label", 5.0),
            ("ball", "label", 0.0),
            ("ball", "all", SUITS[name]),
        ):
            cells.append(collapse_cell(name, normalize, negatives, beta, epochs=LONG))
    # The paper's batch size, where an epoch has seven steps.
    cells += block("COIL-DEL", "ball", "label", batch_size="512", epochs="200")
    # NCI1 holds out enough graphs in one split.
    again = [(name, seed) for name in ORDERING_SETS[:2] for seed in ("1", "2")]
    return cells + [c for name, seed in again for c in ordering_cells(name, seed=seed)]


def quick_grid() -> list[Cell]:
    """Return a grid of seconds on MUTAG, with the settings of ENZYMES."""
    here = {"dataset": "MUTAG", "epochs": "3", "projection.dim": "1"}
    here["data.node-attributes"] = "false"
    cells = [
        collapse_cell("ENZYMES", normalize, negatives, beta, **here)
        for normalize in ("ball", "none")
        for negatives in NEGATIVES
        for beta in (0.0, 5.0)
    ]
    return [*cells, *ordering_cells("MUTAG", epochs="2")]
