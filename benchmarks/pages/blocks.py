"""Blocks of a Markdown page that a command writes, between two comments as marks."""

from collections.abc import Mapping


def picture(name: str, shows: str) -> str:
    """Return the picture of a page in docs/ that is drawn for light and for dark pages.

    >>> print(picture("losses", "Four losses by epoch"))
    <picture>
    <source media="(prefers-color-scheme: dark)" srcset="figures/losses-dark.svg">
    <img src="figures/losses-light.svg" alt="Four losses by epoch">
    </picture>
    """
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="figures/{name}-dark.svg">'
    light = f'<img src="figures/{name}-light.svg" alt="{shows}">'
    return f"<picture>\n{dark}\n{light}\n</picture>"


def with_blocks(text: str, command: str, blocks: Mapping[str, str]) -> str:
    """Return a page with its blocks replaced, each between the marks that name it.

    Raises `ValueError` unless each pair of marks is there once, and for marks of other blocks.

    >>> page = "a\\n<!-- me, b: start -->\\nold\\n<!-- me, b: end -->\\nc\\n"
    >>> print(with_blocks(page, "me", {"b": "new"}), end="")
    a
    <!-- me, b: start -->
    new
    <!-- me, b: end -->
    c
    """
    for name, made in blocks.items():
        start, end = (f"<!-- {command}, {name}: {side} -->\n" for side in ("start", "end"))
        if text.count(start) != 1 or text.count(end) != 1:
            raise ValueError(f"Expected the marks of block '{name}' of {command} once each.")
        before, rest = text.split(start)
        text = f"{before}{start}{made.strip()}\n{end}{rest.split(end)[1]}"
    if text.count(f"<!-- {command}, ") != 2 * len(blocks):
        raise ValueError(f"Expected blocks {', '.join(blocks)} of {command}, but got others, too.")
    return text
