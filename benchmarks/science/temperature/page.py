"""docs/temperature.md, written from the committed results: verdicts, figure, tables, advice."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.science.temperature import advice, sections, words
from benchmarks.science.temperature.pairs import Runs
from benchmarks.science.temperature.related import RELATED
from benchmarks.science.temperature.section import Section
from benchmarks.science.temperature.verdicts import Judge, counted, gain_word, law_word

ENDS = {
    "large beta": sections.large_beta,
    "both tuned": sections.both_tuned,
    "labels": sections.with_labels,
    "forms": sections.other_forms,
    "factors": sections.factors,
    "no temperature": sections.no_temperature,
    "oracle": sections.oracle,
}
"""The sections on where the law ends, those that most readers ask for first."""
TITLES = {
    "large beta": "large β",
    "both tuned": "both tuned (needs two whole seeds)",
    "labels": "with labels",
    "forms": "power mean and detached weights",
    "factors": "one setting changed",
    "no temperature": "weights that are no temperature",
    "oracle": "without false negatives",
}


def page(trials: Sequence[dict], planned: int, drawn: Sequence[str]) -> str:
    """Return the whole text; `planned` trials are in the grid, and `drawn` are the figures."""
    runs = Runs(trials)
    shares = advice.few_negatives(runs)
    found: dict[str, Section | None] = {
        "tested": sections.tested(runs),
        **{name: build(runs) for name, build in ENDS.items()},
        "no head": shares.pop(""),
        **shares,
        "low scl": advice.few_negatives(runs, "scl")[""],
        "untrained": advice.beside_untrained(runs),
    }
    there = {name: section for name, section in found.items() if section is not None}
    classes = {trial["dataset"]: trial["classes"] for trial in trials}
    cases = advice.cases(there, classes)
    judge = Judge(
        [
            *(one for each in there.values() for one in (*each.comparisons, *each.singles)),
            *(one for _, means in cases.values() for one in means),
        ]
    )
    parts = [
        words.HEAD,
        short(judge, cases),
        words.ADVICE.format(table=advice.advice(judge, cases)),
        words.FIGURE if "temperature-dark" in drawn else words.NO_FIGURE,
        words.LAW.format(
            proofs="\n".join(f"- {text}: `{test}`" for test, text in words.PROOFS.items())
        ),
        *tests(judge, there),
        *temperatures(runs, judge, there, ["no head", *shares]),
        RELATED,
        words.RECORDS.format(trials=len(trials), all=planned, there=listed(trials)),
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def short(judge: Judge, cases: advice.Cases) -> str:
    """Return the verdicts in a few lines."""
    said = {}
    for name, word in (
        ("tested", law_word), ("many", gain_word), ("few", gain_word), ("both tuned", gain_word),
    ):  # fmt: skip
        found, means = cases[name]
        key, counts = name.replace(" ", "_"), judge.count(found)
        said[key] = word(counts)
        said[f"{key}_counts"] = counted(counts)
        if name == "tested":
            said["over"] = advice.over(judge, means)
    return words.SHORT.format(rows=len(cases["tested"][0]), tests=judge.tests, **said)


def tests(judge: Judge, found: Mapping[str, Section]) -> Iterator[str]:
    """Yield the test of the law, then where it ends, then what has no records."""
    yield f"## {found['tested'].title}\n\n{found['tested'].text(judge)}"
    yield "## Where it ends\n"
    for name in ENDS:
        if name in found:
            yield f"### {found[name].title}\n\n{found[name].text(judge)}"
    missing = [TITLES[name] for name in ENDS if name not in found]
    if missing:
        yield words.WITHOUT_RECORDS.format(missing="; ".join(missing))


def temperatures(
    runs: Runs, judge: Judge, found: Mapping[str, Section], names: Sequence[str]
) -> Iterator[str]:
    """Yield plain losses by temperature, the rule beside the usual one, and the untrained."""
    yield words.TEMPERATURES.format(curve=advice.by_temperature(runs) or words.NOTHING)
    yield from _rule(judge, found, [name for name in names if name in found])
    if "untrained" in found:
        yield f"### {found['untrained'].title}\n\n{found['untrained'].text(judge)}"
    curve = advice.by_temperature(runs, "scl")
    if curve is not None:
        yield words.LABELLED_TEMPERATURES.format(curve=curve)
        yield from _rule(judge, found, ["low scl"] if "low scl" in found else [])


def _rule(judge: Judge, found: Mapping[str, Section], names: Sequence[str]) -> Iterator[str]:
    """Yield one table of the rule's temperature − the usual one, for each setting."""
    tables = [found[name].text(judge).splitlines() for name in names]
    if tables:
        rows = [line for lines in tables for line in lines[2:]]
        yield words.SHARES.format(table="\n".join([*tables[0][:2], *rows]))


def listed(trials: Sequence[dict]) -> str:
    """Return how many trials and seeds each family has, by set.

    >>> listed([{"family": "ucl", "dataset": "digits", "seed": seed} for seed in (0, 1, 1)])
    'without labels: digits 3 (2 seeds)'
    """
    families = []
    for family, name in words.FAMILIES.items():
        here = [trial for trial in trials if trial["family"] == family]
        sets = []
        for dataset in dict.fromkeys(trial["dataset"] for trial in here):
            seeds = [trial["seed"] for trial in here if trial["dataset"] == dataset]
            many = len(set(seeds))
            sets.append(f"{dataset} {len(seeds)} ({many} seed{'s' * (many > 1)})")
        if sets:
            families.append(f"{name}: {', '.join(sets)}")
    return "; ".join(families) or "none"
