"""One table of the records of runs and benchmarks, with whatever columns their readers add."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph_hcl.errors import UserError
from graph_hcl.probes.evaluation import Evaluation
from graph_hcl.probes.frame import data_frame
from graph_hcl.registry import unknown_name


@dataclass(frozen=True)
class ResultTable:
    """Rows that are records of an `Evaluation` with any further columns.

    Further columns say what was measured: dataset, method, encoder ("trained" or "untrained"),
    epoch, candidate, and so on.

    >>> def row(encoder, fold, accuracy):
    ...     return {"encoder": encoder, "seed": 0, "fold": fold, "scores": {"accuracy": accuracy}}
    >>> table = ResultTable([row("trained", 0, 0.9), row("trained", 1, 0.8), row("none", 0, 0.5)])
    >>> table.select(encoder="trained").scores("accuracy")
    {(0, 0): 0.9, (0, 1): 0.8}
    >>> {encoder: len(part) for encoder, part in table.group("encoder").items()}
    {'trained': 2, 'none': 1}
    """

    rows: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns of any row, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def select(self, **columns: Any) -> ResultTable:
        """Return the rows with these values; a column that a row lacks counts as None.

        Raises `UserError` for a column that no row has.
        """
        for name in columns:
            self._check(name)
        return ResultTable(
            [
                row
                for row in self.rows
                if all(row.get(name) == value for name, value in columns.items())
            ]
        )

    def group(self, by: str | Sequence[str]) -> dict[Any, ResultTable]:
        """Return a table for each value of a column, or for each tuple of values of several.

        Values are in order of appearance. Raises `UserError` for a column that no row has, or whose
        values are lists or mappings.
        """
        names = [by] if isinstance(by, str) else list(by)
        for name in names:
            self._check(name)
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for row in self.rows:
            values = tuple(row.get(name) for name in names)
            if not all(isinstance(value, Hashable) for value in values):
                raise UserError(
                    f"Expected columns of plain values to group by, but got {', '.join(names)}."
                )
            groups.setdefault(values[0] if isinstance(by, str) else values, []).append(row)
        return {values: ResultTable(rows) for values, rows in groups.items()}

    def scores(self, metric: str) -> dict[tuple[int, int], float]:
        """Return the score of a metric by (seed, fold), the mean over its draws of labels.

        Raises `UserError` for a metric that some row lacks, and where a seed, fold and draw appears
        twice: select or group by a column that tells the rows apart first.
        """
        draws: dict[tuple[int, int], dict[int, float]] = {}
        for row in self.rows:
            scores = draws.setdefault((row["seed"], row["fold"]), {})
            draw = row.get("draw", 0)
            if draw in scores:
                raise UserError(
                    f"Expected one row for seed {row['seed']} and fold {row['fold']}, but got "
                    "several: select one of them by another column."
                )
            if metric not in row["scores"]:
                raise unknown_name("metric", metric, row["scores"])
            scores[draw] = row["scores"][metric]
        return {key: float(np.mean(list(scores.values()))) for key, scores in draws.items()}

    def evaluation(self) -> Evaluation:
        """Return the rows as one evaluation; raises `UserError` as `from_records` does."""
        return Evaluation.from_records(self.rows)

    def to_frame(self) -> Any:
        """Return a pandas data frame with one column for each metric and each parameter.

        Raises `ImportError` where pandas is not installed.
        """
        return data_frame(self.rows)

    def _check(self, name: str) -> None:
        if self.rows and name not in self.columns:
            raise unknown_name("column", name, self.columns)
