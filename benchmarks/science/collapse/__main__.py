"""Neural and dimensional collapse (arXiv 2311.05139) and loss orderings (arXiv 2209.00078).

The settings of a data set are configs/reproduce/collapse/NAME.yaml; a cell of the grid is such a
file with a few flags on top. Every cell trains on 80 % of the graphs (stratified), looks at these
and at the held-out 20 % every few epochs, and is one JSON file, named by its settings: a grid that
was killed goes on where it was, and several processes or machines may share the folder.

    python benchmarks/collapse.py              trains the cells that are missing in runs/collapse
    python benchmarks/collapse.py --only COIL-DEL,_ball_ --jobs 2    those whose name has all parts
    python benchmarks/collapse.py --page       results, figures and docs/collapse.md of all cells
    python benchmarks/collapse.py --check      exit 1 when the page is not what the results give
    python benchmarks/collapse.py --quick      a tiny grid on MUTAG in a scratch folder, seconds

Needs $GRAPH_HCL_TU_MIRROR, or the network, to train all but --quick.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from collapse_cells import HARDENINGS, Cell, grid, quick_grid
from collapse_figures import draw_all
from collapse_orderings import anchors_in_order
from collapse_page import page
from collapse_results import gather, read
from collapse_words import CAPTIONS

from graph_hcl import augment, geometry, probes
from graph_hcl.benchmarking.lock import lock
from graph_hcl.cli import config_parser, read_config
from graph_hcl.console import any_sign
from graph_hcl.errors import UserError
from graph_hcl.experiment import Experiment
from graph_hcl.files import write_atomically
from graph_hcl.training import diagnose

ROOT = Path(__file__).parents[1]
CELLS = ROOT / "runs" / "collapse"
RESULTS = ROOT / "benchmarks" / "results" / "collapse"
DOCS = ROOT / "docs"


def looks(epochs: int, every: int) -> list[int]:
    """Return the epochs after which the whole data set is looked at.

    >>> looks(40, 20)
    [0, 5, 10, 20, 40]
    """
    early = {epoch for epoch in (0, 5, 10) if epoch < epochs}
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


def look_at_orderings(model, experiment, spec, indices, temperature) -> dict:
    """Return the four losses and Assumption 1's fraction for each hardening, on two views."""
    generator = torch.Generator().manual_seed(0)
    draw = augment.views(experiment.views)
    with torch.no_grad():
        parts = [
            torch.cat([model.eval()(view) for view in drawn])
            for drawn in draw(spec.prepare(experiment.store), indices.split(512), generator)
        ]
    # Each part holds all first views and then all second ones.
    graph = torch.cat([part.repeat(2) for part in indices.split(512)])
    z, label = torch.cat(parts).double(), experiment.store.y[graph]
    found = {}
    for name, eta in HARDENINGS.items():
        seen = geometry.look_at(z, graph, label, temperature=temperature, log_eta=eta)
        values = {"same_class_mass": float(seen.same_class_mass().mean())}
        found[name] = rounded(seen.losses() | values | anchors_in_order(seen))
    return found


def rounded(values: dict) -> dict:
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def split(labels, seed: int) -> probes.Fold:
    """Return a stratified split: 80 % to train on (a part of it to choose C by), 20 % held out."""
    return probes.stratified_folds(labels, folds=5, seed=seed, validation=0.1)[0]


def train(cell: Cell, every: int = 20) -> dict:
    """Return the record of a cell: config, what was seen by epoch, and why it stopped early."""
    config, _ = read_config(config_parser("train", "", ""), cell.argv)
    experiment = Experiment(config)
    config, label = experiment.config, experiment.store.y
    fold = split(experiment.labels, config.seed)
    trained = torch.from_numpy(np.sort(np.concatenate([fold.train, fold.validation])))
    held = torch.from_numpy(fold.test)
    collapse = cell.name.startswith("collapse")
    part = probes.Part("train", config.seed, None, trained.numpy())
    spec = experiment.describe(part)
    objective = experiment.new_objective()
    wanted = looks(config.epochs, every if collapse else 1)
    epochs, seen = [], []

    def watch(epoch: int, model) -> None:
        if epoch not in wanted:
            return
        if collapse:
            z = torch.from_numpy(experiment.embed(model, spec, projected=True))
            own = z[trained].float(), label[trained]
            found = {
                "train": look(*own, objective),
                "held_out": look(z[held].float(), label[held], objective, own),
            }
        else:
            found = look_at_orderings(model, experiment, spec, held, config.temperature)
        seen.append({"epoch": epoch} | found)

    def log(record: dict) -> None:
        epochs.append(rounded({k: v for k, v in record.items() if k != "graphs_per_second"}))

    model, stopped, start = experiment.model(config.seed), None, time.perf_counter()
    watch(0, model)
    try:
        model = experiment.fit(part, spec, log=log, diagnose=diagnose, at_epoch=watch)
    except UserError as error:
        stopped = str(error)
    result = {
        "name": cell.name,
        "config": config.to_dict() | {"data_dir": None, "mirror": None},
        "classes": len(label.unique()),
        "graphs": [len(trained), len(held)],
        "seconds": round(time.perf_counter() - start, 1),
        "stopped": stopped,
        "epochs": epochs,
        "looks": seen,
    }
    if not collapse:
        result["accuracy"] = probe_accuracy(model, experiment, spec, fold)
    return result


