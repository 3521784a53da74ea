"""`python -m graph_hcl` lists the commands and runs them by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from graph_hcl import __version__
from graph_hcl.registry import did_you_mean

COMMANDS = {
    "train": "train an encoder contrastively and evaluate its embeddings",
    "evaluate": "evaluate the embeddings of a run, for example with another probe",
    "benchmark": "reproduce a table of data sets and methods",
    "report": "report runs in one HTML file",
    "embed": "write the embeddings of a run to .npz or .parquet",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named command, or list them all.

    >>> main(["trian"])
    2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"graph_hcl {__version__}: hard-negative contrastive learning on graphs\n")
        for name, summary in COMMANDS.items():
            print(f"  python -m graph_hcl.{name:10}{summary}")
        print("\nEach command has --help with examples.")
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    if arguments[0] not in COMMANDS:
        hint = did_you_mean(arguments[0], COMMANDS)
        known = ", ".join(COMMANDS)
        print(f"error: Unknown command '{arguments[0]}': expected {known}.{hint}", file=sys.stderr)
        return 2
    from graph_hcl.console import run_command

    command = importlib.import_module(f"graph_hcl.{arguments[0]}")
    return run_command(command.main, arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
