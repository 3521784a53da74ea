"""Each snippet of README.md and of the pages in docs/ does what the page says.

A page is Markdown with fenced blocks:

- ```python blocks run from top to bottom in one namespace, in a folder with copies of COPIED. What
  a reader need not see is in `<!-- python … -->`.
- ```sh blocks: each command of graph_hcl goes through its own parser; on the pages in RUN it is
  run. Other programs are left alone, except `cd`.
- A ```text block right after either is its output, compared with numbers masked; a line `…` stands
  for any lines. Lines that begin with `warning: ` or `error: ` are the warnings and the error of a
  command, those with `UserWarning: ` the warnings of Python code, and a last line such as
  `UserError: Expected …` is the exception that the code must raise.
- `<!-- not run: reason -->` before a block: its syntax alone is checked.
"""

import contextlib
import importlib
import importlib.util
import io
import linecache
import os
import re
import shlex
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from graph_hcl import cli, parser
from graph_hcl.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    *sorted(
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "docs").rglob("*.md")
        if "_build" not in file.parts
    ),
]
GUIDES = ["molecules", "networkx", "own-parts", "reproduce", "own-loop"]
RUN = ["docs/tour.md", "docs/data/own.md", *(f"docs/guides/{name}.md" for name in GUIDES)]
"""Pages whose shell commands are run."""
STRICT = [*RUN, "docs/page.md"]
"""Pages that show every warning of their code, the last one for the tests of this file."""
SLOW = ["docs/tour.md", "docs/guides/reproduce.md", "docs/gallery.md"]
"""Pages that take more than ten seconds."""
COPIED = ("configs", "examples", "benchmarks/results/transductive.jsonl")
"""What the commands of a page may name of a clone."""

