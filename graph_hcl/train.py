"""Train an encoder by contrast and measure its frozen embeddings: `python -m graph_hcl.train`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graph_hcl.cli import config_parser, read_config
from graph_hcl.console import run_command
from graph_hcl.errors import UserError

if TYPE_CHECKING:
    from graph_hcl.experiment import Experiment
    from graph_hcl.run import Run

EXAMPLES = """\
  python -m graph_hcl.train
      H-UCL with a GIN encoder on MUTAG, which needs no download
  python -m graph_hcl.train --dataset PROTEINS --objective h-ucl --beta 0.25 --epochs 40
  python -m graph_hcl.train --dataset ENZYMES --objective h-scl --data.node-attributes true
      reads labels, so each fold trains an encoder of its own (protocol: inductive)
  python -m graph_hcl.train --config configs/h-scl.yaml --dataset NCI1 --mirror folder/of/zips
  python -m graph_hcl.train --dataset NCI1 --readout mean --lr 0.01 --probe logistic
  python -m graph_hcl.train --backbone my_package.nets:MyNet --loss.hardening threshold
  python -m graph_hcl.train --views '["edge_drop(0.2)+feature_mask(0.1)", "subgraph(0.8)"]'
  python -m graph_hcl.train --resume runs/MUTAG-h-ucl-0
      goes on where an interrupted run stopped
  python -m graph_hcl.train --resume runs/MUTAG-h-ucl-0 --epochs 40
      goes on to 40 epochs, with the optimiser and the random numbers where they were
"""


RESUMED = ("resume", "epochs", "allow_changed_data")
"""Flags that a run may be resumed with."""


def main(argv: Sequence[str]) -> None:
    """Train, evaluate, print the table and the run folder."""
    parser = config_parser("train", "Train an encoder by contrast and measure it.", EXAMPLES)
    parser.add_argument(
        "--resume", type=str, help="Run folder to go on with; of the settings, --epochs may grow."
    )
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="With --resume: go on although the data is not what the run was trained on.",
    )
    config, flags = read_config(parser, argv)
    given = {one.name: one.typed for one in parser.given(argv)[0]}

    from graph_hcl.experiment import make_experiment, run_and_save
    from graph_hcl.run import Run
    from graph_hcl.spec import describe_graphs

    if flags.resume is not None:
        run = Run.open(flags.resume, flags.allow_changed_data)
        others = [typed for name, typed in given.items() if name not in RESUMED]
        if others:
            raise UserError(
                f"Expected --resume with no other settings than --epochs, but got "
                f"{', '.join(others)}: a run goes on with its own config.yaml."
            )
        before = run.config.epochs
        if "epochs" in given:
            run = Run.open(flags.resume, flags.allow_changed_data, epochs=config.epochs)
        experiment = make_experiment(run.config)
        if run.config.epochs != before:
            change_epochs(run, experiment, before)
    else:
        if flags.allow_changed_data:
            raise UserError("Expected --allow-changed-data with --resume only.")
        experiment = make_experiment(config)
        run = Run.create(experiment.config)
    print(describe_graphs(experiment.store, experiment.config.dataset), file=sys.stderr)
    print(run_and_save(experiment, run, ["graph_hcl.train", *argv]))


def change_epochs(run: Run, experiment: Experiment, before: int) -> None:
    """Let a run go on to the experiment's number of epochs: in `config.yaml`, before it does.

    Results of fewer epochs are dropped: they would be of another encoder. A schedule of beta is a
    function of the share of the training that is done, so it starts anew from that share. Raises
    `UserError` for fewer epochs than are done.
    """
    config = experiment.config
    done = max(run.epoch(part.name) for part in experiment.parts())
    if config.epochs < done:
        raise UserError(
            f"Expected --epochs of {done} or more, because the run {run.path} has done as many, "
            f"but got {config.epochs}: train a new run for fewer."
        )
    if config.loss.schedule not in (None, "constant") and done:
        warnings.warn(
            f"The {config.loss.schedule} schedule of beta was laid out over {before} epochs, and "
            f"is over {config.epochs} from epoch {done + 1} on: the run is another than one of "
            f"{config.epochs} epochs from the start.",
            stacklevel=2,
        )
    run.folder.forget_results()
    run.folder.write_config(config.to_dict())


if __name__ == "__main__":
    sys.exit(run_command(main))
