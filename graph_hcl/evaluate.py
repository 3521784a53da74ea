"""Evaluate the frozen embeddings of a trained run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from graph_hcl.cli import overridden_settings
from graph_hcl.commands import refuse_calls
from graph_hcl.console import run_command
from graph_hcl.help_text import Example
from graph_hcl.parser import TRUST_CODE, Parser
from graph_hcl.reproducible import deterministic

refuse_calls(__name__)
EXAMPLES = (
    Example("runs/digits-h-ucl-0", "Evaluates a run again, as it was when it was trained."),
    Example(
        "runs/digits-h-ucl-0 --probe logistic",
        "Adds the scores of the logistic probe to the run's results.json.",
    ),
    Example(
        "runs/digits-h-ucl-0 --metric macro_f1",
        "Adds scores whose parameters are selected by another metric.",
    ),
)


SETTINGS = ("probe.name", "probe.metric", "probe.jobs", "mirror", "data_dir", "device")
OVERRIDES = ("dataset", *SETTINGS)
"""Settings of the run that flags override."""


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("evaluate", EXAMPLES, usage="RUN ")
    parser.add_argument("run", type=str, metavar="RUN", help="Folder of a finished run.")
    parser.add_dataset()
    for name in SETTINGS:
        parser.add_setting(name)
    parser.add_argument("--trust_code", action="store_true", help=TRUST_CODE)
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Evaluate although the data changed after training; the results record it.",
    )
    return parser


def main(argv: Sequence[str]) -> None:
    """Embed with the checkpoints of a run, evaluate a probe by its protocol, print the table."""
    flags = make_parser().read(argv)

    from graph_hcl.experiment import check_trained, make_experiment, run_and_save
    from graph_hcl.run import Run

    overrides = overridden_settings(flags, *OVERRIDES)
    if "probe.name" in overrides:  # the run's options are those of its own probe
        overrides["probe.options"] = {}
    trust = flags.trust_code
    run = Run.open(flags.run, flags.allow_changed_data, trust_code=trust, **overrides)
    run.check_place()
    for part in run.parts[:1]:
        run.check_fits(part)
    with deterministic(run.config.deterministic):
        experiment = make_experiment(run.config)
        experiment.check_labelled()
        check_trained(experiment, run)
        print(run_and_save(experiment, run, ["graph_hcl.evaluate", *argv]))


if __name__ == "__main__":
    sys.exit(run_command(main))
