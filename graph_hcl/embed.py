"""Write the frozen embeddings of a run to a file: `python -m graph_hcl.embed RUN --out FILE`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graph_hcl.cli import Parser, config_from, run
from graph_hcl.errors import UserError

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = """\
  python -m graph_hcl.embed runs/MUTAG-h-ucl-0 --out mutag.npz
      numpy.load gives `embeddings` [graphs, features] and `labels` [graphs]
  python -m graph_hcl.embed runs/MUTAG-h-ucl-0 --out mutag.parquet
      one row per graph: columns label, e0, e1, …
  python -m graph_hcl.embed runs/PROTEINS-h-scl-0 --part seed0-fold3 --out proteins.npz
  python -m graph_hcl.embed runs/NCI1-ucl-0 --dataset NCI109 --out other.npz
      another data set: its features are read as the encoder learned them, by name; what training
      never saw is counted in a warning, and a different meaning is refused
"""


def main(argv: Sequence[str]) -> None:
    """Embed all graphs of a data set with a trained part of a run."""
    parser = Parser("embed", "Write the embeddings of a run to a file.", EXAMPLES, usage="RUN ")
    parser.add_argument("run", type=str, help="Run folder that graph_hcl.train printed.")
    parser.add_argument("--out", type=str, required=True, help="File to write: .npz or .parquet.")
    parser.add_argument("--dataset", type=str, help="Data set; the run's own unless given.")
    parser.add_argument("--part", type=str, help="Trained part of the run; the first unless given.")
    parser.add_argument("--mirror", type=str, help="URL or folder of NAME.zip files.")
    parser.add_argument("--data-dir", type=str, help="Cache of data sets.")
    parser.add_argument("--device", type=str, help="Device; the run's own unless given.")
    flags = parser.read(argv)
    out = Path(flags.out)
    if out.suffix not in WRITERS:
        raise UserError(f"Expected --out to end in {' or '.join(WRITERS)}, but got '{out.name}'.")

    from graph_hcl.build import find_device, load_graphs, make_model
    from graph_hcl.experiment import read_spec
    from graph_hcl.files import write_atomically
    from graph_hcl.training import RunFolder, embed

    folder = RunFolder.open(flags.run)
    config = config_from(folder.config_path)
    given = ("dataset", "mirror", "data_dir", "device")
    config = dataclasses.replace(config, **{k: flags[k] for k in given if flags[k] is not None})
    parts = folder.parts()
    part = flags.part or (parts[0] if parts else "")
    if part not in parts:
        known = ", ".join(parts) or "none: the run has not finished an epoch"
        raise UserError(f"Expected --part to be a trained part of the run ({known}), got '{part}'.")
    device = find_device(config.device)
    checkpoint = folder.checkpoint(part)
    spec = read_spec(checkpoint)
    store = spec.prepare(load_graphs(config))
    model = make_model(config, spec)
    checkpoint.load(model)
    embeddings = embed(model, store.to(device), device)
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

    columns = {} if labels is None else {"label": labels}
    columns |= {f"e{index}": column for index, column in enumerate(embeddings.T)}
    with to.open("wb") as file:  # pyarrow itself takes no path of other bytes than UTF-8
        pyarrow.parquet.write_table(pyarrow.table(columns), file)


WRITERS = {".npz": _write_npz, ".parquet": _write_parquet}


if __name__ == "__main__":
    sys.exit(run(main))
