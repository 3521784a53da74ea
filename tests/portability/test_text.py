"""Text is UTF-8 whatever the locale says, and printing it never fails."""

import ast
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from graph_hcl.console import run_command

ROOT = Path(__file__).parents[2]
SOURCES = [
    file for part in ("graph_hcl", "benchmarks", "tests") for file in ROOT.glob(f"{part}/**/*.py")
]
OTHERS = ("Run", "RunFolder", "GraphStore", "bundle", "os", "distribution")
"""What has an `open` of its own, of no text, or a `read_text` that takes no encoding."""

# As a user's shell without a locale has it, and every default encoding in our modules an error.
STRICT = """
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module=r"graph_hcl|__main__")
from graph_hcl.__main__ import main
for line in sys.argv[1:]:
    print("exit", main(line.split()))
"""


def unnamed(source: str) -> list[str]:
    """Return the calls in a source, and in the examples of its docstrings, without an encoding."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and not_named(node):
            found.append(ast.unparse(node))
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        text = ast.get_docstring(node) if documented else None
        for example in doctest.DocTestParser().get_examples(text or ""):
            found += unnamed(example.source)
    return found


def not_named(call: ast.Call) -> bool:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    of = getattr(getattr(function, "value", None), "id", "")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given or None in given:
        return False
    texts = [a.value for a in [*call.args, *given.values()] if isinstance(a, ast.Constant)]
    binary = any(isinstance(t, str) and re.fullmatch(r"[rwxa+]*b[rwxa+]*", t) for t in texts)
    if name in ("read_text", "write_text"):
        return isinstance(function, ast.Attribute) and of not in OTHERS  # not files.write_text
    if name in ("open", "fdopen"):
        return of not in OTHERS and not binary
    return name in ("run", "Popen", "check_output") and bool(
        {"text", "universal_newlines"} & {*given}
    )


def test_every_text_is_opened_with_an_encoding() -> None:
    found = {str(f.relative_to(ROOT)): unnamed(f.read_text(encoding="utf-8")) for f in SOURCES}
    assert len(found) > 200
    assert {file: calls for file, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "source",
    ['open("a")', 'p.open("x")', "p.read_text()", 'p.write_text("b")', "run(a, text=True)",
     'def f():\n    """>>> open("a")"""'],
)  # fmt: skip
def test_what_is_looked_for(source: str) -> None:
    assert len(unnamed(source)) == 1
    assert unnamed('open("a", "rb"); p.open("wb"); p.read_text(encoding="utf-8"); run(a)') == []


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs commands in an ASCII shell, and gives back stdout and stderr."""

    def call(*lines: str, codes: tuple[int, ...] = ()) -> tuple[str, str]:
        settings = os.environ | {
            "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "PYTHONWARNDEFAULTENCODING": "1", "GRAPH_HCL_DATA": "Däten", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        settings.pop("GRAPH_HCL_TU_MIRROR", None)
        command = [sys.executable, "-c", STRICT, *lines]
        found = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True)
        told = found.stderr.decode("utf-8", "replace")
        assert "Traceback" not in told, told
        assert found.stdout.decode("utf-8").count("exit 0") == len(lines) - len(codes), told
        for code in codes:
            assert f"exit {code}" in found.stdout.decode("utf-8")
        return found.stdout.decode("utf-8"), told

    return call


@pytest.mark.slow
def test_the_commands_in_a_shell_that_knows_ascii_alone(shell, tmp_path) -> None:
    quick = "--epochs 1 --hidden 8 --layers 2 --probe class-mean"
    spec = {"datasets": ["MUTAG"], "methods": {"β": {"settings": {"objective": "ucl"}}}}
    text = yaml.safe_dump(spec | {"common": {"epochs": 1, "hidden": 8}}, allow_unicode=True)
    (tmp_path / "größe.yaml").write_text(text, encoding="utf-8")
    out, told = shell(
        f"train --dataset MUTAG {quick} --out läufe/bär --data-dir Müll/Käfer",
        "train --resume läufe/bär --epochs 2",
        "evaluate läufe/bär --probe knn",
        "embed läufe/bär --out läufe/bilder.npz",
        "embed läufe/bär --out läufe/bild-β.parquet",
        "report läufe/bär --out läufe/größe.html",
        "train --dataset Unfug-Müll",
        "benchmark größe.yaml --dry-run",
        "benchmark größe.yaml",
        codes=(2,),
    )
    assert "\\xb1" in out  # the sign ± of a score
    assert "läufe/bär" in out
    assert "todo" in out
    assert "got 'Unfug-M\\udcc3\\udcbcll'" in told
    assert (tmp_path / "Müll" / "Käfer" / "MUTAG" / "raw").is_dir()
    for name in ("bilder.npz", "bild-β.parquet", "größe.html"):
        assert f"läufe/{name}" in out
        assert (tmp_path / "läufe" / name).is_file()
    assert "Report: bär" in (tmp_path / "läufe" / "größe.html").read_text(encoding="utf-8")
    assert "β" in (tmp_path / "runs/größe/tables.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_printing_never_fails_for_a_sign(encoding, monkeypatch) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    text = "78.2 ± 1.3 × β ≤ … " + os.fsdecode(b"l\xe4ufe")
    assert run_command(lambda argv: print(text, end=""), []) == 0
    stream.flush()
    assert stream.errors == "strict"
    assert written.getvalue().endswith(b"l\xe4ufe")
    shown = written.getvalue()[:-5].decode(encoding)
    if encoding == "utf-8":
        assert shown == text[:-5]
    elif encoding == "ascii":
        assert shown == r"78.2 \xb1 1.3 \xd7 \u03b2 \u2264 \u2026 "
