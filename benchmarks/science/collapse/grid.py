"""The trials of the collapse benchmark: each a config file with a few settings on top."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph_hcl.benchmarking.spec import BenchmarkSpec, Method
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.geometry import equivalent_temperature
from graph_hcl.losses import Exponential, Threshold

CONFIGS = Path(__file__).parents[3] / "configs" / "reproduce" / "collapse"
MEASURES = "benchmarks.science.collapse.measure"

SETS = ("COIL-DEL", "Letter-high", "MSRC_21", "ENZYMES")
BETAS = (0.0, 5.0, 2.0, 10.0, 30.0)
HARD = tuple(sorted(BETAS)[1:])
NORMALIZE = ("ball", "none", "sphere")
NEGATIVES = ("label", "all")
ORDERING_SETS = ("PROTEINS", "ENZYMES", "NCI1")
LONG = 360
SUITS = {"Letter-high": 2.0, "MSRC_21": 2.0, "ENZYMES": 2.0, "COIL-DEL": 5.0}
"""The β with the most equal angles under latent-class negatives, which longer trials use."""
HARDENINGS = {
    "beta1": Exponential(1.0),
    "beta2": Exponential(2.0),
    "tau0.61": Threshold(math.exp(-0.5)),
    "tau0.90": Threshold(math.exp(-0.1)),
}
COLLAPSE_EPOCHS, ORDERING_EPOCHS = 120, 20
"""Epochs of the config files."""
TEMPERATURE, SEED = 1.0, 0
"""Temperature and seed of the config files of the collapse grid."""


@dataclass(frozen=True)
class GridPoint:
    """A training by name: its config file, the settings on top of it, and what is measured."""

    name: str
    config: str
    settings: dict
    epochs: list[int]
    measure: str

    def trial(self) -> Trial:
        """Return the trial; the data set is that of the config file unless the settings have it."""
        settings = dict(self.settings)
        dataset, seed = settings.pop("dataset", self.config), settings.pop("seed", SEED)
        method = Method(
            config=f"{self.config}.yaml",
            settings=settings,
            epochs=self.epochs,
            measure=f"{MEASURES}:{self.measure}",
        )
        (trial,) = expand(
            BenchmarkSpec(
                "collapse", [dataset], {self.name: method}, ["inductive"], seed=seed, folder=CONFIGS
            )
        )
        return trial


def measured_epochs(epochs: int, every: int) -> list[int]:
    """Return the epochs after which the whole data set is measured.

    >>> measured_epochs(40, 20)
    [0, 5, 10, 20, 40]
    """
    early = {epoch for epoch in (0, 5, 10) if epoch < epochs}
    return sorted(early | set(range(every, epochs + 1, every)) | {epochs})


def collapse_point(
    name: str, normalize: str, negatives: str, beta: float, **settings: object
) -> GridPoint:
    """Return a point of the collapse grid; further settings are part of its name."""
    return GridPoint(
        f"collapse_{name}_{normalize}_{negatives}_beta{beta:g}{_suffix(settings)}",
        name,
        {"beta": beta, "projection.normalize": normalize, "loss.negatives": negatives} | settings,
        measured_epochs(int(settings.get("epochs", COLLAPSE_EPOCHS)), every=20),
        "CollapseMetrics",
    )


def same_push(beta: float) -> float:
    """Return the temperature at which plain SCL pushes negatives as H-SCL of the grid does.

    The grid's weights are held constant, so T / (1 + β) is exact for the negatives.

    >>> same_push(4.0)
    0.2
    """
    return equivalent_temperature(TEMPERATURE, beta, detach_weights=True)


def control_point(
    name: str, normalize: str, negatives: str, beta: float, **settings: object
) -> GridPoint:
    """Return the plain point at the temperature that pushes negatives as β does."""
    at = {"temperature": same_push(beta)}
    return collapse_point(name, normalize, negatives, 0.0, **at, **settings)


def ordering_points(name: str, **settings: object) -> Iterator[GridPoint]:
    """Yield UCL, SCL, and H-UCL and H-SCL with each hardening, trained on one data set."""
    base = {"dataset": name} | settings
    epochs = measured_epochs(int(settings.get("epochs", ORDERING_EPOCHS)), every=1)

    def point(objective: str, own: dict) -> GridPoint:
        title = f"orderings_{name}_{objective}{_suffix(settings)}"
        return GridPoint(title, "orderings", base | own, epochs, "OrderingMetrics")

    for plain in ("ucl", "scl"):
        # A plain objective has no hardening, which the config file sets.
        yield point(plain, {"objective": plain, "beta": None, "loss.hardening": None})
        for label, hardening in HARDENINGS.items():
            own: dict = {"objective": f"h-{plain}"}
            if isinstance(hardening, Exponential):
                own["beta"] = hardening.beta
            else:
                own["loss.hardening"] = "threshold"
                own["loss.hardening_options"] = {"tau": round(hardening.tau, 6)}
            yield point(f"h-{plain}_{label}", own)


def _suffix(settings: dict) -> str:
    return "".join(
        f"_{name}{value:.4g}" if isinstance(value, float) else f"_{name}{value}"
        for name, value in settings.items()
    )


def grid() -> list[GridPoint]:
    """Return all points, the most informative first; those outside the ball train a third as long.

    >>> len(grid())
    243
    """

    def block(name: str, normalize: str, negatives: str, **settings: object) -> list[GridPoint]:
        return [collapse_point(name, normalize, negatives, beta, **settings) for beta in BETAS]

    small = [name for name in SETS if name != "COIL-DEL"]
    points = [*block("COIL-DEL", "ball", "label"), *block("COIL-DEL", "ball", "all")]
    for name in small:
        points += block(name, "ball", "label") + block(name, "ball", "all")
    # Beside each hard point in the ball, what a lower temperature does, and what another seed does.
    for name in SETS:
        points += [control_point(name, "ball", "label", beta) for beta in HARD]
    for name in SETS:
        points += [collapse_point(name, "ball", "label", beta, seed=1) for beta in HARD]
    free = list(itertools.product(NORMALIZE[1:], NEGATIVES))
    points += [p for kind in free for p in block("COIL-DEL", *kind, epochs=40)]
    points += [p for name in ORDERING_SETS for p in ordering_points(name)]
    points += [p for name in small for kind in free for p in block(name, *kind, epochs=40)]
    for name in SETS:
        for normalize, negatives, beta in (
            ("ball", "label", 5.0),
            ("none", "label", 5.0),
            ("ball", "label", 0.0),
            ("ball", "all", SUITS[name]),
        ):
            points.append(collapse_point(name, normalize, negatives, beta, epochs=LONG))
    # The paper's batch size, where an epoch has seven steps.
    points += block("COIL-DEL", "ball", "label", batch_size=512, epochs=200)
    # NCI1 has enough held-out graphs in one split.
    again = [(name, seed) for name in ORDERING_SETS[:2] for seed in (1, 2)]
    return points + [p for name, seed in again for p in ordering_points(name, seed=seed)]


def quick_grid() -> list[GridPoint]:
    """Return a grid on MUTAG that takes seconds, with the settings of ENZYMES."""
    here = {"dataset": "MUTAG", "epochs": 3, "projection.dim": 1, "data.node_attributes": False}
    points = [
        collapse_point("ENZYMES", normalize, negatives, beta, **here)
        for normalize in ("ball", "none")
        for negatives in NEGATIVES
        for beta in (0.0, 5.0)
    ]
    points.insert(2, control_point("ENZYMES", "ball", "label", 5.0, **here))
    return [*points, *ordering_points("MUTAG", epochs=2)]
