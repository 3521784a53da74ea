"""Command lines: split, checked and parsed; every mistake is reported in one sentence."""

from __future__ import annotations

import json
import re
import warnings
from argparse import Action, HelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from jsonargparse import ArgumentParser

from graph_hcl import __version__
from graph_hcl.calling import called
from graph_hcl.commands import COMMANDS
from graph_hcl.errors import UserError
from graph_hcl.help_text import CommandHelp, Example, help_text
from graph_hcl.kinds import describe_kind
from graph_hcl.layers import Layer
from graph_hcl.options import DEFAULT, kind_of, options_of, setting_option
from graph_hcl.registry import did_you_mean
from graph_hcl.schema import MOVED, SHORT, flag, setting_groups, setting_of, setting_types

TRUST_CODE = (
    "Run the code that the folder names by import paths, and read and write data where it says. "
    "Only for folders that you trust."
)
MOVED_DATA = (
    "The graphs of the run where they are now, if their file or folder was moved. Others are "
    "refused."
)
REPEATABLE = ("config",)
"""Flags that may be repeated: later files override earlier ones."""
HELP = ("-h", "--help")

SENTENCES = (
    (r'Parser key "(?P<name>[\w.]+)":.*(?:Given|Got) value: (?P<value>.*)',
     "Expected {flag} to be {kind}, but got '{value}'."),
    (r"(?:the following arguments are required|required but not included)\W*(?P<name>[\w., -]+)",
     "Expected {flag}, but it is missing: see {command} --help."),
    (r'Key "(?P<name>[\w.]+)" is required.*',
     "Expected {flag}, but it is missing: see {command} --help."),
    (r"(?i)unrecognized arguments: (?P<value>.*)",
     "Expected flags and their values, but got '{value}': a flag begins with two dashes."),
    (r"argument (?P<name>[-\w.]+): ignored explicit argument '?(?P<value>[^']*)'?",
     "Expected {flag} without a value, but got '{value}'."),
)  # fmt: skip
"""Patterns of messages of jsonargparse, each with the sentence that replaces it."""

OTHER_BASES = re.compile(r"[-+]?(?:0b[01_]+|[0-9_]+(?::[0-9_]+)+)")
"""What jsonargparse takes for an integer, as YAML 1.1 did: of base 2 or 60."""


@dataclass(frozen=True)
class ParsedFlag:
    """A flag of a command line: its name with underscores, its value, and how it was typed."""

    name: str
    value: str | None
    typed: str