def probe_accuracy(model, experiment: Experiment, spec, fold: probes.Fold) -> dict[str, float]:
    """Return held-out accuracy of the SVM probe on the encoder's embeddings, trained and not."""
    seed, found = experiment.config.seed, {}
    for name, network in (("trained", model), ("untrained", experiment.model(seed))):
        x = experiment.embed(network, spec)
        found[name] = probes.inductive(
            lambda number, fold, x=x: x, experiment.labels, folds=[fold], seed=seed, jobs=1
        ).mean
    return found


def work(cell: Cell, folder: Path) -> str | None:
    """Train a cell unless it is there or another process is at it; return its name if trained."""
    path = folder / f"{cell.name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with lock(path.with_suffix(".lock")) as mine:
        if not mine or path.exists():
            return None
        torch.set_num_threads(1)
        record = train(cell)
        write_atomically(
            path, lambda to: to.write_text(json.dumps(record) + "\n", encoding="utf-8")
        )
        print(f"{cell.name:60s} {record['seconds']:7.1f} s", flush=True)
    return cell.name


def write(cells: Path, results: Path, docs: Path, wanted: Sequence[Cell]) -> None:
    """Write results of the cells, then figures and page of the results; name what is missing."""
    gather(cells, results)
    drawn = draw_all(*read(results), docs / "figures")
    text = text_of(results, drawn, wanted)
    write_atomically(docs / "collapse.md", lambda to: to.write_text(text, encoding="utf-8"))


def text_of(results: Path, drawn: Sequence[str], wanted: Sequence[Cell]) -> str:
    """Return the page that the results give."""
    collapse, orderings = read(results)
    there = {cell["name"] for cell in (*collapse, *orderings)}
    missing = [cell.name for cell in wanted if cell.name not in there]
    return page(collapse, orderings, drawn, missing)


def stale(results: Path, docs: Path, wanted: Sequence[Cell]) -> bool:
    """Tell whether the page is another one than the results give."""
    drawn = [name for name in CAPTIONS if (docs / "figures" / f"{name}.svg").exists()]
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    return text != text_of(results, drawn, wanted)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="comma-separated parts of a cell's name")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--list", action="store_true", help="name the cells, done and missing")
    parser.add_argument("--page", action="store_true", help="write results, figures and page")
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is stale")
    parser.add_argument("--quick", action="store_true", help="a tiny grid and its page, on MUTAG")
    parser.add_argument("--cells", type=Path, default=CELLS, help="folder of the cells")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of page and figures")
    options = parser.parse_args(argv)
    if options.check:
        return int(stale(options.results, options.docs, grid()))
    if options.page:
        write(options.cells, options.results, options.docs, grid())
        return 0
    if options.quick:
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for cell in quick_grid():
                work(cell, folder / "cells")
            write(folder / "cells", folder / "results", folder / "docs", quick_grid())
            print((folder / "docs" / "collapse.md").read_text(encoding="utf-8"))
        return 0
    cells = [c for c in grid() if all(part in c.name for part in options.only.split(","))]
    if options.list:
        for cell in cells:
            done = (options.cells / f"{cell.name}.json").exists()
            print("done   " if done else "missing", cell.name)
    elif options.jobs == 1:
        for cell in cells:
            work(cell, options.cells)
    else:
        with ProcessPoolExecutor(options.jobs) as pool:
            list(pool.map(work, cells, [options.cells] * len(cells)))
    return 0


if __name__ == "__main__":
    with any_sign():
        sys.exit(main())
