"""The settings of a run, from the command line and from files."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any

from graph_hcl.config import Config
from graph_hcl.layers import Layer, read_settings
from graph_hcl.parser import Parser
from graph_hcl.schema import setting_groups, setting_of
from graph_hcl.settings import make_config


def config_parser(command: str, description: str, examples: str) -> Parser:
    """Return a parser whose flags are the fields of `Config`, with `--config FILE.yaml`."""
    parser = Parser(command, description, examples, settings=True)
    parser.add_argument("--config", type=str, help="YAML file of settings, which flags override.")
    parser.add_argument(
        "--print_config", action="store_true", help="Print all settings as YAML and exit."
    )
    parser.add_class_arguments(Config, None, as_group=False)
    for action in parser._actions:
        if action.dest in setting_groups():
            action.help = SUPPRESS  # groups are not flags
        action.option_strings = [o for o in action.option_strings if not o.endswith("+")]
    return parser


def read_config(parser: Parser, argv: Sequence[str]) -> tuple[Config, Any]:
    """Return the run's config and the namespace of the command's other flags.

    Precedence: defaults < preset in the data set's card < `--config` < flags. The flags and the
    files name the data set whose card is read.
    """
    flags, positionals = parser.split(argv)
    settings = [flag for flag in flags if setting_of(flag.name) or flag.name in setting_groups()]
    general = ("config", "print_config")
    own = [flag for flag in flags if flag not in settings and flag.name not in general]
    parsed = parser.parse(own, positionals)
    files = [read_settings(flag.value or "") for flag in flags if flag.name == "config"]
    typed = {flag.name: flag.typed for flag in settings}
    config = make_config(*files, Layer({flag.name: flag.value for flag in settings}, typed=typed))
    if "print_config" in (flag.name for flag in flags):
        import yaml

        print(yaml.safe_dump(config.to_dict(), sort_keys=False), end="")
        raise SystemExit(0)
    return config, parsed


def overridden_settings(parsed: Any, *names: str) -> dict[str, Any]:
    """Return the named settings that were set on the command line, by dotted name.

    >>> parser = Parser("embed", "", "")
    >>> _ = parser.add_argument("--device", type=str), parser.add_argument("--mirror", type=str)
    >>> overridden_settings(parser.read(["--device", "cpu"]), "device", "mirror")
    {'device': 'cpu'}
    """
    return {name: parsed[name] for name in names if parsed[name] is not None}
