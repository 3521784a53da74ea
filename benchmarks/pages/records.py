"""The benchmarks with committed records, and all paired tests of docs/results.md.

Needs $GRAPH_HCL_SPLITS, the folder of the fixed folds, which are part of the trials' identity.
"""

import os
from functools import cache
from pathlib import Path

from graph_hcl.benchmarking.differences import p_values, paired_tests
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.tables import score_grids
from graph_hcl.benchmarking.trials import expand
from graph_hcl.probes import holm

ROOT = Path(__file__).parents[2]
DEVELOPMENT = "development"
"""The benchmark whose data sets stand in no table."""
SIGNIFICANT = 0.05


@cache
def benchmarks():
    """Return the path, specification, and trials with records of each benchmark with results."""
    found = []
    for file in sorted((ROOT / "configs" / "benchmark").glob("*.yaml")):
        folder = TrialFolder(ROOT / "benchmarks" / "results" / file.stem)
        if folder.gathered_file.is_file() and file.stem != DEVELOPMENT:
            spec = read_benchmark(file, os.environ.get("GRAPH_HCL_SPLITS"))
            found.append((file, spec, [(trial, folder.read(trial)) for trial in expand(spec)]))
    return found


@cache
def development_benchmark():
    """Return the path and specification of the benchmark on the development sets."""
    file = ROOT / "configs" / "benchmark" / f"{DEVELOPMENT}.yaml"
    return file, read_benchmark(file)


@cache
def tests(position):
    """Return the paired tests of a benchmark, by its position, over all protocols."""
    _, spec, trials = benchmarks()[position]
    grids = score_grids(trials).values()
    return [test for grid in grids for test in paired_tests(grid, spec.compare)]


def other_p_values(position):
    """Return the p-values of all other benchmarks of the page."""
    others = (tests(k) for k in range(len(benchmarks())) if k != position)
    return [p for found in others for p in p_values(found)]


@cache
def corrected_tests():
    """Return (benchmark's position, test, p corrected by Holm's method) of all that were tested."""
    found = [
        (position, test)
        for position in range(len(benchmarks()))
        for test in tests(position)
        if test.found is not None
    ]
    corrected = holm([test.found.p_value for _, test in found])
    return [(position, test, p) for (position, test), p in zip(found, corrected, strict=True)]
