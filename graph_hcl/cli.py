"""The flags of commands: the settings of a run, from the command line and from files."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any

from graph_hcl.config import Config
from graph_hcl.layers import Layer, read_settings
from graph_hcl.parser import Parser
from graph_hcl.schema import groups, setting_of
from graph_hcl.settings import make_config


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
    config = make_config(*files, on_top)
    if "print_config" in (one.name for one in own):
        import yaml

        print(yaml.safe_dump(config.to_dict(), sort_keys=False), end="")
        raise SystemExit(0)
    return config, parsed


def given_settings(parsed: Any, *names: str) -> dict[str, Any]:
    """Return those of the named settings that a command line gave, by dotted name.

    >>> parser = Parser("embed", "", "")
    >>> _ = parser.add_argument("--device", type=str), parser.add_argument("--mirror", type=str)
    >>> given_settings(parser.read(["--device", "cpu"]), "device", "mirror")
    {'device': 'cpu'}
    """
    return {name: parsed[name] for name in names if parsed[name] is not None}
