"""A section of docs/temperature.md, and the table that most of them have."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.science.table import table
from benchmarks.science.temperature.pairs import PROBES, Comparison, over_sets
from benchmarks.science.temperature.verdicts import Judge, cell, counted, law_word


@dataclass(frozen=True)
class Section:
    """A part of the page: its title, its tests, and its text by their judgements.

    `singles` are further tests, of parts of the comparisons.
    """

    title: str
    comparisons: Sequence[Comparison]
    text: Callable[[Judge], str]
    singles: Sequence[Comparison] = ()


def one_table(
    title: str,
    template: str,
    head: Sequence[str],
    labelled: Iterable[tuple[list[str], Iterable[Comparison]]],
    word: Callable[[dict[str, int]], str] = law_word,
    mean: bool = False,
) -> Section | None:
    """Return a section of one table: labels, seeds, and a difference by each probe.

    `template` is filled with the table, the numbers of verdicts and a word for them; `mean` adds a
    row of the mean over sets, which is not among those numbers. None without any comparison.
    """
    rows = []
    for labels, found in labelled:
        by_probe = {one.probe: one for one in found}
        if by_probe:
            rows.append((labels, by_probe))
    comparisons = [one for _, by_probe in rows for one in by_probe.values()]
    if not comparisons:
        return None

    over = {probe: over_sets(comparisons, probe) for probe in PROBES} if mean else {}
    means = {probe: one for probe, one in over.items() if one is not None}

    def text(judge: Judge) -> str:
        counts = judge.count(comparisons)
        lines = [
            [*labels, str(max(one.seeds for one in by_probe.values())),
             *(cell(by_probe.get(probe), judge) for probe in PROBES)]
            for labels, by_probe in [*rows, *_last(means, len(head))]
        ]  # fmt: skip
        columns = [*head, "seeds", *PROBES.values()]
        return template.format(
            verdict=word(counts), counts=counted(counts), table=table(columns, lines)
        )

    return Section(title, comparisons, text, list(means.values()))


def _last(
    means: dict[str, Comparison], columns: int
) -> list[tuple[list[str], dict[str, Comparison]]]:
    """Return the labels and comparisons of the row of means, if there are any."""
    names = [one.dataset for one in means.values()][:1]
    return [([*[""] * (columns - 1), f"*{name}*"], means) for name in names]
