"""Measure the frozen embeddings of a run again: `python -m graph_hcl.evaluate RUN`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from graph_hcl.cli import given_settings
from graph_hcl.console import run_command
from graph_hcl.parser import Parser

EXAMPLES = """\
  python -m graph_hcl.evaluate runs/MUTAG-h-ucl-0
  python -m graph_hcl.evaluate runs/MUTAG-h-ucl-0 --probe.name logistic
      adds the logistic probe's scores to the results.json of the run; --probe logistic for short
"""


def main(argv: Sequence[str]) -> None:
    """Embed with the checkpoints of a run, run its protocol with a probe, print the table."""
    parser = Parser("evaluate", "Measure the embeddings of a run.", EXAMPLES, usage="RUN ")
    parser.add_argument("run", type=str, help="Run folder that graph_hcl.train printed.")
    parser.add_argument("--probe.name", type=str, help="Probe; the run's own unless given.")
    parser.add_argument("--probe.jobs", type=int, help="Processes; one per core unless given.")
    parser.add_argument("--device", type=str, help="Device; the run's own unless given.")
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Go on although the data is not what the run was trained on; the results say so.",
    )
    flags = parser.read(argv)

    from graph_hcl.experiment import check_trained, make_experiment, run_and_save
    from graph_hcl.run import Run

    given = given_settings(flags, "probe.name", "probe.jobs", "device")
    run = Run.open(flags.run, flags.allow_changed_data, **given)
    experiment = make_experiment(run.config)
    experiment.check_labelled()
    check_trained(experiment, run)
    print(run_and_save(experiment, run, ["graph_hcl.evaluate", *argv]))


if __name__ == "__main__":
    sys.exit(run_command(main))
