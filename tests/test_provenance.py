"""Where a result comes from: the commit of the code, and nothing that names a person or a place."""

import getpass
import json
import platform
import subprocess
from pathlib import Path

import pytest

from graph_hcl import provenance
from graph_hcl.provenance import commit_of, environment, versions


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8")
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the package folder in a checkout of git."""
    package = tmp_path / "graph_hcl"
    for name in ("graph_hcl/__init__.py", "datasets/MUTAG.yaml", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return package


def test_the_commit_is_that_of_the_checkout(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == head
    (checkout / "new.py").write_text("", encoding="utf-8")
    (checkout.parent / "README.md").write_text("other words", encoding="utf-8")
    assert commit_of(checkout) == head  # no result follows from these


@pytest.mark.parametrize("name", ["graph_hcl/__init__.py", "datasets/MUTAG.yaml"])
@pytest.mark.parametrize("staged", [False, True])
def test_changed_files_make_it_dirty(checkout: Path, name: str, staged: bool) -> None:
    (checkout.parent / name).write_text("changed: 1", encoding="utf-8")
    if staged:
        git(checkout.parent, "add", name)
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD") + "-dirty"


def test_another_projects_checkout_is_not_ours(checkout: Path) -> None:
    installed = checkout.parent / "venv" / "graph_hcl"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("", encoding="utf-8")
    assert commit_of(installed) is None


def test_variables_of_a_hook_do_not_count(checkout: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout / "nowhere"))
    assert commit_of(checkout) is not None


def test_without_git(checkout: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit_of(checkout) is None


@pytest.mark.parametrize(
    ("text", "commit"),
    [
        ('{"url": "https://a/b", "vcs_info": {"vcs": "git", "commit_id": "abc"}}', "abc"),
        ('{"url": "file:///a", "dir_info": {"editable": true}}', None),
        (None, None),
        ("[]", None),
        ("{", None),
    ],
)
def test_the_commit_that_pip_wrote_down(tmp_path: Path, monkeypatch, text, commit) -> None:
    class Installed:
        def locate_file(self, name):
            return tmp_path / name

        def read_text(self, name):
            assert name == "direct_url.json"
            return text

    monkeypatch.setattr(provenance.importlib.metadata, "distribution", lambda name: Installed())
    assert provenance._installed_commit(tmp_path / "graph_hcl") == commit
    assert provenance._installed_commit(tmp_path / "elsewhere" / "graph_hcl") is None


def test_what_is_recorded_names_no_person_and_no_place() -> None:
    import torch

    found = environment()
    assert found["threads"] == torch.get_num_threads()
    assert found["versions"] == versions()
    assert found["processor"]
    text = json.dumps(found)
    for private in (platform.node(), str(Path.home()), str(Path.cwd()), f'"{getpass.getuser()}"'):
        assert private not in text
