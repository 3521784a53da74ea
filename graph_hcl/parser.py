"""Command lines: split, checked against what a command takes, every mistake in one sentence."""

from __future__ import annotations

import json
import re
import warnings
from argparse import SUPPRESS, Action, HelpFormatter, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

from graph_hcl.errors import UserError
from graph_hcl.kinds import expected
from graph_hcl.layers import Layer
from graph_hcl.registries import NAMED_BY
from graph_hcl.registry import did_you_mean
from graph_hcl.schema import MOVED, SHORT, flag, groups, schema, setting_of

set_parsing_settings(docstring_parse_attribute_docstrings=True)

REPEATABLE = ("config",)
"""Flags that may stand several times: later files go on top of earlier ones."""

MERGED = """\
Flags go on top of --config, that on top of the preset in the data set's card, that on top of the
defaults. A list of one may be a plain text, a final true be left out; capitals do not matter.

"""

SENTENCES = (
    (r'Parser key "(?P<name>[\w.]+)":.*(?:Given|Got) value: (?P<value>.*)',
     "Expected {flag} to be {kind}, but got '{value}'."),
    (r"(?:the following arguments are required|required but not included)\W*(?P<name>[\w., -]+)",
     "Expected {flag}, but it is missing: see --help."),
    (r'Key "(?P<name>[\w.]+)" is required.*', "Expected {flag}, but it is missing: see --help."),
    (r"(?i)unrecognized arguments: (?P<value>.*)",
     "Expected flags and their values, but got '{value}': a flag begins with two dashes."),
    (r"argument (?P<name>[-\w.]+): ignored explicit argument '?(?P<value>[^']*)'?",
     "Expected {flag} without a value, but got '{value}'."),
)  # fmt: skip
"""Patterns of messages of jsonargparse, with the sentence that replaces each."""


