"""Tables in Markdown and LaTeX, whatever signs their texts have."""

import re
from pathlib import Path

import pytest

from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.table import Table

FILES = sorted((Path(__file__).parents[2] / "configs" / "benchmark").glob("*.yaml"))


def latex(text: str) -> str:
    """Return a text as the one cell of a LaTeX table has it."""
    return Table("", [""], [[text]]).latex().splitlines()[6].removesuffix(r" \\")


def test_a_bar_shifts_no_column() -> None:
    first, _, last = Table("", ["a|b", "c"], [["x|y", "1"]]).markdown().splitlines()[2:]
    assert first == r"| a\|b | c |"
    assert last == r"| x\|y | 1 |"


def test_a_line_break_divides_no_row() -> None:
    lines = Table("", ["a\nb", "c"], [["x\r\ny", "1"]]).markdown().splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| a b", "| ---", "| x y"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\nb\r\nc", "a b c"),
        (r"a^b{c}~\d", r"a\textasciicircum{}b\{c\}\textasciitilde{}\textbackslash{}d"),
        ("50 % & #_$", r"50 \% \& \#\_\$"),
        ("x < y > z | 0", "x $<$ y $>$ z $|$ 0"),
        ("H-UCL, β chosen", r"H-UCL, $\beta$ chosen"),
        ("UCL at H-UCL's T′", "UCL at H-UCL's T$'$"),
        ("∑ ≤ ≥ ×", r"$\sum$ $\le$ $\ge$ $\times$"),
        ("λςΩΑο", r"$\lambda$$\varsigma$$\Omega$$\mathrm{A}$$\mathrm{o}$"),
        ("τ⁺=0.1, τ⁻", r"$\tau$$^+$=0.1, $\tau$$^-$"),
        ("‖z₁₂‖ ∈ ∆", r"$\|$z$_1$$_2$$\|$ $\in$ $\Delta$"),
        ("10⁻³", "10$^-$$^3$"),
        ("naïve – 2", "naïve – 2"),
        ("[a]", "{}[a]"),
        ("*a", "{}*a"),
    ],
)
def test_latex_takes_every_sign(text: str, escaped: str) -> None:
    assert latex(text) == escaped


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_latex_takes_the_methods_of_the_files_here(file: Path) -> None:
    for name in read_benchmark(file).methods:
        assert latex(name).isascii()


def test_every_greek_letter_and_ascii_sign_has_a_command() -> None:
    capitals = "".join(map(chr, range(0x391, 0x3AA))).replace("\u03a2", "")
    small = "".join(map(chr, range(0x3B1, 0x3CA)))
    signs = "".join(map(chr, range(0x20, 0x7F)))
    text = latex(capitals + small + signs)
    assert text.isascii()
    left = re.sub(r"\$[^$]*\$|\\[a-z]+\{\}|\\[&%_#${}]", "", text)
    assert not set(left) & set("&%_#${}\\^~<>|")
