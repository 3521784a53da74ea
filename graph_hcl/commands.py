"""The commands: their names, what they do, and the parser of each."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from graph_hcl.parser import Parser

COMMANDS = {
    "train": "Train an encoder contrastively and evaluate its embeddings.",
    "evaluate": "Evaluate the embeddings of a run again, for example with another probe.",
    "embed": "Write the embeddings of a run to a .npz, .parquet or .csv file.",
    "report": "Report one run, or compare several, in one HTML file.",
    "benchmark": "Run a table of data sets and methods, and write it.",
    "completion": "Print a script that completes commands, flags and names in a shell.",
}
"""Each command is the module of its name, with `EXAMPLES`, `make_parser()` and `main(argv)`."""


def load_command(name: str) -> ModuleType:
    """Return the module of a command.

    >>> load_command("report").EXAMPLES[0].arguments
    'runs/MUTAG-h-ucl-0'
    """
    return importlib.import_module(f"graph_hcl.{name}")


def make_parser(name: str) -> Parser:
    """Return the parser of a command.

    >>> make_parser("report").prog
    'python -m graph_hcl.report'
    """
    parser: Parser = load_command(name).make_parser()
    return parser
