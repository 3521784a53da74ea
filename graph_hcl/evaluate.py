"""Evaluate the frozen embeddings of a trained run: `python -m graph_hcl.evaluate RUN`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from graph_hcl.cli import overridden_settings
from graph_hcl.console import run_command
from graph_hcl.parser import TRUST_CODE, Parser

EXAMPLES = """\
  python -m graph_hcl.evaluate runs/MUTAG-h-ucl-0
  python -m graph_hcl.evaluate runs/MUTAG-h-ucl-0 --probe.name logistic
      adds the scores of the logistic probe to the run's results.json; short: --probe logistic
  python -m graph_hcl.evaluate runs/MUTAG-h-ucl-0 --metric average_precision
      adds scores whose parameters are selected by another metric; short for --probe.metric
"""


OVERRIDES = ("probe.name", "probe.metric", "probe.jobs", "mirror", "data_dir", "device")
"""Settings of the run that flags override."""


def main(argv: Sequence[str]) -> None:
    """Embed with the checkpoints of a run, evaluate a probe by its protocol, print the table."""
    parser = Parser("evaluate", "Evaluate the embeddings of a run.", EXAMPLES, usage="RUN ")
    parser.add_argument("run", type=str, help="Run folder, as printed by graph_hcl.train.")
    parser.add_argument("--probe.name", type=str, help="Probe; default: the run's own.")
    parser.add_argument(
        "--probe.metric",
        type=str,
        help="Metric that selects the probe's parameters; default: the run's own.",
    )
    parser.add_argument(
        "--probe.jobs", type=int, help="Processes for the folds; default: the run's own."
    )
    parser.add_argument("--device", type=str, help="Device; default: the run's own.")
    parser.add_argument("--mirror", type=str, help="URL or folder of NAME.zip files.")
    parser.add_argument("--data_dir", type=str, help="Folder that data sets are cached in.")
    parser.add_argument("--trust_code", action="store_true", help=TRUST_CODE)
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Evaluate although the data changed after training; the results record it.",
    )
    flags = parser.read(argv)

    from graph_hcl.experiment import check_trained, make_experiment, run_and_save
    from graph_hcl.run import Run

    overrides = overridden_settings(flags, *OVERRIDES)
    if "probe.name" in overrides:  # the run's options are those of its own probe
        overrides["probe.options"] = {}
    run = Run.open(flags.run, flags.allow_changed_data, trust_code=flags.trust_code, **overrides)
    experiment = make_experiment(run.config)
    experiment.check_labelled()
    check_trained(experiment, run)
    print(run_and_save(experiment, run, ["graph_hcl.evaluate", *argv]))


if __name__ == "__main__":
    sys.exit(run_command(main))
