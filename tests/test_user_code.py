"""The hashes of the user's code: everything that an import path leads to, and nothing else."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from graph_hcl.errors import UserError
from graph_hcl.registry import Registry
from graph_hcl.user_code import changed_code, user_code

FILES = {
    "ours/__init__.py": "",
    "ours/net.py": "import json\nimport torch\nfrom . import parts\nfrom .deep.more import *\n",
    "ours/parts.py": "def f():\n    from helper import g\n    return g\n",
    "ours/deep/__init__.py": "",
    "ours/deep/more.py": "from ...ours import sibling\nfrom .. import other\n",
    "ours/other.py": "import importlib\nimportlib.import_module('late')\n",
    "ours/unused.py": "",
    "helper.py": "import graph_hcl.losses\ng = 1\n",
    "late.py": "x = 1\n",
    "unused.py": "",
}
REACHED = {
    "ours", "ours.net", "ours.parts", "ours.deep", "ours.deep.more", "ours.other", "helper", "late"
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [*REACHED, "code", "alone"]:
        sys.modules.pop(name, None)


def test_named_modules_their_packages_and_what_they_import_and_nothing_is_imported() -> None:
    assert set(user_code("ours.net:Net")) == REACHED
    assert not REACHED & set(sys.modules)


def test_the_same_once_they_are_imported() -> None:
    before = user_code("ours.parts:f")
    importlib.import_module("ours.parts")
    assert user_code("ours.parts:f") == before


@pytest.mark.parametrize("name", sorted(REACHED))
def test_an_edit_of_any_of_them_shows_and_of_another_file_does_not(folder: Path, name) -> None:
    before = user_code("ours.net:Net")
    (folder / "unused.py").write_text("y = 2\n", encoding="utf-8")
    (folder / "ours" / "unused.py").write_text("y = 2\n", encoding="utf-8")
    assert user_code("ours.net:Net") == before
    path = folder / name.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    file.write_text(file.read_text(encoding="utf-8") + "y = 2\n", encoding="utf-8")
    assert changed_code(before, user_code("ours.net:Net")) == [name]


def test_line_endings_do_not_count(folder: Path) -> None:
    before = user_code("ours.net:Net")
    file = folder / "ours" / "net.py"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert user_code("ours.net:Net") == before


def test_cycles_end(folder: Path) -> None:
    (folder / "helper.py").write_text("import late\n", encoding="utf-8")
    (folder / "late.py").write_text("import helper\n", encoding="utf-8")
    assert set(user_code("helper:g")) == {"helper", "late"}


@pytest.mark.parametrize(
    "value",
    [
        "helper:g",
        ["identity", "helper:Blur(0.2) | edge_drop(0.1)"],
        {"psi": "edge_drop(0.1) + (identity | helper:Blur)"},
        {"options": {"nested": [{"net": "helper:g"}]}},
    ],
)
def test_paths_are_found_anywhere_in_a_value(value) -> None:
    assert set(user_code(value)) == {"helper"}


@pytest.mark.parametrize(
    "value",
    [
        "gin", "cuda:1", "https://helper:80/x", "graph_hcl.losses:UCL", "json:loads", "none:g",
        None, 3, "a/helper:g", "helper: 3", "time:sleep", "builtins:dict",
    ],
)  # fmt: skip
def test_what_is_no_path_to_the_users_code(value) -> None:
    assert user_code(value) == {}


def test_an_installed_package_is_named_by_its_version() -> None:
    import torch_geometric

    found = user_code("torch_geometric.nn.models:GIN")
    assert found == {"torch_geometric": f"torch-geometric {torch_geometric.__version__}"}


def test_a_file_may_have_the_name_of_a_standard_module(folder: Path) -> None:
    sys.modules.pop("code", None)  # of the standard library
    (folder / "code.py").write_text("x = 1\n", encoding="utf-8")
    assert set(user_code("code:x")) == {"code"}


def test_a_script_that_names_its_own_class(folder: Path) -> None:
    script = "from graph_hcl.user_code import user_code\nprint(list(user_code('__main__:Net')))\n"
    (folder / "run.py").write_text(script, encoding="utf-8")
    command = [sys.executable, str(folder / "run.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == "['__main__']"


def test_code_that_is_in_no_file_is_told(folder: Path) -> None:
    script = "from graph_hcl.user_code import user_code\nprint(user_code('__main__:Net'))\n"
    command = [sys.executable, "-"]
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "{}"
    assert "The code of __main__ is in no file" in done.stderr


def test_code_that_changed_after_its_import_is_refused_until_it_is_reloaded(folder: Path) -> None:
    from graph_hcl.user_code import check_imported

    registry: Registry = Registry("part")
    (folder / "alone.py").write_text("import helper\ndef f(): return 1\n", encoding="utf-8")
    registry.get("alone:f")
    check_imported(user_code("alone:f"))
    (folder / "alone.py").write_text("import helper\ndef f(): return 22\n", encoding="utf-8")
    registry.get("alone:f")  # the old one, which Python keeps
    with pytest.raises(UserError, match=r"code of alone as it was imported.*in a new process"):
        check_imported(user_code("alone:f"))
    importlib.reload(sys.modules["alone"])
    assert registry.get("alone:f")() == 22
    check_imported(user_code("alone:f"))
