"""A table of text with a caption, as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph_hcl.results import markdown


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
        """Return the table as comma-separated values, quoted where they contain commas."""
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


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


ESCAPES = {
    "±": r"$\pm$",
    "−": "$-$",
    "²": "$^2$",
    "…": r"\ldots{}",
    "<": "$<$",
    "†": r"$\dagger$",
    "τ": r"$\tau$",
}


def _escaped(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, "\\" + character)
    for character, command in ESCAPES.items():
        text = text.replace(character, command)
    return text
