"""The text of `--help`: examples first, then the common settings, then all others by group."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph_hcl.errors import UserError
from graph_hcl.options import Option
from graph_hcl.schema import flag, meant
from graph_hcl.topics import COMMON, TOPICS, topic_of

WIDEST = 100
"""Columns of the widest text; a terminal may have fewer."""
ORDER = ("data", "encoder", "views", "loss", "optimisation", "evaluation", "output")
"""The order of the groups, that of the road from graphs to scores."""
RULES = (
    "Precedence, highest first: flags, --config, the preset in the data set's card, defaults.",
    'A list is one or more words, or text in brackets; "true" may be left out.',
    "Values that are names ignore case.",
)


@dataclass(frozen=True)
class Example:
    """A command line without the command's name, and what it does, in one sentence."""

    arguments: str
    does: str

    def line(self, command: str) -> str:
        """Return the command line.

        >>> Example("--epochs 3", "Trains shortly.").line("graph-hcl train")
        'graph-hcl train --epochs 3'
        """
        return f"{command} {self.arguments}".rstrip()


@dataclass(frozen=True)
class CommandHelp:
    """All that the help of a command tells."""

    command: str
    usage: str
    about: str
    examples: Sequence[Example]
    options: Sequence[Option]
    grouped: bool

    def groups(self) -> Mapping[str, list[Option]]:
        """Return the options of each group by its name, or all of them as `options`."""
        if not self.grouped:
            return {"options": list(self.options)}
        found: dict[str, list[Option]] = {name: [] for name in ORDER}
        for option in self.options:
            found[topic_of(option.name)].append(option)
        return found

    def about_topic(self, topic: str) -> list[Option]:
        """Return the options of a group, of a prefix such as probe, or of one flag.

        Raises `UserError` for any other word.
        """
        groups = self.groups()
        word = topic.removeprefix("--").replace("_", "-")
        if word in groups:
            return groups[word]
        inside = [o for o in self.options if o.name.startswith(f"{word}.")]
        named = [o for o in self.options if f"--{word}" in o.flags]
        if found := inside or named:
            return found
        known = [*groups, *(f[2:] for o in self.options for f in o.flags)] if self.grouped else []
        near = meant(word.replace("-", "_"), [name.replace("-", "_") for name in known])
        hint = f" Did you mean {' or '.join(flag(name)[2:] for name in near)}?" if near else ""
        expected = f", a group ({', '.join(groups)})" if self.grouped else ""
        raise UserError(
            f"Expected --help to be followed by all{expected} or a flag, but got '{topic}'.{hint}"
        )


def help_text(about: CommandHelp, topic: str | None = None) -> str:
    """Return the text of `--help`, `--help all`, `--help GROUP` or `--help FLAG`."""
    if topic is not None and topic != "all":
        blocks = [full(option) for option in about.about_topic(topic)]
        if topic in TOPICS:
            blocks.insert(0, [f"{topic}: {TOPICS[topic].summary}"])
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"
    head = [f"usage: {about.usage}", "", about.about, "", "examples:"]
    for example in about.examples:
        head += [f"  {example.does}", *_command(example.line(about.command))]
    body: list[str] = []
    if about.grouped and topic is None:
        body = [
            "",
            "common settings [default]:",
            *_short(about),
            "",
            "all settings, by group:",
            *_topics(about),
        ]
    else:
        for name, options in about.groups().items():
            title = f"{name}: {TOPICS[name].summary}" if about.grouped else f"{name}:"
            body += ["", title]
            body += [line for option in options for line in full(option)]
    rules = ["", *RULES] if about.grouped else []
    return "\n".join([*head, *body, *rules]) + "\n"


def full(option: Option) -> list[str]:
    """Return the lines about one option: how it is typed, what it does, its values and default.

    >>> from graph_hcl.options import setting_option
    >>> print("\\n".join(full(setting_option("lr"))))
      --lr NUMBER
          Learning rate of the optimiser. It is the highest one with a warm-up or a schedule.
          Values: a number > 0. Default: 0.001.
    """
    return [f"  {option.usage}", *_wrapped(" ".join([option.text, *notes(option)]), "      ")]


def notes(option: Option) -> list[str]:
    """Return the sentences on an option's values and its default."""
    values = [f"Values: {option.values}."] if option.values else []
    return [*values, *([f"Default: {option.default}."] if option.default else [])]


def _short(about: CommandHelp) -> list[str]:
    """Return one line for each common setting."""
    options = {option.name: option for option in about.options}
    common = [options[name] for name in COMMON if name in options]
    return _table([(f"{o.flags[0]} {o.metavar}", f"{o.summary}{_default(o)}") for o in common])


def _default(option: Option) -> str:
    """Return the default in brackets where it is short and says something."""
    return f" [{option.default}]" if re.fullmatch(r"(?!null)[\w.-]+", option.default) else ""


def _topics(about: CommandHelp) -> list[str]:
    """Return one line for each group, and how to see all about it."""
    rows = [(f"--help {name}", TOPICS[name].summary) for name in about.groups()]
    rows.append(("--help FLAG", "One flag, for example --help temperature."))
    rows.append(("--help all", "Everything."))
    return _table(rows)


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return rows of two aligned columns."""
    width = max(len(first) for first, _ in rows) + 2
    return [f"  {first:{width}}{second}" for first, second in rows]


def _wrapped(text: str, indent: str) -> list[str]:
    width = min(WIDEST, shutil.get_terminal_size().columns)
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _command(line: str) -> list[str]:
    r"""Return a command line, which goes on after a backslash where it is long.

    >>> print("\n".join(_command("graph-hcl train " + "--epochs 3 " * 9)))
          graph-hcl train --epochs 3 --epochs 3 --epochs 3 --epochs 3 --epochs 3 \
              --epochs 3 --epochs 3 --epochs 3 --epochs 3
    """
    rows = [""]
    for words in line.rstrip().replace(" --", "\0--").split("\0"):
        if rows[-1] and len(rows[-1]) + len(words) > 72:
            rows.append("        " + words)
        else:
            rows[-1] = f"{rows[-1]} {words}" if rows[-1] else words
    return [f"      {row}" + (" \\" if row is not rows[-1] else "") for row in rows]
