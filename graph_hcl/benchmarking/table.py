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
            cells = " & ".join(map(_escaped, row))
            # After the end of a row, LaTeX takes a bracket or an asterisk as part of it.
            return ("{}" if cells.startswith(("[", "*")) else "") + cells + r" \\"

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


NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho varsigma "
    "sigma tau upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi "
    "Omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", NAMES.split(), strict=True))
LIKE_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
"""The Greek letters that have no command, and what they look like."""
MATHS = {
    **{letter: rf"\{name}" for letter, name in GREEK.items()},
    **{letter: rf"\mathrm{{{like}}}" for letter, like in LIKE_LATIN.items()},
    **{"±": r"\pm", "×": r"\times", "·": r"\cdot", "∑": r"\sum", "∞": r"\infty", "√": r"\surd"},
    **{"≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "→": r"\to", "←": r"\gets"},
    **{"−": "-", "²": "^2", "³": "^3", "′": "'", "″": "''", "†": r"\dagger", "µ": r"\mu"},
    **{"<": "<", ">": ">", "|": "|", "‖": r"\|", "∈": r"\in", "∉": r"\notin", "∆": r"\Delta"},
    **{raised: f"^{plain}" for raised, plain in zip("⁰¹⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "01456789+-n", strict=True)},
    **{low: f"_{plain}" for low, plain in zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)},
}
"""Signs that LaTeX has in formulas alone."""
ESCAPES = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%_#${}"},
        **{"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"},
        **{character: f"${command}$" for character, command in MATHS.items()},
        "…": r"\ldots{}",
    }
)


def _escaped(text: str) -> str:
    return " ".join(text.splitlines()).translate(ESCAPES)
