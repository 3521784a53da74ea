"""Write the frozen embeddings of a run to a file: `python -m graph_hcl.embed RUN --out FILE`."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graph_hcl.cli import overridden_settings
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.parser import Parser

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = """\
  python -m graph_hcl.embed runs/MUTAG-h-ucl-0 --out mutag.npz
      numpy.load gives `embeddings` [graphs, features] and `labels` [graphs]
  python -m graph_hcl.embed runs/MUTAG-h-ucl-0 --out mutag.parquet
      one row per graph: columns label, e0, e1, …
  python -m graph_hcl.embed runs/PROTEINS-h-scl-0 --part seed0-fold3 --out proteins.npz
  python -m graph_hcl.embed runs/NCI1-ucl-0 --dataset NCI109 --out other.npz
      embeds another data set: features are matched by name; a warning counts the values that
      were not in the training data, and features with another meaning are an error
"""

OVERRIDES = ("dataset", "mirror", "data_dir", "data.undirected", "device", "max_nodes")
"""Settings of the run that flags override."""


def main(argv: Sequence[str]) -> None:
    """Embed all graphs of a data set with one trained model of a run."""
    parser = Parser("embed", "Write the embeddings of a run to a file.", EXAMPLES, usage="RUN ")
    parser.add_argument("run", type=str, help="Run folder, as printed by graph_hcl.train.")
    parser.add_argument("--out", type=str, required=True, help="File to write: .npz or .parquet.")
    parser.add_argument("--dataset", type=str, help="Data set; default: the run's own.")
    parser.add_argument("--part", type=str, help="Trained part of the run; default: the first.")
    parser.add_argument("--mirror", type=str, help="URL or folder of NAME.zip files.")
    parser.add_argument("--data-dir", type=str, help="Folder that data sets are cached in.")
    parser.add_argument(
        "--data.undirected",
        type=bool,
        help="Add the reverse of each edge that is listed in one direction only; default: the "
        "run's own setting.",
    )
    parser.add_argument("--device", type=str, help="Device; default: the run's own.")
    parser.add_argument(
        "--max-nodes",
        type=int,
        help="Most nodes that are embedded at once; a larger graph is embedded alone. Default: the "
        "run's own setting, or 524288 and fewer where features are wide.",
    )
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Embed although the run's own data set changed after training.",
    )
    flags = parser.read(argv)
    out = Path(flags.out)
    if out.suffix not in WRITERS:
        raise UserError(f"Expected --out to end in {' or '.join(WRITERS)}, but got '{out.name}'.")

    from graph_hcl.factory import find_device, load_graphs
    from graph_hcl.files import write_atomically
    from graph_hcl.run import Run
    from graph_hcl.spec import describe_unread
    from graph_hcl.training import embed

    overrides = overridden_settings(flags, *OVERRIDES)
    run = Run.open(flags.run, flags.allow_changed_data, **overrides)
    config, part = run.config, run.find_part(flags.part)
    device, spec, model = find_device(config.device), run.spec(part), run.model(part)
    if (done := run.epoch(part)) < config.epochs:
        warnings.warn(f"{part} is trained for {done} of {config.epochs} epochs.", stacklevel=2)
    # Read the features that the encoder needs from any data set, and the labels unshuffled.
    attributes = any(c.name.startswith("node_attributes") for c in spec.vocabulary.node.columns)
    data = dataclasses.replace(config.data, node_attributes=attributes, random_labels=False)
    store = load_graphs(dataclasses.replace(config, data=data))
    if flags.dataset is None:
        run.check_same_data(part, store.sha256)
    store = spec.prepare(store)
    if unread := describe_unread(store, spec, config.backbone):
        warnings.warn(unread, stacklevel=2)
    embeddings = embed(model, store.to(device), device, max_nodes=config.max_nodes)
    labels = None if store.y is None else store.y.cpu().numpy()
    write_atomically(out, lambda to: WRITERS[out.suffix](to, embeddings, labels))
    print(f"{len(embeddings)} graphs × {embeddings.shape[1]} features: {out}")


def _write_npz(to: Path, embeddings: np.ndarray, labels: np.ndarray | None) -> None:
    import numpy as np

    arrays = {"embeddings": embeddings} | ({} if labels is None else {"labels": labels})
    with to.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _write_parquet(to: Path, embeddings: np.ndarray, labels: np.ndarray | None) -> None:
    import pyarrow
    import pyarrow.parquet

    columns: dict[str, np.ndarray] = {}
    if labels is not None:
        tasks = {f"label{number}": column for number, column in enumerate(labels.T)}
        columns = {"label": labels} if labels.ndim == 1 else tasks
    columns |= {f"e{index}": column for index, column in enumerate(embeddings.T)}
    with to.open("wb") as file:  # pyarrow opens no path that is not valid UTF-8
        pyarrow.parquet.write_table(pyarrow.table(columns), file)


WRITERS = {".npz": _write_npz, ".parquet": _write_parquet}


if __name__ == "__main__":
    sys.exit(run_command(main))