PART = re.compile(
    r"^<!-- (?P<hidden>python|not run:)(?P<text>.*?)-->"
    r"|^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<kind>[^\n`]*)\n(?P<body>.*?)^ *(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(r"(?:(?<![\w.])[-+−])?\d*\.?\d+(?:e[-+]?\d+)?(?:[  ]\d{3}\b)*", re.IGNORECASE)
EXCEPTION = re.compile(r"(NotFinite|[A-Z]\w*(?:Error|Exception)): ")
FIRST = ("warning: ", "error: ", "UserWarning: ")
VARIABLE = re.compile(r"\$\{?\w+\}?")


@dataclass
class Block:
    """A fenced block: its language and text, the line it starts on, and the output it promises."""

    kind: str
    body: str
    line: int
    is_run: bool = True
    output: str | None = None


@dataclass
class Done:
    """What running a block brought."""

    stdout: str = ""
    messages: list[str] = field(default_factory=list)
    exception: BaseException | None = None


def read_blocks(text: str) -> list[Block]:
    """Return the blocks of a page in order, each with the output that follows it."""
    blocks: list[Block] = []
    end, is_run = 0, True
    for match in PART.finditer(text):
        follows = not text[end : match.start()].strip()
        end, line = match.end(), text.count("\n", 0, match.start()) + 1
        if match["hidden"] == "python":
            blocks.append(Block("python", match["text"].lstrip(" "), line))
        elif match["hidden"]:
            is_run = False
        elif match["kind"] == "text" and follows and blocks and blocks[-1].output is None:
            blocks[-1].output = match["body"]
        else:
            body = re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
            blocks.append(Block(match["kind"].strip(), body, line + 1, is_run))
            is_run = True
    return blocks


def masked(text: str) -> str:
    """Return text without its numbers, hashes, white space and the widths of its tables.

    >>> masked("| ----- |\\n93.49 ± 1.5 %, -0.1 … +1e-3, p = .135, 1 797 graphs")
    '| - | # ± # %, # … #, p = #, # graphs'
    """
    text = NUMBER.sub("#", re.sub(r"\b[0-9a-f]{12,}\b", "0", text))
    text = re.sub(r"-{2,}", "-", text)
    return re.sub(r"p < #", "p = #", " ".join(text.split()))


def check_output(block: Block, done: Done, every_warning: bool = True) -> None:
    """Assert that a block printed, warned and raised what the page says.

    Without `every_warning`, there may be warnings that it does not show.
    """
    here = f"{Path.cwd()}{os.sep}"
    done.stdout = done.stdout.replace(here, "")
    done.messages = [message.replace(here, "") for message in done.messages]
    lines = (block.output or "").splitlines()
    if lines and (raised := EXCEPTION.match(lines[-1])):
        assert done.exception is not None, f"expected {raised[1]}, but nothing was raised"
        said = f"{type(done.exception).__name__}: {done.exception}"
        assert masked(said.splitlines()[0]) == masked(lines.pop())
    elif done.exception is not None:
        raise done.exception
    spoken = [line for line in lines if line.startswith(FIRST)]
    heard = [masked(line) for line in done.messages]
    if not every_warning:
        heard = [line for line in heard if line in map(masked, spoken)]
    assert [masked(line) for line in spoken] == heard
    if block.output is None:
        return
    printed = "\n".join(line for line in lines if line not in spoken)
    pieces = re.split(r"^ *(?:…|\.\.\.)$", printed, flags=re.MULTILINE)
    expected = ".*".join(re.escape(masked(piece)) for piece in pieces)
    assert re.fullmatch(expected, masked(done.stdout)), (
        f"expected\n{printed}\nbut got\n{done.stdout}"
    )


def run_python(block: Block, namespace: dict[str, Any], page: str) -> Done:
    """Execute a block; its source is known to tracebacks and to `inspect`."""
    name = f"<{page}, line {block.line}>"
    linecache.cache[name] = (len(block.body), None, block.body.splitlines(keepends=True), name)
    code = compile(block.body, name, "exec")
    if not block.is_run:
        return Done()
    done, stdout = Done(), io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            exec(code, namespace)
        except Exception as error:
            done.exception = error
    done.stdout = stdout.getvalue()
    done.messages = unique(f"UserWarning: {w.message}" for w in caught)
    return done


def unique(lines: Iterator[str]) -> list[str]:
    """Return lines without repetitions."""
    return list(dict.fromkeys(lines))


def commands(body: str) -> Iterator[list[str]]:
    """Yield the words of each command in a shell block.

    >>> list(commands("A=1 python -m x \\\\\\n  --y 'a b'  # why\\ncd z && ls > f | head\\n"))
    [['python', '-m', 'x', '--y', 'a b'], ['cd', 'z'], ['ls'], ['head']]
    """
    for line in body.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.wordchars += "$@%^[]{},:+≤≥…"
        words: list[str] = []
        tokens = [*lexer, ";"]
        redirected = {n + 1 for n, word in enumerate(tokens) if word[:1] in ("<", ">")}
        for number, word in enumerate(tokens):
            if number in redirected or number + 1 in redirected:
                continue
            if word and set(word) <= set(";&|"):
                while words and re.match(r"(\w+=|(do|then|exec|time|srun|sudo)$)", words[0]):
                    words.pop(0)
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def own_arguments(words: Sequence[str]) -> list[str] | None:
    """Return the arguments of `graph-hcl` for a command of ours, or None for another's.

    >>> own_arguments(["python", "-m", "graph_hcl.train", "--epochs", "2"])
    ['train', '--epochs', '2']
    """
    if words[0] == "graph-hcl":
        return list(words[1:])
    if words[0] not in ("python", "python3") or words[1:2] != ["-m"]:
        return None
    package, _, command = words[2].partition(".")
    return [*([command] if command else []), *words[3:]] if package == "graph_hcl" else None


class Parsed(Exception):
    """Raised where a command has read its flags and would begin to work."""


def check_command(words: Sequence[str]) -> None:
    """Assert that a command exists, and that its own parser reads its arguments."""
    arguments = own_arguments(words)
    if arguments is None:
        if words[0].startswith("python") and words[1:2] == ["-m"]:
            assert importlib.util.find_spec(words[2]) is not None, f"no module {words[2]}"
        elif words[0].startswith("python") and words[1].startswith(COPIED):
            assert (ROOT / words[1]).is_file(), f"no file {words[1]}"
        return
    arguments = [VARIABLE.sub("1", word) for word in arguments]
    if "--config" in arguments[:-1]:  # the file of a run that the reader would have
        place = arguments.index("--config")
        if arguments[place + 1].startswith("runs/"):
            del arguments[place : place + 2]
    if not arguments or arguments[0].startswith("--"):
        assert main(arguments) == 0
        return
    assert arguments[0] in COMMANDS, f"no command {arguments[0]}"
    module = importlib.import_module(f"graph_hcl.{arguments[0]}")

    def stopping(read: Any) -> Any:
        def reads(*given: Any) -> None:
            read(*given)
            raise Parsed

        return reads

    with contextlib.ExitStack() as stack:
        if hasattr(module, "read_config"):
            patch = mock.patch.object(module, "read_config", stopping(cli.read_config))
        else:
            patch = mock.patch.object(parser.Parser, "read", stopping(parser.Parser.read))
        stack.enter_context(patch)
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        with contextlib.suppress(Parsed, SystemExit):
            module.main(arguments[1:])
            pytest.fail(f"{' '.join(words)} did not read its flags")


def check_syntax(body: str) -> None:
    """Assert that bash would read a block, where there is one."""
    if bash := shutil.which("bash"):
        done = subprocess.run(
            [bash, "-n"], input=body, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr


def run_shell(block: Block) -> Done:
    """Run the commands of a block one after the other."""
    done, stdout, stderr = Done(), io.StringIO(), io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        for words in commands(block.body):
            if words[0] == "cd":
                os.chdir(words[1])
            elif arguments := own_arguments(words):
                with contextlib.suppress(SystemExit):
                    main(arguments)
    errors = [line for line in stderr.getvalue().splitlines() if line.startswith("error: ")]
    done.stdout = stdout.getvalue()
    done.messages = [*unique(f"warning: {w.message}" for w in caught), *errors]
    return done


def run_page(page: str, text: str) -> None:
    """Run the blocks of a page in the current folder."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in read_blocks(text):
        where = f"{page}, line {block.line}"
        try:
            if block.kind == "python":
                check_output(block, run_python(block, namespace, page), page in STRICT)
            elif block.kind in ("sh", ""):
                check_syntax(block.body)
                if page in RUN and block.is_run:
                    check_output(block, run_shell(block))
                else:
                    for words in commands(block.body):
                        check_command(words)
        except Exception as error:
            raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error


def marked(page: str) -> Any:
    """Return a page with its marks."""
    marks = [pytest.mark.slow] if page in SLOW else []
    return pytest.param(page, marks=marks)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder with what a clone has, and without data from anywhere else."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("GRAPH_HCL_TU_MIRROR", "GRAPH_HCL_OGB_MIRROR", "GRAPH_HCL_SPLITS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / ".data"))
    return tmp_path


@pytest.mark.parametrize("page", [marked(page) for page in PAGES])
def test_the_snippets_of_a_page_run(page: str, folder: Path) -> None:
    run_page(page, (ROOT / page).read_text(encoding="utf-8"))


PROMISES = {
    "another output": "```python\nprint('a')\n```\n```text\nb\n```\n",
    "an output that is missing": "```python\nprint('a')\n```\n```text\na\nb\n```\n",
    "an error that does not come": "```python\nx = 1\n```\n```text\nValueError: no\n```\n",
    "an error that is not told": "```python\n1 / 0\n```\n",
    "a warning that is not told": "```python\nimport warnings\nwarnings.warn('x')\n```\n",
    "an undefined name": "```python\nprint(graphs)\n```\n",
    "a block that is not Python": "<!-- not run: too long -->\n```python\nx =\n```\n",
    "an unknown flag": "```sh\npython -m graph_hcl.train --epoch 2\n```\n",
    "an unknown flag in line two": "```sh\ngraph-hcl embed RUN \\\n  --outt x.npz  # why\n```\n",
    "an unknown command": "```sh\npython -m graph_hcl.trian\n```\n",
    "an unknown module": "```sh\npython -m benchmarks.pages.nothing\n```\n",
    "a file that is not there": "```sh\npython examples/nothing.py\n```\n",
    "brackets that a shell reads": "```sh\npython -m graph_hcl.train --views edge_drop(0.1)\n```\n",
    "a value out of range": "```sh\npython -m graph_hcl.train --dataset MUTAG --epochs few\n```\n",
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_page_with_a_mistake_fails(promise: str, folder: Path) -> None:
    with pytest.raises(AssertionError):
        run_page("docs/page.md", PROMISES[promise])


def test_a_page_without_mistakes_passes(folder: Path) -> None:
    run_page(
        "docs/page.md",
        "<!-- python\nn = 2\n-->\n\n```python\nprint('first')\nprint(f'{n / 7:.3f} and more')\n```"
        "\n\n```text\n…\n.3 and  more\n```\n\n```python\nimport warnings\n\nwarnings.warn('few')\n"
        "raise ValueError('Expected 3, but got 4.')\n```\n\n```text\nUserWarning: few\n"
        "ValueError: Expected 5, but got 6.\n```\n```sh\nexport A=1; python -m graph_hcl.train \\\n"
        "  --views 'edge_drop(0.1)' identity --seed $A | tee log  # writes a log\n```\n",
    )
