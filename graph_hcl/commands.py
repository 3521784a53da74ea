"""The commands: their names, what they do, and the parser of each."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
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


IN_PYTHON = {
    "train": "GraphContrast().fit(graphs) trains",
    "evaluate": "graph_hcl.probes.evaluate(embeddings, labels) measures embeddings",
    "embed": "GraphContrast.load(folder).transform(graphs) embeds graphs",
}
"""What does the work of a command in Python, where something does."""


class Command(ModuleType):
    """The module of a command, which says what to call instead where it is called as a function.

    The function of some commands has their name, and `from graph_hcl import evaluate` finds the
    module.
    """

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raise `TypeError`, as any module does."""
        instead = IN_PYTHON.get(self.__name__.rpartition(".")[2])
        raise TypeError(
            f"{self.__name__} is the module of a command, not a function: "
            f"{f'in Python, {instead}' if instead else f'run python -m {self.__name__}'}."
        )


def refuse_calls(module: str) -> None:
    """Let the module of a command say what to call instead; it does so itself, by its name.

    >>> load_command("evaluate")([[0.5]], [1])
    Traceback (most recent call last):
    TypeError: graph_hcl.evaluate is the module of a command, not a function: in Python, \
graph_hcl.probes.evaluate(embeddings, labels) measures embeddings.
    """
    sys.modules[module].__class__ = Command


def load_command(name: str) -> ModuleType:
    """Return the module of a command.

    >>> load_command("report").EXAMPLES[0].arguments
    'runs/digits-h-ucl-0'
    """
    return importlib.import_module(f"graph_hcl.{name}")


def make_parser(name: str) -> Parser:
    """Return the parser of a command.

    >>> make_parser("report").prog
    'python -m graph_hcl.report'
    """
    parser: Parser = load_command(name).make_parser()
    return parser
