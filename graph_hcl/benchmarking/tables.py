"""The tables of a benchmark: scores beside published ones, and paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graph_hcl.benchmarking.development import candidate_table
from graph_hcl.benchmarking.differences import Grid, difference_table, p_values, paired_tests
from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.selection import ONLY, Scores, score
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.benchmarking.units import know_metrics, of_lower
from graph_hcl.data import find_card
from graph_hcl.probes import METRICS
from graph_hcl.probes.metrics import title
from graph_hcl.probes.telling import is_share, told_value

PUBLISHED = "published"
"""Name of the table of published scores."""
UNFINISHED = "*"
"""Mark of scores of which trials are unfinished."""


def score_grids(trials: Sequence[tuple[Trial, Record | None]]) -> dict[str, Grid]:
    """Return the scores of all methods and data sets that have any, by protocol."""
    groups: dict[tuple[str, str, str], list[tuple[Trial, Record | None]]] = {}
    for trial, record in trials:
        if trial.measure is None:
            key = trial.protocol, trial.method, trial.dataset
            groups.setdefault(key, []).append((trial, record))
    grids: dict[str, dict[tuple[str, str], Scores]] = {}
    for (protocol, method, dataset), group in groups.items():
        scores = score(group)
        if scores is not None:
            grids.setdefault(protocol, {})[method, dataset] = scores
    return dict(grids)


def metrics(grid: Grid) -> list[str]:
    """Return the metrics of the scores, in order of appearance."""
    return list(dict.fromkeys(name for scores in grid.values() for name in scores.metrics))


def score_table(
    grid: Grid, protocol: str, metric: str, wanted: Sequence[tuple[str, str]] = ()
) -> Table:
    """Return methods by data sets: mean ± deviation over repetitions (deviation over folds).

    Each method has its number of candidates and where its settings are from. ×n marks fewer
    repetitions than other methods have, an asterisk unfinished trials, a dagger settings that were
    chosen on the data set. `wanted` are the methods and data sets of all trials, also unfinished.
    """
    methods, datasets = _axes(wanted or grid)
    missing = {cell for cell in wanted if cell not in grid}
    shares = is_share(metric)
    count = max(scores.seeds for scores in grid.values())

    def text(method: str, name: str) -> str:
        if (method, name) in missing:
            return f"– {UNFINISHED}"
        scores = grid.get((method, name))
        if scores is None or metric not in scores.metrics:
            return ""
        values = scores[metric]
        seeds, folds = values.std_seeds, values.std
        over_seeds = f" ± {100 * seeds:.2f}" if shares else f" ± {seeds:.2g}"
        over_folds = f" ({100 * folds:.1f})" if shares else f" ({folds:.2g})"
        return "".join(
            [
                told_value(values.mean, metric),
                over_seeds if scores.seeds > 1 else "",
                over_folds if values.over == "folds" else "",
                f" ×{scores.seeds}" if scores.seeds < count else "",
                mark(scores),
            ]
        )

    lower = [metric] if any(metric in scores.lower for scores in grid.values()) else []
    caption = (
        f"{_capital(metric)}{' in %' if shares else ''}, {protocol} protocol: mean ± deviation "
        f"over repetitions (deviation over folds); {count} repetition{'s' if count > 1 else ''}, "
        "or ×n. Of several candidates each fold takes the best on its validation part."
        f"{of_lower(lower)}"
    )
    rows = []
    for method in methods:
        some = next((scores for (one, _), scores in grid.items() if one == method), None)
        number = "–" if some is None or some.candidates is None else str(some.candidates)
        origin = "–" if some is None else settings_from(some)
        rows.append([method, number, origin, *(text(method, name) for name in datasets)])
    head = ["method", "candidates", "settings from", *datasets]
    return Table(f"{caption}{footnotes(grid.values(), bool(missing))}", head, rows)


def _capital(metric: str) -> str:
    """Return the title of a metric as a caption begins with it; one's own keeps its letters.

    >>> _capital("accuracy"), _capital("rmse"), _capital("kappa")
    ('Accuracy', 'RMSE', 'kappa')
    """
    name = title(metric)
    return name[:1].upper() + name[1:] if metric in METRICS else name


def settings_from(scores: Scores) -> str:
    """Return where the settings of a method are from, besides what each fold selects.

    >>> settings_from(Scores({}, {}, 1, True, False, selected_on=("NCI1",)))
    'NCI1'
    """
    return ", ".join(scores.selected_on) or "fixed before"


def mark(scores: Scores) -> str:
    """Return the marks behind a score.

    >>> mark(Scores({}, {}, 1, True, unfinished=True, selected_on=("NCI1",), leaked=True))
    ' † *'
    """
    return (" †" if scores.leaked else "") + (f" {UNFINISHED}" if scores.unfinished else "")


def footnotes(shown: Iterable[Scores], unfinished: bool = False) -> str:
    """Return what the marks of these scores mean, nothing where none is marked.

    `unfinished` tells that others are marked as unfinished.
    """
    shown = list(shown)
    text = ""
    if any(scores.leaked for scores in shown):
        text += (
            " † The settings were chosen on this data set, so the score is too high and not tested."
        )
    if unfinished or any(scores.unfinished for scores in shown):
        text += f" {UNFINISHED} Not all trials are finished."
    return text


def file_name(metric: str) -> str:
    """Return a metric as names of tables have it.

    >>> file_name("macro_f1")
    'macro-f1'
    """
    return metric.replace("_", "-")


def published_table(datasets: Sequence[str]) -> Table:
    """Return published accuracies on these data sets by method and protocol, from the cards."""
    reported: dict[tuple[str, str], dict[str, str]] = {}
    for name in datasets:
        card = find_card(name)
        for entry in card.published if card else []:
            over = "folds" if entry.get("std_over") == "folds" else "repetitions"
            text = f"{entry['accuracy']:.2f}"
            if entry.get("std") is not None:
                text += f" ({entry['std']:.1f})" if over == "folds" else f" ± {entry['std']:.2f}"
            reported.setdefault((entry["method"], entry["protocol"]), {})[name] = text
    rows = [
        [method, protocol, *(texts.get(name, "") for name in datasets)]
        for (method, protocol), texts in reported.items()
    ]
    caption = (
        "Published accuracies in %: mean ± deviation over repetitions, or (deviation over folds)."
    )
    return Table(caption, ["method", "protocol", *datasets], rows)


def choice_table(grid: Grid, protocol: str) -> Table:
    """Return the candidates that were selected on validation parts, and in how many folds."""
    rows = [
        [method, name, "; ".join(f"{k} ({n})" for k, n in scores.selected.items())]
        for (method, name), scores in grid.items()
        if set(scores.selected) != {ONLY}
    ]
    caption = f"Chosen on validation parts, {protocol} protocol (number of folds)."
    return Table(caption, ["method", "data set", "candidates"], rows)


def all_tables(
    trials: Sequence[tuple[Trial, Record | None]],
    compare: Sequence[Sequence[str]] | None = None,
    others: Sequence[float] = (),
) -> dict[str, Table]:
    """Return every table of the finished trials, by name.

    p-values are corrected for all tests of the tables, and for `others`, those of further ones.
    Raises `UserError` for a metric of the user's own that cannot be imported.
    """
    know_metrics(trial for trial, _ in trials)
    tables: dict[str, Table] = {}
    grids = score_grids(trials)
    tests = {protocol: paired_tests(grid, compare) for protocol, grid in grids.items()}
    for protocol, grid in grids.items():
        wanted = [
            (trial.method, trial.dataset)
            for trial, _ in trials
            if trial.protocol == protocol and trial.measure is None
        ]
        for metric in metrics(grid):
            name = f"{protocol}-{file_name(metric)}"
            tables[name] = score_table(grid, protocol, metric, wanted)
        rest = [p for name, found in tests.items() if name != protocol for p in p_values(found)]
        table = difference_table(tests[protocol], protocol, [*rest, *others])
        tables[f"{protocol}-differences"] = table
        tables[f"{protocol}-choices"] = choice_table(grid, protocol)
    datasets = list(dict.fromkeys(name for grid in grids.values() for name in _axes(grid)[1]))
    tables[PUBLISHED] = published_table(datasets)
    return {name: table for name, table in tables.items() if table.rows}


def development_tables(trials: Sequence[tuple[Trial, Record | None]]) -> dict[str, Table]:
    """Return the tables of a development benchmark: validation scores of all candidates.

    Raises `UserError` as `all_tables` and `candidate_table` do.
    """
    know_metrics(trial for trial, _ in trials)
    protocols = dict.fromkeys(trial.protocol for trial, _ in trials)
    tables = {f"{one}-candidates": candidate_table(trials, one) for one in protocols}
    return {name: table for name, table in tables.items() if table.rows}


def _axes(cells: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    methods, datasets = zip(*cells, strict=True)
    return list(dict.fromkeys(methods)), list(dict.fromkeys(datasets))
