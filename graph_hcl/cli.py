"""The settings of a run, from the command line and from files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph_hcl.config import Config
from graph_hcl.help_text import Example
from graph_hcl.layers import Layer, read_settings
from graph_hcl.parser import Parser
from graph_hcl.schema import setting_groups, setting_of
from graph_hcl.settings import make_config
from graph_hcl.yaml_text import write_yaml


def config_parser(command: str, examples: Sequence[Example] = ()) -> Parser:
    """Return a parser whose flags are the fields of `Config`, with `--config FILE.yaml`."""
    parser = Parser(command, examples, settings=True)
    parser.add_argument(
        "--config",
        type=str,
        metavar="FILE",
        help="YAML file of settings, which flags override. Several files may be given with one "
        "--config each: later ones override earlier ones.",
    )
    parser.add_argument(
        "--print_config",
        action="store_true",
        help="Print all settings as YAML and exit, without training.",
    )
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
        print(write_yaml(config.to_dict()), end="")
        raise SystemExit(0)
    return config, parsed


def overridden_settings(parsed: Any, *names: str) -> dict[str, Any]:
    """Return the named settings that were set on the command line, by dotted name.

    >>> parser = Parser("embed")
    >>> parser.add_setting("device"), parser.add_setting("mirror")
    (None, None)
    >>> overridden_settings(parser.read(["--device", "cpu"]), "device", "mirror")
    {'device': 'cpu'}
    """
    return {name: parsed[name] for name in names if parsed[name] is not None}
