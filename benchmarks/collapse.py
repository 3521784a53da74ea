"""Neural and dimensional collapse (arXiv 2311.05139) and loss orderings (arXiv 2209.00078).

The settings of a data set are configs/reproduce/collapse/NAME.yaml; a cell of the grid is such a
file with a few flags on top. Every cell trains on 80 % of the graphs (stratified), looks at these
and at the held-out 20 % every few epochs, and is one JSON file, named by its settings: a grid that
was killed goes on where it was, and several processes or machines may share the folder.

    python benchmarks/collapse.py              trains the cells that are missing in runs/collapse
    python benchmarks/collapse.py --only COIL-DEL,_ball_ --jobs 2    those whose name has all parts
    python benchmarks/collapse.py --page       results, figures and docs/collapse.md of all cells
    python benchmarks/collapse.py --quick      a tiny grid on MUTAG into a scratch folder, seconds
    python benchmarks/collapse.py --check      exit 1 when a verdict of the page is not the data's

Needs $GRAPH_HCL_TU_MIRROR, or the network, for all but --quick.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from graph_hcl import augment, geometry, probes
from graph_hcl.cli import config_parser, read_config
from graph_hcl.errors import UserError
from graph_hcl.experiment import Experiment
from graph_hcl.files import write_atomically
from graph_hcl.losses import Exponential, Threshold
from graph_hcl.sweep.claims import claim
from graph_hcl.training import TrainingSettings, diagnose, embed, fit

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs" / "reproduce" / "collapse"
CELLS = ROOT / "runs" / "collapse"

SETS = ("COIL-DEL", "Letter-high", "MSRC_21", "ENZYMES")
BETAS = (0.0, 5.0, 2.0, 10.0, 30.0)
NORMALIZE = ("ball", "sphere", "none")
NEGATIVES = ("label", "all")
ORDERING_SETS = ("PROTEINS", "ENZYMES", "NCI1")
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
    return Cell(
        name,
        f"collapse_{name}_{normalize}_{negatives}_beta{beta:g}{extra}",
        {
            "beta": str(beta),
            "projection.normalize": normalize,
            "loss.negatives": negatives,
            **flags,
        },
    )


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
    """Return all cells, the most telling first; those outside the ball are half as long."""

    def block(name: str, normalize: str, negatives: str, **flags: str) -> list[Cell]:
        return [collapse_cell(name, normalize, negatives, beta, **flags) for beta in BETAS]

    small = [name for name in SETS if name != "COIL-DEL"]
    cells = [*block("COIL-DEL", "ball", "label"), *block("COIL-DEL", "ball", "all")]
    for name in small:
        cells += block(name, "ball", "label") + block(name, "ball", "all")
    cells += [cell for name in ORDERING_SETS for cell in ordering_cells(name)]
    for normalize in NORMALIZE[1:]:
        for name in SETS:
            for negatives in NEGATIVES:
                cells += block(name, normalize, negatives, epochs="100")
    return cells


def looks(epochs: int, every: int) -> list[int]:
    """Return the epochs after which the whole data set is looked at.

    >>> looks(40, 20)
    [0, 1, 2, 5, 10, 20, 40]
    """
    early = {epoch for epoch in (0, 1, 2, 5, 10) if epoch < epochs}
    return sorted(early | set(range(every, epochs + 1, every)) | {epochs})


def look(z, label, objective, fitted=None) -> dict:
    """Return metrics of features of one part of the data set, and the spectrum of class means."""
    found = diagnose(z, torch.arange(len(z)), label, objective)
    spectrum = geometry.class_mean_spectrum(z, label)
    if fitted is not None:
        found["class_mean_accuracy"] = float(geometry.nearest_class_mean(z, label, fitted))
    found["live_dimensions"] = geometry.live_dimensions(spectrum)
    found["mean_rank"] = float(geometry.effective_rank(spectrum))
    return rounded(found) | {"spectrum": [float(f"{v:.3g}") for v in spectrum.tolist()]}


def look_at_orderings(model, experiment, indices, temperature) -> dict:
    """Return the four losses and the fraction under Assumption 1 for each hardening, on two views."""
    generator = torch.Generator().manual_seed(0)
    draw = augment.views(experiment.views)
    with torch.no_grad():
        parts = [
            torch.cat([model.eval()(view) for view in draw(experiment.store[part], generator)])
            for part in indices.split(512)
        ]
    # Each part holds all first views and then all second ones.
    graph = torch.cat([part.repeat(2) for part in indices.split(512)])
    z, label = torch.cat(parts).double(), experiment.store.y[graph]
    found = {}
    for name, eta in HARDENINGS.items():
        seen = geometry.look_at(z, graph, label, temperature=temperature, log_eta=eta)
        values = seen.losses() | {"assumption_1": float(seen.assumption_1().double().mean())}
        values["same_class_mass"] = float(seen.same_class_mass().mean())
        found[name] = rounded(values)
    return found


def rounded(values: dict) -> dict:
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def split(labels, seed: int) -> probes.Fold:
    """Return a stratified split by seed: 80 % to train on (a part of it to choose C), 20 % held out."""
    return probes.stratified_folds(labels, folds=5, seed=seed, validation=0.1)[0]


def train(cell: Cell, every: int = 20) -> dict:
    """Return the record of a cell: config, what was seen by epoch, and why it stopped early."""
    config, _ = read_config(config_parser("train", "", ""), cell.argv)
    experiment = Experiment(config)
    config, store, objective = experiment.config, experiment.store, experiment.new_objective()
    fold = split(experiment.labels, config.seed)
    trained = torch.from_numpy(np.sort(np.concatenate([fold.train, fold.validation])))
    held = torch.from_numpy(fold.test)
    model, label = experiment.model(config.seed), store.y
    collapse = cell.name.startswith("collapse")
    wanted = set(looks(config.epochs, every)) if collapse else set(range(config.epochs + 1))
    epochs, seen = [], []

    def watch(epoch: int) -> None:
        if epoch not in wanted:
            return
        record = {"epoch": epoch}
        if collapse:
            z = torch.from_numpy(embed(model, store, experiment.device, projected=True)).float()
            own = z[trained], label[trained]
            record["train"] = look(*own, objective)
            record["held_out"] = look(z[held], label[held], objective, own)
        else:
            record |= look_at_orderings(model, experiment, held, config.temperature)
        seen.append(record)
        model.train()

    def log(record: dict) -> None:
        epochs.append(rounded({k: v for k, v in record.items() if k != "graphs_per_second"}))
        watch(record["epoch"])

    watch(0)
    stopped, start = None, time.perf_counter()
    try:
        fit(
            model, objective, augment.views(experiment.views), store, trained,
            TrainingSettings(
                config.epochs, config.batch_size, config.optimizer.lr,
                config.optimizer.weight_decay, config.seed,
            ),
            device=experiment.device, log=log, diagnose=diagnose,
        )  # fmt: skip
    except UserError as error:
        stopped = str(error)
    result = {
        "name": cell.name,
        "config": config.to_dict() | {"data_dir": None, "mirror": None},
        "classes": int(len(label.unique())),
        "graphs": [len(trained), len(held)],
        "seconds": round(time.perf_counter() - start, 1),
        "stopped": stopped,
        "epochs": epochs,
        "looks": seen,
    }
    if not collapse:
        result["accuracy"] = probe_accuracy(model, experiment, fold)
    return result


def probe_accuracy(model, experiment: Experiment, fold: probes.Fold) -> dict[str, float]:
    """Return held-out accuracy of the SVM probe on the encoder's embeddings, trained and not."""
    seed, found = experiment.config.seed, {}
    for name, network in (("trained", model), ("untrained", experiment.model(seed))):
        x = embed(network, experiment.store, experiment.device)
        scores = probes.inductive(
            lambda number, fold, x=x: x, experiment.labels, folds=[fold], seed=seed, jobs=1
        ).scores
        found[name] = scores[0].accuracy
    return found