class Parser(ArgumentParser):
    """A typed parser that takes `--batch-size` for `--batch_size` and raises `UserError`.

    With `settings`, the fields of `Config` are flags too: `--help` lists them, and `read_config`
    reads them.
    """

    def __init__(
        self,
        command: str,
        examples: Sequence[Example] = (),
        usage: str = "",
        settings: bool = False,
    ) -> None:
        super().__init__(
            prog=called(command),
            description=COMMANDS[command],
            exit_on_error=False,
            allow_abbrev=False,
        )
        self.examples = tuple(examples)
        self.arguments = usage
        self.settings = settings
        self._actions[0].help = (
            "Show examples and the settings that most people use, and exit. --help all shows "
            "everything, --help GROUP one group, and --help FLAG one flag."
            if settings
            else "Show this help and exit."
        )
        self.add_argument("--version", action="store_true", help="Print the version and exit.")

    def add_argument(self, *names: str, **options: Any) -> Action:
        """Add a flag or a positional argument; a list has no second flag that appends to it."""
        action: Action = super().add_argument(*names, **options)
        action.option_strings = [name for name in action.option_strings if name[-1] != "+"]
        return action

    def add_setting(self, name: str, more: str = "", default: str = "the run's own") -> None:
        """Add a flag that overrides a setting of a run: one of `Config`, described as there."""
        option = setting_option(name)
        kinds = (option.kind, *get_args(option.kind))
        kind = next((one for one in (bool, int) if one in kinds), str)
        text = f"{option.summary}{more}{DEFAULT}{default}."
        self.add_argument(f"--{name}", type=kind, metavar=option.metavar, help=text)

    def add_dataset(self) -> None:
        """Add a flag that says where the graphs of a run are."""
        self.add_argument("--dataset", type=str, metavar="NAME|FILE", help=MOVED_DATA)

    def about(self, command: str | None = None) -> CommandHelp:
        """Return all that the help tells, for the command as it is called here or elsewhere."""
        command = command or self.prog
        return CommandHelp(
            command=command,
            usage=f"{command} {self.arguments}[options]",
            about=self.description or "",
            examples=self.examples,
            options=options_of(self._actions, self.settings),
            grouped=self.settings,
        )

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Return the text of `--help`."""
        return help_text(self.about())

    def answer(self, argv: Sequence[str]) -> None:
        """Print the help or the version and exit, where a command line asks for it."""
        for word, *following in (argv[index:] for index in range(len(argv))):
            typed, equals, value = word.partition("=")
            if typed in HELP:
                topics = [value] if equals else following[:1]
                if following[1:] and following[0].startswith("-"):
                    topics = []  # --help stands before a whole command line
                print(help_text(self.about(), *topics), end="")
                raise SystemExit(0)
            if word == "--version":
                print(f"graph_hcl {__version__}")
                raise SystemExit(0)

    def split(self, argv: Sequence[str]) -> tuple[list[ParsedFlag], list[str]]:
        """Return the flags and the positional arguments of a command line.

        Prints help or the version and exits where it asks for that.

        Raises `UserError` for a flag that is unknown, has no value or is repeated.
        """
        self.answer(argv)
        first_by_name: dict[str, ParsedFlag] = {}
        flags: list[ParsedFlag] = []
        positionals: list[str] = []
        for parsed in self._iterate(list(argv), positionals):
            first = first_by_name.setdefault(parsed.name, parsed)
            if first is not parsed and parsed.name not in REPEATABLE:
                raise UserError(
                    f"Expected {parsed.typed} once, but got it twice: {first.value} and "
                    f"{parsed.value}."
                )
            flags.append(parsed)
        return flags, positionals

    def _iterate(self, arguments: list[str], positionals: list[str]) -> Iterator[ParsedFlag]:
        """Yield the flags among the arguments, and append the others to `positionals`."""
        actions = self._named_actions()
        while arguments:
            argument = arguments.pop(0)
            if not argument.startswith("--") or argument == "--":
                positionals.append(argument)
                continue
            typed, equals, value = argument.partition("=")
            name = typed[2:].replace("-", "_")
            if SHORT.get(name) in self._known(actions):
                name = SHORT[name]
            action = actions.get(name)
            is_setting = setting_of(name) is not None or name in setting_groups()
            if action is None and not (self.settings and is_setting):
                layer = Layer({}, typed={name: typed})
                moved = self.settings and name in MOVED
                raise layer.moved([name]) if moved else self._unknown(name, typed, actions)
            if equals and self._kind(name) == list[str]:
                yield ParsedFlag(name, _as_list([value]), typed)
            elif equals or (action is not None and action.nargs == 0):
                yield ParsedFlag(name, value if equals else None, typed)
            elif count := self._listed(name, _words(arguments)):
                words = [arguments.pop(0) for _ in range(count)]
                yield ParsedFlag(name, _as_list(words), typed)
            elif arguments and not arguments[0].startswith("--"):
                yield ParsedFlag(name, arguments.pop(0), typed)
            elif self._kind(name) is bool:
                yield ParsedFlag(name, "true", typed)
            else:
                is_own_list = action is not None and kind_of(action) == list[str]
                described = self._describe_kind(name).replace("a string", "a value")
                kind = "one or more names" if is_own_list else described
                raise UserError(f"Expected {typed} to be followed by {kind}, but got nothing.")

    def _unknown(self, name: str, typed: str, actions: Mapping[str, Action]) -> UserError:
        if self.settings:
            error = Layer({}, typed={name: typed}).unknown(name, actions)
            suggests = str(error).endswith("?")
            return error if suggests else UserError(f"{error} See {self.prog} --help all.")
        hint = did_you_mean(flag(name), [flag(known) for known in actions])
        return UserError(f"Unknown flag {typed}.{hint} See {self.prog} --help.")

    def _known(self, actions: Mapping[str, Action]) -> set[str]:
        return {*actions, *(setting_types() if self.settings else ())}

    def _named_actions(self) -> dict[str, Action]:
        """Return the command's own actions by name."""
        return {
            option[2:].replace("-", "_"): action
            for action in self._actions
            for option in action.option_strings
            if option.startswith("--")
        }

    def _kind(self, name: str) -> Any:
        if self.settings and name in setting_types():
            return setting_types()[name]
        return kind_of(self._named_actions().get(name))

    def _listed(self, name: str, words: int) -> int:
        """Return how many of the words after a flag are a list; 0 if it takes none or one."""
        kind = self._kind(name)
        # Beside other types, one word is no list, and elsewhere a word may be a positional one.
        is_list = self.settings and words > 1 and list[str] in get_args(kind)
        return words if kind == list[str] or is_list else 0

    def _describe_kind(self, name: str) -> str:
        """Return the values that a flag takes, in words, without null."""
        return describe_kind(self._kind(name)).removesuffix(" or null")

    def read(self, argv: Sequence[str]) -> Any:
        """Return the parsed namespace; raise `UserError` in one sentence."""
        return self.parse(*self.split(argv))

    def parse(self, flags: Sequence[ParsedFlag], positionals: Sequence[str]) -> Any:
        """Return the namespace of the command's own flags and positional arguments."""
        actions = self._named_actions()
        options = []
        for parsed in flags:
            if self._kind(parsed.name) is int and OTHER_BASES.fullmatch(parsed.value or ""):
                raise UserError(
                    f"Expected {parsed.typed} to be {self._describe_kind(parsed.name)}, but got "
                    f"'{parsed.value}'."
                )
            option = actions[parsed.name].option_strings[-1]
            options.append(option if parsed.value is None else f"{option}={parsed.value}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.parse_args([*options, *positionals])
        except Exception as error:
            typed = {parsed.name: parsed.typed for parsed in flags}
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
                    flag=" and ".join(typed.get(name, self._spell(name)) for name in names),
                    kind=self._describe_kind(names[0]) if names else "",
                    value=parts.get("value"),
                    command=self.prog,
                )
        return text if text.endswith((".", "?")) else text + "."

    def _spell(self, name: str) -> str:
        if name in self._named_actions():
            return flag(name)
        return next((str(a.metavar) for a in self._actions if a.dest == name and a.metavar), name)


def _words(arguments: Sequence[str]) -> int:
    """Return the number of arguments before the next flag.

    >>> _words(["MUTAG", "NCI1", "--table"])
    2
    """
    flags = [index for index, word in enumerate(arguments) if word.startswith("--")]
    return flags[0] if flags else len(arguments)


def _as_list(words: Sequence[str]) -> str:
    """Return the words after a flag that takes a list as text: the words, or one list in brackets.

    >>> _as_list(["MUTAG", "NCI1"]), _as_list(["[MUTAG, NCI1]"])
    ('["MUTAG", "NCI1"]', '[MUTAG, NCI1]')
    """
    is_list = len(words) == 1 and words[0].lstrip().startswith("[")
    return words[0] if is_list else json.dumps(list(words), ensure_ascii=False)
