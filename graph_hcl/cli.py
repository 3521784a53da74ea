"""What all commands share: the run's config from flags and files, the exit codes."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from argparse import SUPPRESS
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graph_hcl.config import Config
from graph_hcl.console import any_sign
from graph_hcl.errors import UserError
from graph_hcl.parser import Parser
from graph_hcl.settings import Layer, groups, make_config, read_settings, setting_of


def config_parser(command: str, description: str, examples: str) -> Parser:
    """Return a parser whose flags are the fields of `Config`, with `--config FILE.yaml`."""
    parser = Parser(command, description, examples, settings=True)
    parser.add_argument(
        "--config", type=str, help="YAML file with any of the settings; flags go on top of it."
    )
    parser.add_argument(
        "--print_config", action="store_true", help="Print all settings as YAML, and stop."
    )
    parser.add_class_arguments(Config, None, as_group=False)
    for action in parser._actions:
        if action.dest in groups():
            action.help = SUPPRESS  # no flags of their own
        action.option_strings = [o for o in action.option_strings if not o.endswith("+")]
    return parser


def read_config(parser: Parser, argv: Sequence[str]) -> tuple[Config, Any]:
    """Return the run's config and the parsed namespace with the command's own flags.

    Precedence: defaults < preset of the data set's card < `--config` < flags. The card is found by
    the data set that the flags and the config name.
    """
    flags, others = parser.given(argv)
    mine = [one for one in flags if setting_of(one.name) or one.name in groups()]
    own = [one for one in flags if one not in mine]
    parsed = parser.parse([o for o in own if o.name not in ("config", "print_config")], others)
    files = [read_settings(one.value or "") for one in own if one.name == "config"]
    typed = {one.name: one.typed for one in mine}
    on_top = Layer({one.name: one.value for one in mine}, typed=typed)
    config = config_with_preset(*files, on_top)
    if "print_config" in (one.name for one in own):
        import yaml

        print(yaml.safe_dump(config.to_dict(), sort_keys=False), end="")
        raise SystemExit(0)
    return config, parsed


def config_with_preset(*layers: Layer | Mapping[str, Any]) -> Config:
    """Return the config of the layers on top of the preset of the data set that they name."""
    from graph_hcl.data.cards import find_card
    from graph_hcl.data.fetch import canonical_name

    config = make_config(*layers)
    name = canonical_name(config.dataset, config.data_dir, config.mirror)
    card = find_card(name)
    preset = card.preset if card else {}
    return make_config(Layer(preset, f" in the card of {name}"), *layers, {"dataset": name})


def config_from(file: Path) -> Config:
    """Return the config in a YAML file, checked by the schema; raise `UserError` otherwise."""
    return config_with_preset(read_settings(file))


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
    """Run a command; return 0, 2 for the user's mistake, 130 for Ctrl-C, 141 for a closed pipe.

    Our own mistakes raise: exit code 1.

    >>> def fails(argv):
    ...     raise UserError("Expected a fish, but got a bicycle.")
    >>> run(fails, [])
    2
    """
    as_it_was, warnings.formatwarning = warnings.formatwarning, _one_line
    try:
        with any_sign():
            main(sys.argv[1:] if argv is None else argv)
            print(end="", flush=True)  # here, where a closed pipe is not yet a traceback
    except UserError as error:
        first = (str(error).splitlines() or [""])[0]  # what a library's own error goes on to say
        print(f"error: {first}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has gone, like `head`; what is left to write goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno is None or (error.filename is None and error.errno != errno.ENOSPC):
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{where}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished is kept.", file=sys.stderr)
        return 130
    finally:
        warnings.formatwarning = as_it_was
    return 0


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    line: str | None = None,
) -> str:  # fmt: skip
    """Return a warning to the user as one line; others say where they are from."""
    if category is UserWarning:
        return f"warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
