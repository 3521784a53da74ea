"""The probes against scikit-learn's grid search: the same answers, and how much sooner.

Embeddings come from an untrained GIN 3×32. Each outer fold of scikit-learn's side is a
`GridSearchCV` over a pipeline of `StandardScaler` and `SVC` (or `LogisticRegression`), with one
process and with `n_jobs=2`; ours answers the same folds in two threads. Ratios are theirs / ours.

    python benchmarks/evaluation.py            NCI1, PROTEINS, COLLAB; ten minutes; writes the JSON
    python benchmarks/evaluation.py --quick    generated classes, under a minute; writes nothing
    python benchmarks/evaluation.py --check    exit 1 when an answer differs or a ratio is missed

Needs $GRAPH_HCL_TU_MIRROR for all but --quick.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from graph_hcl.config import Config
from graph_hcl.console import any_sign
from graph_hcl.experiment import Experiment
from graph_hcl.probes import C_GRID, stratified_folds, transductive

RESULT = Path(__file__).parent / "results" / "evaluation.json"
GOALS = {1: 4.0, 2: 2.5}
PEERS = {"svm": (SVC, "svc__C"), "logistic": (LogisticRegression, "logisticregression__C")}


def embeddings(name):
    """Return x [G, D] and labels of a data set under an untrained encoder."""
    experiment = Experiment(Config(dataset=name))
    return experiment.untrained(0)[0], experiment.labels


def generated():
    """Return two classes that a kernel tells apart in part."""
    generator = np.random.default_rng(0)
    y = generator.integers(2, size=400)
    return generator.normal(size=(400, 20)) + 0.4 * y[:, None], y


def theirs(x, y, probe, jobs, numbers, folds):
    """Return seconds, predictions and the chosen C of some outer folds by scikit-learn."""
    make, parameter = PEERS[probe]
    # Its default solver has not converged at C = 1000 after 5000 iterations, so it is no judge.
    exact = {"solver": "newton-cholesky", "max_iter": 1000, "tol": 1e-10}
    options = exact if probe == "logistic" else {}
    found, start = [], time.perf_counter()
    for number in numbers:
        fold = folds[number]
        search = GridSearchCV(
            make_pipeline(StandardScaler(), make(**options)),
            {parameter: list(C_GRID)},
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
            n_jobs=jobs,
        ).fit(x[fold.train], y[fold.train])
        found.append((search.predict(x[fold.test]).tolist(), search.best_params_[parameter]))
    return time.perf_counter() - start, found


def compare(name, x, y, probe, numbers):
    """Print and return one row: seconds, ratios, and whether all answers are the same."""
    folds = stratified_folds(y, folds=10, seed=0)
    start = time.perf_counter()
    evaluation = transductive(x, y, probe=probe)
    ours = (time.perf_counter() - start) * len(numbers) / 10
    answers = [(evaluation.folds[k].predictions, evaluation.folds[k].params["C"]) for k in numbers]
    row = {"graphs": len(y), "width": x.shape[1], "folds": len(numbers), "seconds": round(ours, 2)}
    for jobs in (1, 2):
        seconds, found = theirs(x, y, probe, jobs, numbers, folds)
        row[f"ratio_{jobs}"] = round(seconds / ours, 2)
        row["same"] = found == answers
    print(f"{name:10s} {probe:9s}", row, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="generated classes; write no JSON")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args()
    table, missed = {}, []
    if options.quick:
        x, y = generated()
        table = {f"generated {p}": compare("generated", x, y, p, range(3)) for p in PEERS}
    else:
        for name, numbers in (("PROTEINS", range(10)), ("NCI1", range(3))):
            x, y = embeddings(name)
            for probe in PEERS:
                table[f"{name} {probe}"] = compare(name, x, y, probe, numbers)
        x, y = embeddings("COLLAB")
        start = time.perf_counter()
        transductive(x, y)
        table["COLLAB svm"] = {"graphs": len(y), "seconds": round(time.perf_counter() - start, 1)}
        print("COLLAB", table["COLLAB svm"])
        setting = {"cpus": os.cpu_count(), "threads": 2, "cells": table}
        RESULT.write_text(json.dumps(setting, indent=1) + "\n", encoding="utf-8")
    for cell, row in table.items():
        if not row.get("same", True):
            missed.append(f"{cell}: other predictions or another C than scikit-learn")
        for jobs, goal in GOALS.items():
            ratio = row.get(f"ratio_{jobs}", goal)
            if "svm" in cell and not options.quick and ratio < goal:
                missed.append(f"{cell}: {ratio} × against n_jobs={jobs} < {goal}")
    print("\n".join(missed) or "every stated goal is reached")
    return int(options.check and bool(missed))


if __name__ == "__main__":
    with any_sign():
        sys.exit(main())
