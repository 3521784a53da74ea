"""Print a script that completes commands, flags and names in a shell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import shtab

from graph_hcl.commands import COMMANDS, refuse_calls
from graph_hcl.commands import make_parser as parser_of
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.help_text import Example
from graph_hcl.options import Option, joined
from graph_hcl.parser import Parser

PROGRAM = "graph-hcl"
SHELLS = ("bash", "zsh", "fish")
refuse_calls(__name__)
EXAMPLES = (
    Example(
        "bash > ~/.local/share/bash-completion/completions/graph-hcl",
        "Completes in bash, for which the package bash-completion must be installed.",
    ),
    Example(
        "zsh > ~/.zfunc/_graph-hcl",
        "Completes in zsh, where ~/.zshrc has: fpath+=~/.zfunc; autoload -Uz compinit; compinit.",
    ),
    Example(
        "fish > ~/.config/fish/completions/graph-hcl.fish",
        "Completes in fish.",
    ),
)


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("completion", EXAMPLES, usage="SHELL ")
    parser.add_argument(
        "shell",
        type=str,
        metavar="SHELL",
        help=f"The shell: {', '.join(SHELLS)}. Print the script again after an update.",
    )
    return parser


def main(argv: Sequence[str]) -> None:
    """Print the script, which completes without starting Python."""
    shell = make_parser().read(argv).shell
    if shell not in SHELLS:
        raise UserError(f"Expected SHELL to be {joined(SHELLS)}, but got '{shell}'.")
    print(script(shell))


def script(shell: str) -> str:
    """Return the script that completes `graph-hcl` in a shell.

    >>> "--loss.tau-plus" in script("bash")
    True
    """
    root = ArgumentParser(PROGRAM, description="graph_hcl")
    root.add_argument("--version", action="store_true", help="Print the version and exit.")
    commands = root.add_subparsers()
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, add_help=False)
        for option in parser_of(name).about().options:
            _add(command, option)
    text: str = shtab.complete(root, shell)
    return text


def _add(parser: ArgumentParser, option: Option) -> None:
    """Add an option to a plain parser, with the values that a shell can complete."""
    names = option.flags or (option.name,)
    about = option.summary.replace("%", "%%")
    if not option.metavar:
        parser.add_argument(*names, action="store_true", help=about)
        return
    choices = SHELLS if option.name == "shell" else option.choices
    many = "+" if "…" in option.metavar or option.name == "runs" else None
    is_switch = option.kind is bool
    action = parser.add_argument(
        *names,
        metavar=option.metavar,
        nargs="?" if is_switch else many,
        choices=choices or None,
        help=about,
    )
    if "FILE" in option.metavar:
        action.complete = _names_and_files(choices)  # type: ignore[attr-defined]
    elif "FOLDER" in option.metavar or option.metavar == "RUN":
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def _names_and_files(names: Sequence[str]) -> dict[str, Any]:
    """Return how each shell completes files, and some names as well."""
    if not names:
        return shtab.FILE
    words, function = " ".join(names), "_graph_hcl_names_and_files"
    bash = f'{function}() {{\n  compgen -W "{words}" -- "$1"\n  compgen -f -- "$1"\n}}'
    zsh = f"{function}() {{\n  compadd -- {words}\n  _files\n}}"
    fish = f"{words} {shtab.FILE['fish']}"
    return {"bash": function, "zsh": function, "fish": fish, "preamble": {"bash": bash, "zsh": zsh}}


if __name__ == "__main__":
    sys.exit(run_command(main))
