"""What a user should do: plain losses by temperature, and the advice that follows."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.science.table import table
from benchmarks.science.temperature import words
from benchmarks.science.temperature.grid import CURVE
from benchmarks.science.temperature.pairs import (
    PROBES,
    Comparison,
    Runs,
    each_probe,
    mean_accuracy,
    over_sets,
)
from benchmarks.science.temperature.section import Section, one_table
from benchmarks.science.temperature.verdicts import (
    HIGHER,
    LOWER,
    OPEN,
    Judge,
    cell,
    counted,
    gain_word,
    together,
)
from graph_hcl.losses.temperature import SHARE

USUAL = 0.5
"""The temperature that others are compared with, the library's default."""
MANY = 10
"""From so many classes on a set has many, for the advice."""
CURVES = ("", "head", "batch32", "batch1024", "batch4110")
"""The factors whose plain curves are shown, after the core."""


def by_temperature(runs: Runs, family: str = "ucl") -> str | None:
    """Return a table of accuracies of the plain loss by T, the highest of each probe bold."""
    rows = []
    for factor, name in _curves(runs, family):
        cells = {t: runs.of(family, name, factor, "plain", t) for t in CURVE}
        seeds = set.intersection(*(set(found) for found in cells.values() if found))
        some = {t: {seed: found[seed] for seed in seeds} for t, found in cells.items() if found}
        if not seeds:
            continue
        shown: dict[float, list[str]] = {t: [] for t in some}
        for probe in ("knn", "svm"):
            values = {t: mean_accuracy(found, probe) for t, found in some.items()}
            for t, value in values.items():
                best = value == max(values.values())
                shown[t].append(f"**{value:.1f}**" if best else f"{value:.1f}")
        columns = [" / ".join(shown[t]) if t in shown else "–" for t in CURVE]
        rows.append([words.FACTOR_NAMES[factor], name, str(len(seeds)), *columns])
    if not rows:
        return None
    return table(["setting", "set", "seeds", *(f"T = {t:g}" for t in CURVE)], rows)


def chosen_by_share(runs: Runs, family: str, dataset: str, factor: str) -> float | None:
    """Return the T of the curve at which most nearly 5 % of a batch's negatives count.

    The share is that of the training's last large batch, as `temperature="auto"` sees it. None
    where some temperature of the curve has no results.
    """
    distance = {}
    for temperature in CURVE:
        found = runs.of(family, dataset, factor, "plain", temperature)
        shares = [one.get("batch_share", {}).get(f"{temperature:g}") for one in found.values()]
        known = [share for share in shares if share]
        if known:
            distance[temperature] = abs(math.log(statistics.fmean(known) / SHARE))
    whole = len(distance) == len(CURVE)
    return min(distance, key=lambda t: (distance[t], t)) if whole else None


def few_negatives(runs: Runs, family: str = "ucl") -> dict[str, Section | None]:
    """Return by factor, where there are records, the T of 5 % beside the usual one."""

    def labelled(factor: str) -> Iterator[tuple[list[str], Iterator[Comparison]]]:
        for name in runs.datasets(family, factor):
            t = chosen_by_share(runs, family, name, factor)
            if t not in (None, USUAL):  # where it is the usual one, there is nothing to compare
                low, usual = (runs.of(family, name, factor, "plain", x) for x in (t, USUAL))
                yield (
                    [words.FACTOR_NAMES[factor], f"{t:g}", name],
                    each_probe([(low, usual)]),
                )

    head = ["setting", "T of 5 %", "set"]
    return {
        factor: one_table("", "{table}", head, labelled(factor), gain_word, mean=True)
        for factor in CURVES
    }


def beside_untrained(runs: Runs) -> Section | None:
    """Return the plain loss at the T of 5 % beside the untrained encoder."""

    def labelled() -> Iterator[tuple[list[str], Iterator[Comparison]]]:
        for name in runs.datasets("ucl"):
            t = chosen_by_share(runs, "ucl", name, "")
            if t is not None:
                trained = runs.of("ucl", name, "", "plain", t)
                start = runs.of("ucl", name, "", "untrained", USUAL)
                yield [f"{t:g}", name], each_probe([(trained, start)])

    head = ["T of 5 %", "set"]
    return one_table(
        "Beside the untrained encoder", words.UNTRAINED, head, labelled(), gain_word, mean=True
    )


