"""The tables of a benchmark: scores beside published ones, and paired differences."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from graph_hcl.benchmarking.selection import Record, Scores, score
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.data import find_card
from graph_hcl.probes import PairedDifference, corrected_t_test
from graph_hcl.results import markdown

Grid = dict[tuple[str, str], Scores]
"""Scores by method and data set."""


@dataclass(frozen=True)
class Table:
    """A caption, a head, and rows of text.

    >>> print(Table("two", ["a", "b"], [["1", "22"]]).markdown())
    two
    <BLANKLINE>
    | a | b  |
    | - | -- |
    | 1 | 22 |
    """

    caption: str
    head: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Return the table as Markdown that also reads as text."""
        return f"{self.caption}\n\n{markdown([self.head, *self.rows])}"

    def csv(self) -> str:
        """Return the table as comma-separated values, cells with a comma in quotes."""
        return "\n".join(",".join(map(_quoted, row)) for row in [self.head, *self.rows])

    def latex(self) -> str:
        """Return the table as a LaTeX table with the rules of the package booktabs."""

        def line(row: Sequence[str]) -> str:
            return " & ".join(map(_escaped, row)) + r" \\"

        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_escaped(self.caption)}}}",
                rf"\begin{{tabular}}{{{'l' * len(self.head)}}}",
                r"\toprule",
                line(self.head),
                r"\midrule",
                *map(line, self.rows),
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
            ]
        )


def gather(trials: Sequence[tuple[Trial, Record | None]], protocol: str) -> Grid:
    """Return the scores of all methods and data sets of a protocol that have any."""
    groups: dict[tuple[str, str], list[tuple[Trial, Record | None]]] = {}
    for trial, record in trials:
        if trial.protocol == protocol:
            groups.setdefault((trial.method, trial.dataset), []).append((trial, record))
    found = {key: score(group) for key, group in groups.items()}
    return {key: scores for key, scores in found.items() if scores is not None}


def score_table(grid: Grid, protocol: str, macro_f1: bool = False) -> Table:
    """Return methods by data sets: mean ± deviation over repetitions, deviation over folds.

    ×n marks fewer repetitions than others have, an asterisk candidates that are missing yet.
    """
    methods, datasets = _axes(grid)
    count = max(len(scores.accuracy) for scores in grid.values())

    def text(scores: Scores | None) -> str:
        if scores is None:
            return ""
        values = scores.macro_f1 if macro_f1 else scores.accuracy
        over = f" ± {100 * values.mean(1).std():.2f}" if len(values) > 1 else ""
        folds = 100 * values.std(1).mean()
        marks = f" ×{len(values)}" if len(values) < count else ""
        marks += "" if scores.complete else " *"
        return f"{100 * values.mean():.2f}{over} ({folds:.1f}){marks}"

    measure = "Macro-F1" if macro_f1 else "Accuracy"
    caption = (
        f"{measure} in %, {protocol} protocol: mean ± deviation over repetitions (deviation over "
        f"folds); {count} repetition{'s' if count > 1 else ''}, or ×n."
    )
    if not all(scores.complete for scores in grid.values()):
        caption += " * Not all candidates are finished."
    rows = [[m, *(text(grid.get((m, d))) for d in datasets)] for m in methods]
    return Table(caption, ["method", *datasets], rows)


def published_table(datasets: Sequence[str]) -> Table:
    """Return what others reported on these data sets, by method and protocol, from the cards."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in datasets:
        card = find_card(name)
        for entry in card.published if card else []:
            over = "folds" if entry.get("std_over") == "folds" else "repetitions"
            text = f"{entry['accuracy']:.2f}"
            if entry.get("std") is not None:
                text += f" ({entry['std']:.1f})" if over == "folds" else f" ± {entry['std']:.2f}"
            found.setdefault((entry["method"], entry["protocol"]), {})[name] = text
    rows = [
        [method, protocol, *(trials.get(name, "") for name in datasets)]
        for (method, protocol), trials in found.items()
    ]
    caption = (
        "Published accuracies in %: mean ± deviation over repetitions, or (deviation over folds)."
    )
    return Table(caption, ["method", "protocol", *datasets], rows)


def difference(first: Scores, second: Scores) -> PairedDifference | None:
    """Return the paired difference over the folds of the repetitions that both have.

    None where the folds differ in number, or there is one score alone.
    """
    count = min(len(first.accuracy), len(second.accuracy))
    a, b = first.accuracy[:count].ravel(), second.accuracy[:count].ravel()
    if len(a) != len(b) or len(a) < 2:
        return None
    return corrected_t_test(a, b, test_to_train=first.test_to_train)


def difference_table(grid: Grid, protocol: str, compare: Sequence[Sequence[str]] = ()) -> Table:
    """Return pairs of methods on each data set: difference, 95 % interval, p of equality.

    The pairs are those of `compare`, or all.
    """
    methods, datasets = _axes(grid)
    pairs = [(a, b) for a, b in compare] or list(itertools.combinations(methods, 2))
    rows = []
    for name in datasets:
        for a, b in pairs:
            if (a, name) in grid and (b, name) in grid:
                found = difference(grid[a, name], grid[b, name])
                if found is None:
                    continue
                low, high = (100 * end for end in found.interval)
                interval = f"{low:+.2f} … {high:+.2f}"
                trials = [f"{100 * found.difference:+.2f}", interval, f"{found.p_value:.3f}"]
                rows.append([name, a, b, *trials])
    caption = (
        f"Paired differences in percentage points, {protocol} protocol: first − second over the "
        "same folds, corrected resampled t-test (Nadeau and Bengio 2003); p is not corrected for "
        "the number of pairs."
    )
    return Table(caption, ["data set", "first", "second", "difference", "95 %", "p"], rows)


def choice_table(grid: Grid, protocol: str) -> Table:
    """Return which candidates were chosen on validation parts, and in how many folds."""
    rows = [
        [method, name, "; ".join(f"{k} ({n})" for k, n in scores.choices.items())]
        for (method, name), scores in grid.items()
        if len(scores.choices) > 1 or "the only one" not in scores.choices
    ]
    caption = f"Chosen on validation parts, {protocol} protocol (number of folds)."
    return Table(caption, ["method", "data set", "candidates"], rows)


def all_tables(
    trials: Sequence[tuple[Trial, Record | None]], compare: Sequence[Sequence[str]] = ()
) -> dict[str, Table]:
    """Return every table that the finished trials allow, by name."""
    found: dict[str, Table] = {}
    datasets: list[str] = []
    for protocol in dict.fromkeys(trial.protocol for trial, _ in trials):
        grid = gather(trials, protocol)
        if not grid:
            continue
        datasets += [name for name in _axes(grid)[1] if name not in datasets]
        found[f"{protocol}-accuracy"] = score_table(grid, protocol)
        found[f"{protocol}-macro-f1"] = score_table(grid, protocol, macro_f1=True)
        found[f"{protocol}-differences"] = difference_table(grid, protocol, compare)
        found[f"{protocol}-choices"] = choice_table(grid, protocol)
    found["published"] = published_table(datasets)
    return {name: table for name, table in found.items() if table.rows}


def _axes(grid: Grid) -> tuple[list[str], list[str]]:
    return list(dict.fromkeys(m for m, _ in grid)), list(dict.fromkeys(d for _, d in grid))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def _escaped(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, "\\" + character)
    return text.replace("±", r"$\pm$").replace("−", "$-$").replace("…", r"\ldots{}")