def work(cell: Cell, folder: Path) -> str | None:
    """Train a cell unless it is there or another process is at it; return its name if trained."""
    path = folder / f"{cell.name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with claim(path.with_suffix(".claim")) as mine:
        if not mine or path.exists():
            return None
        torch.set_num_threads(1)
        record = train(cell)
        write_atomically(path, lambda to: to.write_text(json.dumps(record) + "\n"))
        last = record["looks"][-1].get("train", {})
        print(
            f"{cell.name:55s} {record['seconds']:7.1f} s  "
            f"accuracy {last.get('class_mean_accuracy', math.nan):.3f}  "
            f"live {last.get('live_dimensions', '-')}",
            flush=True,
        )
    return cell.name


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="comma-separated parts of a cell's name")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--cells", type=Path, default=CELLS, help="folder of the cells")
    parser.add_argument("--list", action="store_true", help="name the cells and what is missing")
    options = parser.parse_args(argv)
    cells = [c for c in grid() if all(part in c.name for part in options.only.split(","))]
    if options.list:
        for cell in cells:
            print("done   " if (options.cells / f"{cell.name}.json").exists() else "missing", cell.name)
        return 0
    if options.jobs == 1:
        for cell in cells:
            work(cell, options.cells)
    else:
        with ProcessPoolExecutor(options.jobs) as pool:
            list(pool.map(work, cells, [options.cells] * len(cells)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
