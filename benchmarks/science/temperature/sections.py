"""Sections of docs/temperature.md: each a prediction of the law, and what the records say."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.science.table import table
from benchmarks.science.temperature import words
from benchmarks.science.temperature.grid import BETAS, FACTORS, FORMS, TEMPERATURES
from benchmarks.science.temperature.pairs import (
    PROBES,
    BySeed,
    Comparison,
    Pair,
    Runs,
    chosen_pair,
    compared,
    each_probe,
    equivalent,
    over_sets,
)
from benchmarks.science.temperature.section import Section, one_table
from benchmarks.science.temperature.verdicts import (
    Judge,
    counted,
    gain_word,
    law_word,
    marked,
    p_values,
    points,
    together,
)

PLAIN_CANDIDATES = (
    0.5, 0.1, 0.0454545, 0.0181818, 0.25, 0.2, 0.0666667, 0.04, 0.166667, 0.333333, 0.0909091, 1.0,
    0.05, 0.025,
)  # fmt: skip
"""Temperatures of the plain loss that T is chosen among, as many of them as the other has
candidates: spread out, and those that hard losses are equivalent to before the rest."""


def tested(runs: Runs) -> Section:
    """Return hard losses beside their controls without labels, a set and probe per row."""
    found = {name: runs.hard_pairs("ucl", name) for name in runs.datasets("ucl")}
    whole = {name: list(each_probe(pairs)) for name, pairs in found.items()}
    singles = {
        one: together(compared([pair], one.probe) for pair in found[name])
        for name, ones in whole.items()
        for one in ones
    }
    every = [one for ones in whole.values() for one in ones]
    alone = [single for ones in singles.values() for single in ones]
    means = together(over_sets(every, probe) for probe in PROBES)

    def text(judge: Judge) -> str:
        by_itself, rows = Judge(alone, correct=False), []
        for name, ones in whole.items():
            for first, one in zip([True] + [False] * len(ones), ones, strict=False):
                about = f"{name}, {classes(runs, name)}" if first else ""
                size = f"{one.pairs} / {one.seeds}" if first else ""
                judgement = judge(one)
                rows.append(
                    [about, size, PROBES[one.probe], points(one), *p_values(judgement),
                     judgement.verdict, marked(by_itself.count(singles[one]))]
                )  # fmt: skip
        for one in means:
            judgement = judge(one)
            rows.append(
                [f"*{one.dataset}*", "", PROBES[one.probe], points(one), *p_values(judgement),
                 judgement.verdict, ""]
            )  # fmt: skip
        head = ["set, classes", "pairs / seeds", "probe", "difference", "p differ", "p equal",
                "verdict", "its pairs, at 5 % each"]  # fmt: skip
        return words.TESTED.format(
            verdict=law_word(judge.count(every)),
            counts=counted(judge.count(every)),
            rows=len(every),
            singles=len(alone),
            uncorrected=counted(by_itself.count(alone)),
            table=table(head, rows) if rows else words.NOTHING,
        )

    return Section("Hard losses and their controls", every, text, means)


def classes(runs: Runs, dataset: str) -> int:
    """Return the number of classes of a set."""
    return next(int(trial["classes"]) for trial in runs.trials if trial["dataset"] == dataset)


def large_beta(runs: Runs) -> Section | None:
    """Return how far the law goes by T and β: gradients at the end of training, and accuracy."""
    rows, largest = [], max(BETAS)
    for temperature in TEMPERATURES:
        for beta in BETAS:
            found = [
                (name, runs.of("ucl", name, "", "exponential", temperature, beta))
                for name in runs.datasets("ucl")
            ]
            trials = [one for _, by_seed in found for one in by_seed.values() if one.get("match")]
            if not trials:
                continue
            law = equivalent(trials[0])
            matched = [one["match"]["temperature"] for one in trials]
            cosines = [one["match"]["cosine"] for one in trials]
            pairs = [runs.with_control(by_seed) for _, by_seed in found]
            rows.append(
                [f"{temperature:g}", f"{beta:g}", f"{law:.3g}",
                 f"{statistics.median(matched):.3g} ({min(matched):.3g} … {max(matched):.3g})",
                 f"{statistics.median(cosines):.3f} ({min(cosines):.3f})",
                 pulls(pairs),
                 str(len({one["dataset"] for one in trials})),
                 " / ".join(mean_difference(pairs, probe) for probe in PROBES)]
            )  # fmt: skip
    comparisons = [
        one
        for name in runs.datasets("ucl")
        for one in each_probe(runs.hard_pairs("ucl", name, betas=[largest]))
    ]
    if not rows:
        return None
    head = ["T", "β", "T′ of the law", "T matched, median (range)", "cosine, median (least)",
            "factor", "sets", "kNN / class mean / SVM"]  # fmt: skip
    return Section(
        "Large β",
        comparisons,
        lambda judge: words.LARGE_BETA.format(
            table=table(head, rows),
            beta=f"{largest:g}",
            verdict=law_word(judge.count(comparisons)),
            counts=counted(judge.count(comparisons)),
        ),
    )


def pulls(pairs: Sequence[Pair]) -> str:
    """Return the mean factor σ(log n − s_p) of hard losses and of their controls at the end.

    >>> pulls([({0: {"pull": 0.9}}, {0: {"pull": 0.5}}), ({0: {"pull": 0.8}}, {})])
    '0.90 / 0.50'
    """
    both = [
        (first[seed]["pull"], second[seed]["pull"])
        for first, second in pairs
        for seed in sorted(first.keys() & second.keys())
        if "pull" in first[seed] and "pull" in second[seed]
    ]
    return " / ".join(f"{statistics.fmean(side):.2f}" for side in zip(*both, strict=True)) or "–"


def mean_difference(pairs: Sequence[Pair], probe: str) -> str:
    """Return the mean over sets of a difference, in points; a dash where no set has one."""
    found = together(compared([pair], probe) for pair in pairs)
    if not found:
        return "–"
    return f"{100 * statistics.fmean(one.paired.difference for one in found):+.1f}"


def other_forms(runs: Runs) -> Section | None:
    """Return the forms that the law is exact for, and each beside the exponential one."""

    def labelled() -> Iterator[tuple[list[str], Iterator[Comparison]]]:
        names = runs.datasets("ucl")
        for name in names:
            for form, words_of in words.FORM_NAMES.items():
                pairs = runs.hard_pairs("ucl", name, form=form)
                yield [name, f"{words_of} − plain at T′"], each_probe(pairs)
        for name in names:
            for form, words_of in words.FORM_NAMES.items():
                pairs = runs.same_push(name, "exponential", form)
                yield [name, f"exponential − {words_of}"], each_probe(pairs)

    return one_table(
        "Power mean and detached weights", words.OTHER_FORMS, ["set", "difference"], labelled()
    )


def factors(runs: Runs) -> Section | None:
    """Return hard losses beside their controls with one setting changed."""
    labelled = (
        ([words.FACTOR_NAMES[name], dataset, pulls(pairs)], each_probe(pairs))
        for name in FACTORS
        if name != "oracle"
        for dataset in runs.datasets("ucl", name)
        if (pairs := runs.hard_pairs("ucl", dataset, name))
    )
    head = ["setting", "set", "factor"]
    return one_table("One setting changed", words.FACTORS, head, labelled)


def with_labels(runs: Runs) -> Section | None:
    """Return H-SCL beside its control on held-out graphs."""
    labelled = (([name], each_probe(runs.hard_pairs("scl", name))) for name in runs.datasets("scl"))
    return one_table(
        "Many positives: with labels", words.LABELS, ["set"], labelled, law_word, mean=True
    )


def both_tuned(runs: Runs) -> Section | None:
    """Return the best hard setting beside the best plain one, each chosen on the other seeds."""
    labelled = (
        ([name], beside_best_plain(runs, name, list(found.values())))
        for name in runs.datasets("ucl")
        if (found := runs.settings("ucl", name, "", "exponential"))
    )
    return one_table("Both tuned", words.BOTH_TUNED, ["set"], labelled, gain_word, mean=True)


def no_temperature(runs: Runs) -> Section | None:
    """Return weights that no temperature gives beside the best single temperature."""
    labelled = []
    for name in runs.datasets("ucl"):
        for form in FORMS:
            found = list(runs.settings("ucl", name, "", form).values())
            cosines = [
                one["match"]["cosine"]
                for trials in found
                for one in trials.values()
                if one.get("match")
            ]
            if cosines:
                about = [name, form, f"{statistics.median(cosines):.3f}"]
                labelled.append((about, beside_best_plain(runs, name, found)))
    head = ["set", "weights", "cosine to plain, median"]
    return one_table("Weights that are no temperature", words.NONE, head, labelled, gain_word)


def oracle(runs: Runs) -> Section | None:
    """Return training without false negatives beside that with them, at the best T of each."""

    def best(name: str) -> Iterator[Comparison]:
        sides = [
            list(runs.settings(family, name, factor, "plain").values())
            for family, factor in (("scl", "oracle"), ("ucl-held-out", ""))
        ]
        for probe in PROBES:
            if (found := compared([chosen_pair(*sides, probe)], probe)) is not None:
                yield found

    labelled = (([name], best(name)) for name in runs.datasets("scl", "oracle"))
    return one_table("Without false negatives", words.ORACLE, ["set"], labelled, gain_word)


def beside_best_plain(
    runs: Runs, dataset: str, candidates: Sequence[BySeed]
) -> Iterator[Comparison]:
    """Yield by each probe the best candidate − the best of as many plain ones, without labels."""
    plain = [
        found
        for temperature in PLAIN_CANDIDATES
        if (found := runs.of("ucl", dataset, "", "plain", temperature))
    ]
    number = min(len(plain), len(candidates))
    for probe in PROBES:
        pair = chosen_pair(candidates[:number], plain[:number], probe)
        if (best := compared([pair], probe)) is not None:
            yield best
