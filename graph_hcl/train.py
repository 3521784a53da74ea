"""Train an encoder by contrast and measure its frozen embeddings: `python -m graph_hcl.train`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from graph_hcl.cli import config_from, config_parser, read_config, run
from graph_hcl.errors import UserError

EXAMPLES = """\
  python -m graph_hcl.train
      H-UCL with a GIN encoder on MUTAG, which needs no download
  python -m graph_hcl.train --dataset PROTEINS --objective h-ucl --beta 0.25 --epochs 40
  python -m graph_hcl.train --dataset ENZYMES --objective h-scl --data.node-attributes true
      reads labels, so each fold trains an encoder of its own (protocol: inductive)
  python -m graph_hcl.train --config configs/h-scl.yaml --dataset NCI1 --mirror folder/of/zips
  python -m graph_hcl.train --backbone my_package.nets:MyNet --loss.hardening threshold
  python -m graph_hcl.train --views '["edge_drop(0.2)+feature_mask(0.1)", "subgraph(0.8)"]'
  python -m graph_hcl.train --resume runs/MUTAG-h-ucl-0
      goes on where an interrupted run stopped
"""


def main(argv: Sequence[str]) -> None:
    """Train, evaluate, print the table and the run folder."""
    parser = config_parser("train", "Train an encoder by contrast and measure it.", EXAMPLES)
    parser.add_argument("--resume", type=str, help="Run folder to go on with, and no other flag.")
    config, flags = read_config(parser, argv)
    resume: str | None = flags.resume
    if resume is not None and [word for word in argv if resume not in word] not in (
        [],
        ["--resume"],
    ):
        raise UserError("Expected --resume RUN alone: a run goes on with its own config.yaml.")

    from graph_hcl.experiment import Experiment
    from graph_hcl.results import conclude
    from graph_hcl.training import RunFolder

    if resume is not None:
        folder = RunFolder.open(resume)
        experiment = Experiment(config_from(folder.config_path))
    else:
        experiment = Experiment(config)
        settled = experiment.config
        folder = RunFolder.create(config.out, f"{settled.dataset}-{Path(settled.objective).name}")
        folder.write_config(settled.to_dict())
    print(conclude(folder, experiment, ["graph_hcl.train", *argv]))


if __name__ == "__main__":
    sys.exit(run(main))