def _curves(runs: Runs, family: str) -> Iterator[tuple[str, str]]:
    for factor in CURVES:
        for name in runs.datasets(family, factor):
            if runs.settings(family, name, factor, "plain"):
                yield factor, name


Cases = dict[str, tuple[list[Comparison], list[Comparison]]]
"""Comparisons that the advice for a case rests on, and their means over sets, by its name."""


def cases(sections: Mapping[str, Section], classes: Mapping[str, int]) -> Cases:
    """Return what the advice for each case rests on."""
    found = {}
    for case, (name, fewest, most, _) in ROWS.items():
        here = [
            one
            for one in (sections[name].comparisons if name in sections else [])
            if fewest <= classes[one.dataset] <= most
        ]
        found[case] = here, together(over_sets(here, probe) for probe in PROBES)
    return found


def advice(judge: Judge, cases: Cases) -> str:
    """Return the table of what to do: one row for each case, with what it rests on."""
    rows = []
    for case, (found, means) in cases.items():
        said, measured = words.UNKNOWN, words.NO_RECORDS
        if found:
            said = ROWS[case][-1](_deciding(judge.count(found), judge.count(means)))
            measured = counted(judge.count(found)) + over(judge, means)
        rows.append([words.CASES[case], *said, measured])
    return table(["your case", "temperature", "β", "objective", "measured"], rows)


def _deciding(sets: dict[str, int], means: dict[str, int]) -> dict[str, int]:
    """Return the verdicts that decide: those of the means over sets, and of sets against them.

    One set that differs decides nothing where the mean is open; without means, all sets count.
    """
    if not sum(means.values()):
        return sets
    against = {HIGHER: LOWER, LOWER: HIGHER}
    return {
        verdict: number + (sets[verdict] if means.get(against.get(verdict, "")) else 0)
        for verdict, number in means.items()
    }


def over(judge: Judge, means: Sequence[Comparison]) -> str:
    """Return means over sets in words; nothing without any."""
    if not means:
        return ""
    listed = "; ".join(f"{PROBES[one.probe]} {cell(one, judge)}" for one in means)
    return f"; {means[0].dataset}: {listed}"


def _lower(hint: str, objective: str, otherwise: str) -> Callable[[dict[str, int]], list[str]]:
    """Return advice for a lower T by whether it is better, worse, both or neither."""

    def choose(counts: dict[str, int]) -> list[str]:
        better, worse = counts[HIGHER], counts[LOWER]
        if better and worse:
            return [words.TRY_BOTH.format(hint=hint), "0", objective]
        if better:
            return [hint, "0", objective]
        return [".5" if worse else otherwise, "0", objective]

    return choose


def _hard(counts: dict[str, int]) -> list[str]:
    if counts[HIGHER] + counts[LOWER]:
        return words.HARD_DIFFERS
    return words.HARD_EQUAL if not counts[OPEN] else words.HARD_OPEN


def _tuned(counts: dict[str, int]) -> list[str]:
    if counts[HIGHER]:
        return words.TUNE_BOTH
    return words.TUNE_T if not counts[OPEN] else words.TUNE_OPEN


def _labels(counts: dict[str, int]) -> list[str]:
    if counts[HIGHER] and not counts[LOWER]:
        return words.LABELS_HARD
    if counts[LOWER] and not counts[HIGHER]:
        return words.LABELS_PLAIN
    return words.LABELS_OPEN


EVERY = math.inf
ROWS: dict[str, tuple[str, float, float, Callable[[dict[str, int]], list[str]]]] = {
    "many": ("no head", MANY, EVERY, _lower("`auto`", "`ucl`", words.EITHER)),
    "few": ("no head", 0, MANY - 1, _lower("`auto`", "`ucl`", words.EITHER)),
    "head": ("head", 0, EVERY, _lower(".1 or lower", "`ucl`", words.WITH_HEAD)),
    "low scl": ("low scl", 0, EVERY, _lower("`auto`", "`scl`", words.EITHER)),
    "tested": ("tested", 0, EVERY, _hard),
    "both tuned": ("both tuned", 0, EVERY, _tuned),
    "labels": ("labels", 0, EVERY, _labels),
}
"""Case → its section, the fewest and most classes, and what the verdicts advise."""
