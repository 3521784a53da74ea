"""The probes against scikit-learn's grid search: equal answers, and the ratio of the times.

Embeddings come from an untrained GIN 3×32. Each outer fold of scikit-learn's side is a
`GridSearchCV` over a pipeline of `StandardScaler` and `SVC` (or `LogisticRegression`), with one
process and with `n_jobs=2`; ours answers the same folds in two threads. Ratios are theirs / ours.

    python -m benchmarks.speed.evaluation            NCI1, PROTEINS, COLLAB; ten minutes
    python -m benchmarks.speed.evaluation --quick    generated classes, under a minute
    python -m benchmarks.speed.evaluation --check    exit 1 when an answer or a goal is missed

Needs $GRAPH_HCL_TU_MIRROR for all but --quick.
"""

import sys
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.speed import _bench
from graph_hcl.config import Config
from graph_hcl.console import lenient_stdout
from graph_hcl.experiment import make_experiment
from graph_hcl.probes import C_GRID, evaluate, stratified_folds

GOALS = {1: 4.0, 2: 2.5}
PEERS = {"svm": (SVC, "svc__C"), "logistic": (LogisticRegression, "logisticregression__C")}


def embeddings(name):
    """Return x [G, D] and labels of a data set under an untrained encoder."""
    experiment = make_experiment(Config(dataset=name))
    return experiment.untrained(0)[0], experiment.targets.values


def generated():
    """Return two classes that a kernel separates in part."""
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
    evaluation = evaluate(x, y, probe=probe)
    ours = (time.perf_counter() - start) * len(numbers) / 10
    answers = [(evaluation.folds[k].predictions, evaluation.folds[k].params["C"]) for k in numbers]
    row = {"graphs": len(y), "width": x.shape[1], "folds": len(numbers), "seconds": round(ours, 2)}
    for jobs in (1, 2):
        seconds, found = theirs(x, y, probe, jobs, numbers, folds)
        row[f"ratio_{jobs}"] = round(seconds / ours, 2)
        row["same"] = found == answers
    print(f"{name:10s} {probe:9s}", row, flush=True)
    return row


def measure(quick):
    """Return the rows of all data sets and probes."""
    if quick:
        x, y = generated()
        return {f"generated {p}": compare("generated", x, y, p, range(3)) for p in PEERS}
    table = {}
    for name, numbers in (("PROTEINS", range(10)), ("NCI1", range(3))):
        x, y = embeddings(name)
        for probe in PEERS:
            table[f"{name} {probe}"] = compare(name, x, y, probe, numbers)
    x, y = embeddings("COLLAB")
    start = time.perf_counter()
    evaluate(x, y)
    table["COLLAB svm"] = {"graphs": len(y), "seconds": round(time.perf_counter() - start, 1)}
    print("COLLAB", table["COLLAB svm"])
    return table


def misses(table, quick):
    """Return the goals that the rows miss."""
    missed = []
    for name, row in table.items():
        if not row.get("same", True):
            missed.append(f"{name}: other predictions or another C than scikit-learn")
        for jobs, goal in GOALS.items():
            ratio = row.get(f"ratio_{jobs}", goal)
            if "svm" in name and not quick and ratio < goal:
                missed.append(f"{name}: {ratio} × against n_jobs={jobs} < {goal}")
    return missed


def main():
    options = _bench.parser(__doc__, "generated classes").parse_args()
    table = measure(options.quick)
    if not options.quick:
        setting = _bench.machine("scikit-learn") | {"threads": 2}
        _bench.write_result("evaluation", {"setting": setting, "rows": table})
    return _bench.conclude(misses(table, options.quick), options.check)


if __name__ == "__main__":
    with lenient_stdout():
        sys.exit(main())
