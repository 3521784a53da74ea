"""docs/temperature-runs.md, written from the committed results: hard trials by their controls."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.science.table import table
from benchmarks.science.temperature.results import mean_score

HEAD = """# Hardness and temperature: the runs

The results in words, figures and tests are on [another page](temperature.md).

Accuracy in % of 5 nearest neighbours / nearest class mean / SVM on frozen embeddings, averaged over
folds and seeds. Beside each hardened loss is its control, the plain loss at the temperature T′ that
weights negatives alike; *match* is the temperature at which the plain loss has the most parallel
gradient at the end of training, with the cosine.

This page is generated: `python -m benchmarks.science.temperature` runs the trials without results,
and `python -m benchmarks.science.temperature --page` writes results and this text.
"""
PROBES = ("knn", "class-mean", "svm")


def listing(trials: Sequence[dict], missing: int = 0) -> str:
    """Return the whole text; `missing` trials of the grid have no results."""
    parts = [HEAD, f"Trials with results: {len(trials)}, without: {missing}.\n"]
    kinds = dict.fromkeys((t["family"], t["dataset"], t["factor"]) for t in trials)
    for family, dataset, factor in kinds:
        wanted = (family, dataset, factor)
        here = [t for t in trials if (t["family"], t["dataset"], t["factor"]) == wanted]
        parts.append(f"## {dataset}, {family}{f', {factor}' if factor else ''}\n")
        parts.append(table(["form", "T", "strength", "seeds", *COLUMNS], list(rows(here))) + "\n")
    return "\n".join(parts).rstrip() + "\n"


COLUMNS = ("accuracy", "T′", "control", "match", "cosine", "share")


def rows(trials: Sequence[dict]) -> Iterator[list[str]]:
    """Yield a row for each setting of some trials, seeds averaged; plain ones first."""
    by_name = {trial["name"]: trial for trial in trials}
    settings: dict[tuple, list[dict]] = {}
    for trial in trials:
        key = (
            trial["form"], -trial["temperature"], trial["beta"], trial["value"] or 0.0,
        )  # fmt: skip
        settings.setdefault(key, []).append(trial)
    order = {"untrained": 0, "plain": 1, "exponential": 2}
    for _, found in sorted(settings.items(), key=lambda one: (order.get(one[0][0], 3), one[0])):
        first = found[0]
        controls = [by_name[t["control"]] for t in found if t["control"] in by_name]
        paired = len(controls) == len(found)
        strength = first["beta"] if first["value"] is None else first["value"]
        yield [
            first["form"],
            f"{first['temperature']:g}",
            f"{strength:g}",
            str(len(found)),
            scores(found),
            f"{controls[0]['temperature']:.3g}" if paired else "",
            scores(controls) if paired else "",
            _mean(found, lambda trial: trial["match"]["temperature"]),
            _mean(found, lambda trial: trial["match"]["cosine"]),
            _mean(found, lambda trial: trial["share"][f"{trial['temperature']:g}"]),
        ]


def scores(trials: Sequence[dict]) -> str:
    """Return the mean scores of each probe."""
    return " / ".join(f"{mean_score(trials, probe):.1f}" for probe in PROBES)


def _mean(trials: Sequence[dict], value: Callable[[dict], float]) -> str:
    if any(trial.get("match") is None for trial in trials):
        return ""  # untrained, or all features alike
    values = [value(trial) for trial in trials]
    return f"{sum(values) / len(values):.3g}"
