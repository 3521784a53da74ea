"""What a user should do: plain losses by temperature, and the advice that follows."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping

from benchmarks.science.table import table
from benchmarks.science.temperature import words
from benchmarks.science.temperature.grid import CURVE, FACTORS
from benchmarks.science.temperature.pairs import Comparison, Runs, each_probe, mean_accuracy
from benchmarks.science.temperature.section import Section, one_table
from benchmarks.science.temperature.verdicts import (
    HIGHER,
    LOWER,
    OPEN,
    Judge,
    counted,
    gain_word,
)
from graph_hcl.losses.temperature import SHARE

USUAL = 0.5
"""The temperature that others are compared with, the library's default."""
MANY = 10
"""From so many classes on a set has many, for the advice."""
CURVES = ("", "head", "batch32", "batch1024", "batch4110", "hidden128", "long")
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
            if t is not None:
                low, usual = (runs.of(family, name, factor, "plain", x) for x in (t, USUAL))
                yield (
                    [words.FACTOR_NAMES[factor], f"{t:g}", name],
                    each_probe([(low, usual)]),
                )

    head = ["setting", "T of 5 %", "set"]
    return {
        factor: one_table("", "{table}", head, labelled(factor), gain_word, mean=True)
        for factor in (CURVES if family == "ucl" else ("",))
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
        if factor in FACTORS or not factor:
            for name in runs.datasets(family, factor):
                if runs.settings(family, name, factor, "plain"):
                    yield factor, name


def advice(judge: Judge, sections: Mapping[str, Section], classes: Mapping[str, int]) -> str:
    """Return the table of what to do: one row for each kind of data, with what it rests on."""
    rows = []
    for (name, fewest, most), (data, choose) in ROWS.items():
        found = [
            one
            for one in (sections[name].comparisons if name in sections else [])
            if fewest <= classes[one.dataset] <= most
        ]
        counts = judge.count(found)
        said = choose(counts) if found else words.UNKNOWN
        rows.append([data, *said, counted(counts) if found else "no records yet"])
    return table(["your case", "temperature", "β", "objective", "measured"], rows)


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
ROWS: dict[tuple[str, float, float], tuple[str, Callable[[dict[str, int]], list[str]]]] = {
    ("no head", MANY, EVERY): (words.CASES["many"], _lower("`auto`", "`ucl`", words.EITHER)),
    ("no head", 0, MANY - 1): (words.CASES["few"], _lower("`auto`", "`ucl`", words.EITHER)),
    ("head", 0, EVERY): (words.CASES["head"], _lower(".1 or lower", "`ucl`", words.WITH_HEAD)),
    ("low scl", 0, EVERY): (words.CASES["low scl"], _lower("`auto`", "`scl`", words.EITHER)),
    ("tested", 0, EVERY): (words.CASES["tested"], _hard),
    ("both tuned", 0, EVERY): (words.CASES["both tuned"], _tuned),
    ("labels", 0, EVERY): (words.CASES["labels"], _labels),
}
"""Section, fewest and most classes → the case in words, and what its verdicts advise."""
