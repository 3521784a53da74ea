"""Train an encoder contrastively and evaluate its embeddings."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graph_hcl.calling import called
from graph_hcl.cli import config_parser, read_config
from graph_hcl.commands import refuse_calls
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.help_text import Example
from graph_hcl.interrupts import KEPT, say_if_interrupted, unbroken
from graph_hcl.parser import TRUST_CODE, ParsedFlag, Parser
from graph_hcl.reproducible import deterministic
from graph_hcl.settings import make_config
from graph_hcl.trust import PLACES, import_paths
from graph_hcl.warn import warn_user

if TYPE_CHECKING:
    from graph_hcl.experiment import Experiment
    from graph_hcl.run import Run

refuse_calls(__name__)
EXAMPLES = (
    Example("", "Trains H-UCL on digits, which need no download, and evaluates it: half a minute."),
    Example(
        "--dataset PROTEINS --objective h-ucl --beta 0.25 --epochs 40",
        "Another data set, which is downloaded once, and other settings.",
    ),
    Example(
        "--dataset ENZYMES --objective h-scl --data.node-attributes",
        "Reads labels, so an encoder is trained for each fold (inductive protocol).",
    ),
    Example(
        "--dataset mine.csv --data.smiles smiles --data.targets active --backbone gine",
        "Molecules from a table; --dataset takes graphs in files and folders, too.",
    ),
    Example(
        "--config configs/h-scl.yaml --dataset NCI1 --mirror folder/of/zips",
        "Settings from a file, and data sets from a folder instead of the network.",
    ),
    Example(
        "--dataset NCI1 --readout mean --lr 0.01 --probe logistic",
        "Another read-out and learning rate, scored by logistic regression.",
    ),
    Example(
        "--backbone my_package.nets:MyNet --loss.hardening threshold",
        "A network of your own, and another hardening.",
    ),
    Example(
        "--views 'edge_drop(0.2) + feature_mask(0.1)' 'subgraph(0.8)'",
        "One augmentation for each of two views.",
    ),
    Example("--resume runs/digits-h-ucl-0", "Resumes an interrupted run."),
    Example(
        "--resume runs/digits-h-ucl-0 --epochs 40",
        "Extends a run to 40 epochs, from its saved optimiser and random state.",
    ),
)

RESUMED = ("epochs", "dataset", *PLACES)
"""Settings that may be changed with --resume."""
PERMISSIONS = ("trust_code", "allow_changed_data")
"""Flags that allow a run to be resumed."""
RESUME_FLAGS = ("resume", *RESUMED, *PERMISSIONS)
"""Flags that --resume may be combined with."""


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = config_parser("train", EXAMPLES)
    parser.add_argument(
        "--resume",
        type=str,
        metavar="FOLDER",
        help="Run folder to resume; --epochs may extend the run. --dataset says where its data are "
        "now, if they were moved. All other settings are those of its config.yaml.",
    )
    parser.add_argument("--trust_code", action="store_true", help=TRUST_CODE)
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Resume a run although its data set has changed since.",
    )
    return parser


def main(argv: Sequence[str]) -> None:
    """Train, evaluate, print the table and the run folder."""
    parser = make_parser()
    config, flags = read_config(parser, argv)
    say_if_interrupted("nothing was begun.")
    given, _ = parser.split(argv)
    typed_flags = {flag.name: flag.typed for flag in given}

    from graph_hcl.experiment import make_experiment
    from graph_hcl.run import Run
    from graph_hcl.training import RunFolder

    command = ["graph_hcl.train", *argv]
    if flags.resume is None:
        for name in PERMISSIONS:
            if flags[name]:
                raise UserError(f"Expected {typed_flags[name]} only together with --resume.")
        RunFolder.check_place(config.out)
        with deterministic(config.deterministic):
            experiment = make_experiment(config)
            with unbroken():  # a folder that is there is told
                run = Run.create(experiment.config, experiment.trainer.spec.data_sha256)
                _tell_way_on(run, _words(given, PLACES))
            print(_run(experiment, run, command))
        return
    changes = {name: getattr(config, name) for name in RESUMED if name in typed_flags}
    trust = flags.trust_code
    run = Run.open(flags.resume, flags.allow_changed_data, trust_code=trust, **changes)
    _tell_way_on(run, _words(given, ("dataset", *PLACES, *PERMISSIONS)))
    rejected = [typed for name, typed in typed_flags.items() if name not in RESUME_FLAGS]
    if rejected:
        raise UserError(
            f"Expected --resume with no other settings than --epochs, but got "
            f"{', '.join(rejected)}: a resumed run keeps the settings of its config.yaml."
        )
    previous_epochs = make_config(run.folder.config_path).epochs
    run.check_place()
    for part in run.parts[:1]:
        run.check_fits(part)
    with deterministic(run.config.deterministic):
        experiment = make_experiment(run.config)
        if run.config.epochs != previous_epochs:
            with run.locked():
                change_epochs(run, experiment, previous_epochs)
        print(_run(experiment, run, command))


def _words(flags: Sequence[ParsedFlag], names: Sequence[str]) -> list[str]:
    """Return the words of the flags of these names, which the folder of a run does not decide."""
    again = [flag for flag in flags if flag.name in names]
    return [word for flag in again for word in (flag.typed, flag.value) if word is not None]


def _tell_way_on(run: Run, words: Sequence[str]) -> None:
    """Let an interrupt tell how the run goes on, with these words of the command besides."""
    trust = import_paths(run.config.to_dict()) and "--trust-code" not in words
    command = [str(run.path), *words, *["--trust-code"] * bool(trust)]
    go_on = f"{called('train')} --resume {shlex.join(command)}"
    say_if_interrupted(f"{KEPT.removesuffix('.')}; go on with: {go_on}")


def _run(experiment: Experiment, run: Run, command: Sequence[str]) -> str:
    """Say what the graphs are, and where; train and evaluate; return what is printed then."""
    from graph_hcl.data.names import short_name
    from graph_hcl.experiment import run_and_save
    from graph_hcl.spec import describe_graphs

    name = short_name(experiment.config.dataset)
    groups = experiment.config.data.groups
    print(describe_graphs(experiment.store, name, groups), file=sys.stderr)
    print(f"run folder: {run.path}", file=sys.stderr)
    return run_and_save(experiment, run, command)


def change_epochs(run: Run, experiment: Experiment, previous_epochs: int) -> None:
    """Set a run's number of epochs to the experiment's, before training resumes.

    Earlier results are deleted, because they belong to an encoder trained for fewer epochs. A
    schedule, of beta or the learning rate, depends on the fraction of training that is done, so it
    is rescaled. Raises `UserError` for fewer epochs than are done.
    """
    config = experiment.config
    done = max(run.epoch(part.name) for part in experiment.parts())
    if config.epochs < done:
        raise UserError(
            f"Expected --epochs of {done} or more, because {run.path} has finished {done}, but got "
            f"{config.epochs}: start a new run for fewer."
        )
    schedules = {"beta": config.loss.schedule, "the learning rate": config.optimizer.schedule}
    for what, schedule in schedules.items():
        if schedule in (None, "constant") or not done:
            continue
        warn_user(
            f"The {schedule} schedule of {what} spanned {previous_epochs} epochs and spans "
            f"{config.epochs} from epoch {done + 1} on, so the run differs from one trained for "
            f"{config.epochs} epochs from the start."
        )
    run.folder.forget_results()
    before = make_config(run.folder.config_path)
    run.folder.write_config(dataclasses.replace(before, epochs=config.epochs).to_dict())


if __name__ == "__main__":
    sys.exit(run_command(main))