class _HelpFormatter(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """What each flag takes and its default, in words; examples stay as they were typed."""

    def _get_help_string(self, action: Action) -> str:
        text = action.help or ""
        if action.nargs == 0 or action.help == SUPPRESS:
            return text
        notes = [] if "a text" in expected(kind_of(action)) else [expected(kind_of(action))]
        if action.dest in NAMED_BY:
            notes.append(f"names: {', '.join(NAMED_BY[action.dest].names())}")
        if action.dest in schema():
            default = action.default
            default = default if isinstance(default, str) else json.dumps(default)
            notes.append(f"default: {default}".replace("%", "%%"))
        return f"{text} ({'; '.join(notes)})" if notes else text


@dataclass(frozen=True)
class Given:
    """A flag of a command line: its name with underscores, its value, and how it was typed."""

    name: str
    value: str | None
    typed: str


class Parser(ArgumentParser):
    """A typed parser that reads `--batch-size` as `--batch_size` and raises `UserError`.

    With `settings`, the fields of `Config` are flags too: `--help` lists them, and `read_config`
    reads them.
    """

    def __init__(
        self, command: str, description: str, examples: str, usage: str = "", settings: bool = False
    ) -> None:
        super().__init__(
            prog=f"python -m graph_hcl.{command}",
            usage=f"python -m graph_hcl.{command} {usage}[options]",
            description=description,
            epilog=f"{MERGED if settings else ''}examples:\n{examples}",
            formatter_class=_HelpFormatter,
            exit_on_error=False,
            allow_abbrev=False,
        )
        self.settings = settings
        self._actions[0].help = "Show this help and stop."

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Return the help text with flags as users type them."""
        text = super().format_help(formatter)
        return re.sub(r"(?<![\w-])--[\w.]+", lambda match: match[0].replace("_", "-"), text)

    def given(self, argv: Sequence[str]) -> tuple[list[Given], list[str]]:
        """Return the flags of a command line, and the words that belong to none.

        Raises `UserError` for a flag that is unknown, has no value or stands twice.
        """
        seen: dict[str, Given] = {}
        flags: list[Given] = []
        others: list[str] = []
        for one in self._split(list(argv), others):
            before = seen.setdefault(one.name, one)
            if before is not one and one.name not in REPEATABLE:
                raise UserError(
                    f"Expected {one.typed} once, but got it twice: {before.value} and {one.value}."
                )
            flags.append(one)
        return flags, others

    def _split(self, words: list[str], others: list[str]) -> Iterator[Given]:
        actions = self._named_actions()
        while words:
            word = words.pop(0)
            if not word.startswith("--") or word == "--":
                others.append(word)
                continue
            typed, equals, value = word.partition("=")
            name = typed[2:].replace("-", "_")
            if SHORT.get(name) in self._known(actions):
                name = SHORT[name]
            action = actions.get(name)
            if action is None and not (self.settings and (setting_of(name) or name in groups())):
                layer = Layer({}, typed={name: typed})
                moved = self.settings and name in MOVED
                raise layer.moved([name]) if moved else self._unknown(name, typed, actions)
            if equals or (action is not None and action.nargs == 0):
                yield Given(name, value if equals else None, typed)
            elif words and not words[0].startswith("--"):
                yield Given(name, words.pop(0), typed)
            elif self._kind(name) is bool:
                yield Given(name, "true", typed)
            else:
                what = self._describe_kind(name).replace("a text", "a value")
                raise UserError(f"Expected {typed} to be followed by {what}, but got nothing.")

    def _unknown(self, name: str, typed: str, actions: Mapping[str, Action]) -> UserError:
        if self.settings:
            return Layer({}, typed={name: typed}).unknown(name, actions)
        near = did_you_mean(flag(name), [flag(known) for known in actions])
        return UserError(f"Unknown flag {typed}.{near} See --help.")

    def _known(self, actions: Mapping[str, Action]) -> set[str]:
        return {*actions, *(schema() if self.settings else ())}

    def _named_actions(self) -> dict[str, Action]:
        """Return the command's own actions by name."""
        return {
            option[2:].replace("-", "_"): action
            for action in self._actions
            for option in action.option_strings
            if option.startswith("--")
        }

    def _kind(self, name: str) -> Any:
        if self.settings and name in schema():
            return schema()[name]
        return kind_of(self._named_actions().get(name))

    def _describe_kind(self, name: str) -> str:
        """Return in words what a flag takes; a default of null is left unsaid."""
        return expected(self._kind(name)).removesuffix(" or null")

    def read(self, argv: Sequence[str]) -> Any:
        """Return the parsed namespace; raise `UserError` in one sentence."""
        return self.parse(*self.given(argv))

    def parse(self, flags: Sequence[Given], others: Sequence[str]) -> Any:
        """Return the namespace of the command's own flags and words."""
        actions = self._named_actions()
        words = []
        for one in flags:
            option = actions[one.name].option_strings[-1]
            words.append(option if one.value is None else f"{option}={one.value}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.parse_args([*words, *others])
        except Exception as error:
            typed = {one.name: one.typed for one in flags}
            raise UserError(self._one_sentence(str(error), typed)) from error

    def _one_sentence(self, message: str, typed: Mapping[str, str]) -> str:
        text = " ".join(message.split())
        for pattern, template in SENTENCES:
            match = re.search(pattern, text)
            if match:
                parts = match.groupdict("")
                names = parts.get("name", "").replace("-", "_").replace(",", " ").split()
                names = [name.strip("_") for name in names]
                return template.format(
                    flag=" and ".join(typed.get(name, self._called(name)) for name in names),
                    kind=self._describe_kind(names[0]) if names else "",
                    value=parts.get("value"),
                )
        return text if text.endswith((".", "?")) else text + "."

    def _called(self, name: str) -> str:
        return flag(name) if name in self._named_actions() else name.upper()


def kind_of(action: Action | None) -> Any:
    """Return the type that a flag was declared with."""
    return getattr(action, "_typehint", None) or getattr(action, "type", None)
