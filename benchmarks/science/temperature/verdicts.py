"""Verdicts of the temperature benchmark: two settings are equal, differ, or are undecided."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.science.temperature.pairs import Comparison
from graph_hcl.probes import holm
from graph_hcl.probes.statistics import p_text

MARGIN = 0.01
"""Accuracies whose true difference is less than this are equal: a percentage point."""
LEVEL = 0.05
EQUAL, HIGHER, LOWER, OPEN = "equal", "higher", "lower", "undecided"
MARKS = {EQUAL: "=", HIGHER: "▲", LOWER: "▼", OPEN: "?"}


@dataclass(frozen=True)
class Judgement:
    """p-values of a difference and of equality, and the verdict that follows."""

    differs: float
    equals: float
    higher: bool

    @property
    def verdict(self) -> str:
        """The verdict: a difference that is shown to be less than the margin is equal.

        >>> Judgement(0.3, 0.01, True).verdict, Judgement(0.01, 0.3, False).verdict
        ('equal', 'lower')
        >>> Judgement(0.3, 0.3, True).verdict
        'undecided'
        """
        if self.equals < LEVEL:
            return EQUAL
        if self.differs < LEVEL:
            return HIGHER if self.higher else LOWER
        return OPEN


class Judge:
    """Judgements of comparisons, corrected for the number of all tests, or each by itself.

    A comparison is two tests, that of a difference and that of equality; Holm's correction is for
    all of them together.
    """

    def __init__(self, comparisons: Iterable[Comparison], correct: bool = True) -> None:
        found = list(dict.fromkeys(comparisons))
        p = [one.paired.p_value for one in found]
        p += [one.paired.equivalence_p(MARGIN) for one in found]
        self.tests = len(p)
        corrected = holm(p) if correct else p
        self._found = {
            one: Judgement(differs, equals, one.paired.difference > 0)
            for one, differs, equals in zip(
                found, corrected[: len(found)], corrected[len(found) :], strict=True
            )
        }

    def __call__(self, comparison: Comparison) -> Judgement:
        """Return the judgement of one of the comparisons."""
        return self._found[comparison]

    def count(self, comparisons: Iterable[Comparison]) -> dict[str, int]:
        """Return how often each verdict is found."""
        verdicts = [self(one).verdict for one in comparisons]
        return {verdict: verdicts.count(verdict) for verdict in MARKS}


def points(comparison: Comparison) -> str:
    """Return a difference with its 95 % interval, in percentage points."""
    paired = comparison.paired
    mean, low, high = (f"{100 * x:+.1f}" for x in (paired.difference, *paired.interval))
    return f"{mean} ({low} … {high})"


def cell(comparison: Comparison | None, judge: Judge) -> str:
    """Return a difference with its interval and the mark of its verdict; empty for none."""
    if comparison is None:
        return ""
    return f"{points(comparison)} {MARKS[judge(comparison).verdict]}"


def p_values(judgement: Judgement) -> list[str]:
    """Return the p-values of a difference and of equality as text."""
    return [p_text(judgement.differs), p_text(judgement.equals)]


def counted(counts: dict[str, int]) -> str:
    """Return the verdicts' numbers in words, those that occur.

    >>> counted({"equal": 3, "higher": 0, "lower": 1, "undecided": 2})
    '3 equal, 1 lower, 2 undecided'
    """
    return (
        ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number) or "none"
    )


def marked(counts: dict[str, int]) -> str:
    """Return the verdicts' numbers by their marks, those that occur.

    >>> marked({"equal": 3, "higher": 0, "lower": 1, "undecided": 2})
    '3 =, 1 ▼, 2 ?'
    """
    return ", ".join(f"{number} {MARKS[verdict]}" for verdict, number in counts.items() if number)


def law_word(counts: dict[str, int]) -> str:
    """Return what comparisons say of a prediction that all are equal.

    >>> law_word({"equal": 2, "higher": 0, "lower": 0, "undecided": 0})
    'holds'
    >>> law_word({"equal": 2, "higher": 1, "lower": 0, "undecided": 0})
    'does not hold everywhere'
    >>> law_word({"equal": 2, "higher": 0, "lower": 0, "undecided": 2})
    'holds where it is decided'
    """
    total = sum(counts.values())
    if not total:
        return "is not measured"
    if counts[HIGHER] + counts[LOWER]:
        return "does not hold everywhere" if counts[EQUAL] else "does not hold"
    if counts[EQUAL] == total:
        return "holds"
    return "holds where it is decided" if counts[EQUAL] else "is undecided"


def gain_word(counts: dict[str, int]) -> str:
    """Return what comparisons say of the first setting beside the second.

    >>> gain_word({"equal": 2, "higher": 1, "lower": 0, "undecided": 0})
    'better or equal'
    >>> gain_word({"equal": 0, "higher": 1, "lower": 1, "undecided": 0})
    'better here, worse there'
    """
    if not sum(counts.values()):
        return "not measured"
    if counts[HIGHER] and counts[LOWER]:
        return "better here, worse there"
    for better, word in ((HIGHER, "better"), (LOWER, "worse")):
        if counts[better]:
            rest = [" or equal"] * bool(counts[EQUAL]) + [" or undecided"] * bool(counts[OPEN])
            return word + "".join(rest)
    if counts[EQUAL]:
        return "equal or undecided" if counts[OPEN] else "equal"
    return "undecided"


def together(comparisons: Iterable[Comparison | None]) -> list[Comparison]:
    """Return the comparisons that could be made."""
    return [one for one in comparisons if one is not None]
