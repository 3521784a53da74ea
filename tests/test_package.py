"""What `import graph_hcl` gives: light, lazily, and never under the name of a command."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import graph_hcl
from graph_hcl.__main__ import COMMANDS

OWNED = {*COMMANDS, "finetune"}


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_is_light() -> None:
    heavy = "{'torch', 'numpy', 'sklearn', 'torch_geometric', 'matplotlib', 'yaml'}"
    run(f"import sys, graph_hcl; dir(graph_hcl); assert not {heavy} & set(sys.modules)")


def test_every_export_is_there_and_the_same_object() -> None:
    for name in graph_hcl.__all__:
        assert getattr(graph_hcl, name) is getattr(graph_hcl, name)
        assert name in dir(graph_hcl)
    assert graph_hcl.HUCL is importlib.import_module("graph_hcl.losses").HUCL
    assert set(graph_hcl._HOMES) == set(graph_hcl.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'HUCLL'"):
        _ = graph_hcl.HUCLL


def test_a_module_is_found_after_an_export() -> None:
    run("import graph_hcl; graph_hcl.UCL; import graph_hcl.losses; graph_hcl.losses.UCL")


def test_no_export_has_the_name_of_a_command_or_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(graph_hcl.__path__)}
    assert not set(graph_hcl.__all__) & (modules | OWNED)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_importing_a_command_replaces_nothing(command: str) -> None:
    code = (
        "import graph_hcl\n"
        f"assert not hasattr(graph_hcl, {command!r})\n"
        f"import graph_hcl.{command}\n"
        f"assert graph_hcl.{command}.main\n"
    )
    run(code)
