"""`graph-hcl`, or `python -m graph_hcl`, lists the commands and runs them by name."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from graph_hcl import __version__
from graph_hcl.calling import called
from graph_hcl.commands import COMMANDS, load_command
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.registry import closest


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named command, or list them all.

    >>> main(["trian"])
    2
    """
    if argv is None:
        find_modules_here()
    return run_command(_main, sys.argv[1:] if argv is None else argv)


def _main(argv: Sequence[str]) -> None:
    first, *others = argv or ["--help"]
    if first == "--version":
        print(f"graph_hcl {__version__}")
        return
    if first in ("-h", "--help"):
        if not others:
            print(overview())
            return
        first, others = others[0], ["--help", *others[1:]]
    if first not in COMMANDS:
        raise UserError(unknown(first))
    load_command(first).main(others)


def overview() -> str:
    """Return the list of commands, each with what it does and a first example.

    >>> print(overview().splitlines()[0])
    usage: python -m graph_hcl COMMAND [options]
    """
    program = called()
    lines = [f"usage: {program} COMMAND [options]", ""]
    lines += [f"graph_hcl {__version__}: hard-negative contrastive learning on graphs.", ""]
    lines += ["commands:"]
    for name, summary in COMMANDS.items():
        example = load_command(name).EXAMPLES[0].line(called(name))
        lines += [f"  {name:12}{summary}", f"{'':14}{example}"]
    lines += ["", f"{called('COMMAND')} --help shows more examples and the flags of a command."]
    lines += ["--version prints the version."]
    return "\n".join(lines)


def unknown(word: str) -> str:
    """Return the error for a word that is no command, with those that the user may have meant.

    >>> unknown("trian")
    "Unknown command 'trian'. Did you mean python -m graph_hcl.train?"
    """
    kind = "flag" if word.startswith("-") else "command"
    known = ["--help", "--version"] if kind == "flag" else list(COMMANDS)
    found = closest(word, known)
    if not found:
        return f"Unknown {kind} '{word}': expected {', '.join(COMMANDS)}, --help or --version."
    meant = " or ".join(f"{called()} {w}" if kind == "flag" else called(w) for w in found)
    return f"Unknown {kind} '{word}'. Did you mean {meant}?"


def find_modules_here() -> None:
    """Let import paths name modules of the current folder, as `python -m` does already."""
    try:
        here = os.getcwd()
    except OSError:  # the folder was removed
        return
    if here not in sys.path and not sys.flags.safe_path:
        sys.path.append(here)  # last, so that a file there shadows no library


if __name__ == "__main__":
    sys.exit(main())
