"""Writes a page for each command, from its parser, when the documentation is built."""

import re
from pathlib import Path
from typing import Any

from graph_hcl.commands import COMMANDS, make_parser
from graph_hcl.help_text import CommandHelp
from graph_hcl.options import Option
from graph_hcl.topics import TOPICS

FOLDER = "reference/commands"
CODE = re.compile(
    r"(?<![\w-])--[a-z][\w.-]*\w|\$?\bGRAPH_HCL_\w+|~/[\w./]*\w|'\{[^}]*\}'|\{[^}]*\}"
    r"|\w+(?:\.\w+)*:[\w]+|\b\w+\([^)]*\)|(?<![\w.])\.[a-z]+\b|\b\w+\.(?:yaml|jsonl|json|csv|zip)\b"
)
"""What is code in a description: flags, variables, paths, mappings, calls, suffixes."""


def page(about: CommandHelp) -> str:
    """Return the page of a command: its usage, its examples, and a table for each group."""
    module = about.command.split()[-1]
    parts = [
        f"# {about.command}",
        about.about,
        f"```text\nusage: {about.usage}\n```",
        f"`python -m graph_hcl.{module}` is the same command.",
        "## Examples",
    ]
    for example in about.examples:
        parts += [marked(example.does), f"```sh\n{example.line(about.command)}\n```"]
    for name, options in about.groups().items():
        parts += [f"## {name.capitalize()}"]
        parts += [TOPICS[name].summary] if about.grouped else []
        parts += [table(options)]
    return "\n\n".join(parts) + "\n"


def table(options: list[Option]) -> str:
    """Return a table of options: how each is typed, its values, its default, and what it does."""
    rows = [
        (
            "<br>".join(f"`{cell(word)}`" for word in option.flags or (option.metavar,)),
            values(option),
            f"`{cell(option.default)}`" if is_value(option) else marked(option.default),
            marked(option.text),
        )
        for option in options
    ]
    lines = [("flag", "values", "default", "what it does"), ("---",) * 4, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def values(option: Option) -> str:
    """Return the values that an option takes, names of values as code."""
    if not option.values:
        return f"`{cell(option.metavar)}`" if option.metavar and option.flags else ""
    words = {*option.names, *option.choices, "null", "pkg.module:attribute"}
    parts = re.split(r"(, | or )", option.values)
    return "".join(f"`{part}`" if part in words else marked(part) for part in parts)


def is_value(option: Option) -> bool:
    """Tell a default that one can type from one in words."""
    return bool(option.default) and not re.search(r"(the|all|first)\b", option.default)


def marked(text: str) -> str:
    """Return plain text as Markdown: code in backticks, and all else without markup.

    >>> marked("exp(beta * s) of --loss.tau-plus, or a_b * c")
    '`exp(beta * s)` of `--loss.tau-plus`, or a\\\\_b \\\\* c'
    """
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else _marked(p) for p in pieces)


def _marked(text: str) -> str:
    found, end = [], 0
    for match in CODE.finditer(text):
        found += [_escaped(text[end : match.start()]), f"`{cell(match[0])}`"]
        end = match.end()
    return "".join([*found, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_|<>\[\]`])", r"\\\1", text)


def cell(text: str) -> str:
    """Return code for a cell of a table, which a bare | would end."""
    return text.replace("|", r"\|")


def write(app: Any) -> None:
    """Write the page of each command where it has changed, and remove those of no command."""
    folder = Path(app.srcdir, FOLDER)
    folder.mkdir(exist_ok=True)
    pages = {f"{name}.md": page(make_parser(name).about(f"graph-hcl {name}")) for name in COMMANDS}
    for file in folder.iterdir():
        if file.name not in pages:
            file.unlink()
    for name, text in pages.items():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register the step, which comes before Sphinx looks for pages."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
