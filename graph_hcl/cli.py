"""What all commands share: parsing by the schema, one sentence for mistakes, the exit codes."""

from __future__ import annotations

import errno
import re
import sys
import warnings
from argparse import HelpFormatter, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean

set_parsing_settings(docstring_parse_attribute_docstrings=True)


class _HelpFormatter(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """Defaults and types beside each flag; examples stay as they were typed."""


class Parser(ArgumentParser):
    """A typed parser that reads `--batch-size` as `--batch_size` and raises `UserError`."""

    def __init__(self, command: str, description: str, examples: str, usage: str = "") -> None:
        super().__init__(
            prog=f"python -m graph_hcl.{command}",
            usage=f"python -m graph_hcl.{command} {usage}[options]",
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=_HelpFormatter,
            exit_on_error=False,
            allow_abbrev=False,
        )

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Return the help text with flags as users type them."""
        return re.sub(r"(?<![\w-])--[\w.]+", _dashes, super().format_help(formatter))

    def read(self, argv: Sequence[str]) -> Any:
        """Return the parsed and instantiated namespace; raise `UserError` in one sentence."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.instantiate(self.parse_args([_underscores(word) for word in argv]))
        except UserError:
            raise
        except Exception as error:
            raise UserError(self._one_sentence(str(error))) from error

    def _one_sentence(self, message: str) -> str:
        text = " ".join(message.split()).replace("Parser key ", "--")
        text = re.sub(r"<class '(\w+)'>", r"\1", text).replace("typing.Literal", "one of ")
        text = re.sub(r'--"([\w.]+)":', lambda found: _dashes(f"--{found[1]}") + ":", text)
        unknown = re.search(r"unrecognized arguments: (--[\w.-]+)", text)
        if unknown:
            known = [o for action in self._actions for o in action.option_strings]
            near = did_you_mean(_underscores(unknown[1]), known)
            text = f"Unknown flag {unknown[1]}.{_dashes(near)} See --help."
        return text if text.endswith((".", "?")) else text + "."


def _underscores(word: str) -> str:
    """Return an option with the dashes inside its name as underscores; values stay as they are."""
    if not word.startswith("--"):
        return word
    name, equals, value = word[2:].partition("=")
    return "--" + name.replace("-", "_") + equals + value


def _dashes(found: re.Match[str] | str) -> str:
    text = found if isinstance(found, str) else found[0]
    return text if "print_config" in text else text.replace("_", "-")


def config_parser(command: str, description: str, examples: str) -> Parser:
    """Return a parser whose flags are the fields of `Config`, with `--config FILE.yaml`."""
    parser = Parser(command, description, examples)
    parser.add_argument("--config", action="config", help="YAML file with any of the settings.")
    parser.add_class_arguments(Config, None, as_group=False)
    return parser


def read_config(parser: Parser, argv: Sequence[str]) -> tuple[Config, Any]:
    """Return the run's config and the parsed namespace with the command's own flags.

    Precedence: defaults < preset of the data set's card < `--config` < flags. The card is found by
    the data set that the flags and the config name.
    """
    from graph_hcl.data.cards import card, known

    name = parser.read([word for word in argv if not word.startswith("--print")]).dataset
    if name in known():
        parser.set_defaults(flat(card(name).preset))
    parsed = parser.read(argv)
    return config_of(parsed), parsed


def config_of(parsed: Any) -> Config:
    """Return the config among what a parser read."""
    return Config(**{name: parsed[name] for name in Config.__dataclass_fields__})


def config_from(file: Path) -> Config:
    """Return the config in a YAML file, checked by the schema; raise `UserError` otherwise."""
    return read_config(config_parser("train", "", ""), [f"--config={file}"])[0]


def flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by their dotted names.

    >>> flat({"loss": {"tau_plus": 0.1}, "epochs": 3})
    {'loss.tau_plus': 0.1, 'epochs': 3}
    """
    found: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def run(main: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 for the user's mistake, 130 for Ctrl-C. Ours raise: exit code 1.

    >>> def fails(argv):
    ...     raise UserError("Expected a fish, but got a bicycle.")
    >>> run(fails, [])
    2
    """
    try:
        main(sys.argv[1:] if argv is None else argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno is None or (error.filename is None and error.errno != errno.ENOSPC):
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{where}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept.", file=sys.stderr)
        return 130
    return 0
