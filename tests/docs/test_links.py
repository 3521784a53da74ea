"""Links of README.md and of docs/ lead somewhere, and figures say how they are made."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "_build" not in file.parts
}
FENCE = re.compile(r"^ *(`{3,})(?!\{(?:figure|image|grid)).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)|(?:src|href|srcset)=\"([^\"]+)\"")
INCLUDE = re.compile(r"^ *(?:`{3,}|:{3,})\{(?:figure|image|literalinclude)\} *(\S+)", re.MULTILINE)
FIGURE = re.compile(r".*(?:!\[[^\]]*\]\(|<img |\{(?:figure|image)\}).*\.(?:svg|png)")
MARKUP = re.compile(r" *(?:</?picture>|<source |:::)")
INCLUDED = re.compile(r"^`{3,}\{include\} *(\S+)", re.MULTILINE)
COMMAND = "python -m "
MADE_BY = {
    "docs/collapse.md": "python -m benchmarks.science.collapse --page",
    "docs/temperature.md": "python -m benchmarks.science.temperature --page",
}
"""Pages that one command writes with all their figures, and name it once."""


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and MyST make them.

    >>> sorted(anchors("# One road\\n## `beta` & T\\n"))
    ['beta--t', 'one-road']
    """
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE)
    named = re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain]
    return {*slugs, *named}


def broken(page: str, text: str) -> list[str]:
    """Return the targets of a page's links that are not there."""
    targets = [first or second for first, second in LINK.findall(FENCE.sub("", text))]
    lost = []
    for target in [*targets, *INCLUDE.findall(text)]:
        if re.match(r"[a-z]+:|//", target):
            continue  # the network is no part of a test
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists():
            lost.append(target)
        elif anchor and file.suffix == ".md":
            whole = file.read_text(encoding="utf-8") if path else text
            for name in INCLUDED.findall(whole):
                whole += "\n" + (file.parent / name).read_text(encoding="utf-8")
            lost += [target] if anchor not in anchors(whole) else []
    return lost


def unexplained(text: str) -> list[str]:
    """Return the figures of a page without a command in the paragraph under them.

    Figures that follow each other, as a light and a dark one do, share that paragraph.
    """
    lines = [line for line in text.splitlines() if not MARKUP.match(line)]
    left = []
    for number, line in enumerate(lines):
        if FIGURE.match(line):
            below = dropwhile(lambda b: not b.strip() or FIGURE.match(b), lines[number:])
            paragraph = "\n".join(takewhile(str.strip, below))
            left += [] if COMMAND in paragraph else [line]
    return left


@pytest.mark.parametrize("page", PAGES)
def test_each_figure_names_the_command_that_makes_it(page: str) -> None:
    if page in MADE_BY:
        assert MADE_BY[page] in " ".join(PAGES[page].split())
    else:
        assert unexplained(PAGES[page]) == []


def test_mistakes_are_found() -> None:
    text = '[a](docs/nothing.md) <img src="docs/no.svg"> [b](#none)\n# A\n'
    assert broken("README.md", text) == ["docs/nothing.md", "docs/no.svg", "#none"]
    assert broken("README.md", "[a](docs/index.md#graph_hcl), [b](#a-b)\n# A b\n") == []
    light, dark = "![x](f-light.svg){.only-light}", "![x](f-dark.svg){.only-dark}"
    picture = "<picture>\n<source srcset='f-dark.svg'>\n<img src='f-light.svg'>\n</picture>\n\n"
    assert unexplained(f"{picture}{picture}*`python -m x`*\n") == []
    assert unexplained(f"{picture}Text.\n") == ["<img src='f-light.svg'>"]
    assert unexplained(f"{light}\n{dark}\n\nMade by `python -m x`.\n") == []
    assert unexplained(f"{light}\n{dark}\n\nA caption.\n\n`python -m x`\n") == [light, dark]
