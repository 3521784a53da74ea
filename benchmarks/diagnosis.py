"""What the diagnosis of each epoch costs, as a share of the epoch without it, at default settings.

One training per data set; every epoch is timed, and the diagnosis at its end by itself. The share
is the median over epochs of diagnosis / epoch.

    python benchmarks/diagnosis.py            PROTEINS, NCI1, COLLAB; minutes; writes the JSON
    python benchmarks/diagnosis.py --quick    MUTAG and PROTEINS, under a minute; writes nothing
    python benchmarks/diagnosis.py --check    exit 1 when it takes 3 % of an epoch or more

Needs $GRAPH_HCL_TU_MIRROR for all but MUTAG.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import torch

from graph_hcl import augment
from graph_hcl.config import Config
from graph_hcl.experiment import Experiment
from graph_hcl.training import TrainingSettings, diagnose, fit

RESULT = Path(__file__).parent / "results" / "diagnosis.json"
GOAL = 0.03
EPOCHS = {"MUTAG": 30, "PROTEINS": 20, "NCI1": 10, "COLLAB": 4}


def measure(name):
    """Return milliseconds of an epoch and of its diagnosis, and the share, as medians."""
    experiment = Experiment(Config(dataset=name))
    epochs, looks = [], []

    def timed(*given):
        start = time.perf_counter()
        found = diagnose(*given)
        looks.append(time.perf_counter() - start)
        return found

    fit(
        experiment.model(0),
        experiment.new_objective(),
        augment.views(experiment.views),
        experiment.store,
        torch.arange(len(experiment.store)),
        TrainingSettings(EPOCHS[name], experiment.config.batch_size),
        device=experiment.device,
        diagnose=timed,
        log=lambda record: epochs.append(record["seconds"]),
    )
    share = statistics.median(look / epoch for look, epoch in zip(looks, epochs, strict=True))
    return {
        "epoch_ms": round(1e3 * statistics.median(epochs), 1),
        "diagnosis_ms": round(1e3 * statistics.median(looks), 2),
        "share": round(share, 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two small sets; write no JSON")
    parser.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    options = parser.parse_args()
    table, missed = {}, []
    for name in ["MUTAG", "PROTEINS"] if options.quick else ["PROTEINS", "NCI1", "COLLAB"]:
        row = table[name] = measure(name)
        print(f"{name:10s} {row['epoch_ms']:9.1f} ms {row['diagnosis_ms']:7.2f} ms", end=" ")
        print(f"{100 * row['share']:6.2f} %", flush=True)
        if name != "MUTAG" and row["share"] >= GOAL:
            missed.append(f"{name}: {100 * row['share']:.2f} % >= {100 * GOAL:.0f} %")
    if not options.quick:
        setting = {"cpus": os.cpu_count(), "threads": torch.get_num_threads(), "sets": table}
        RESULT.write_text(json.dumps(setting | {"missed": missed}, indent=1) + "\n")
    print("\n".join(missed) or "every stated goal is reached")
    return int(options.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
