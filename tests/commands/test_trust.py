"""The folder of a run that came from elsewhere runs no code of others, and names no places."""

import dataclasses
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.errors import UserError
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.manifest import text_hash
from tests.tiny_run import QUICK, train_tiny

TRAP = """
from pathlib import Path
Path("sprung").touch()

class Trap:
    def __init__(self, *_, **__): raise SystemExit("sprung")
"""
COMMANDS = {
    "evaluate": ["evaluate", "received"],
    "embed": ["embed", "received", "--out", "z.npz"],
    "report": ["report", "received"],
    "resume": ["train", "--resume", "received"],
    "extend": ["train", "--resume", "received", "--epochs", "2"],
}
FIELDS = {
    "backbone": {"backbone": "trap:Trap"},
    "objective": {"objective": "trap:Trap"},
    "readout": {"readout": "trap:Trap"},
    "views": {"views": ["identity", "edge_drop(0.1) + trap:Trap()"]},
    "built-in": {"views": ["identity", "os:abort()"]},
    "dataset": {"dataset": "trap:Trap"},
    "logger": {"logger": "trap:Trap"},
    "hardening": {"loss": {"hardening": "trap:Trap"}},
    "psi": {"loss": {"psi": "trap:Trap"}},
    "loss options": {"loss": {"options": {"hardening": "trap:Trap"}}},
    "norm": {"encoder": {"norm": "trap:Trap"}},
    "encoder options": {"encoder": {"options": {"act": "trap:Trap"}}},
    "probe": {"probe": {"name": "trap:Trap"}},
    "metric": {"probe": {"metric": "trap:Trap"}},
    "probe options": {"probe": {"options": {"estimator": "trap:Trap"}}},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("whole") / "run", "--epochs", "1")


@pytest.fixture
def received(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that edits the settings of a run as one who means harm would do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "trap.py").write_text(TRAP, encoding="utf-8")
    shutil.copytree(whole, "received")

    def edit(changes: dict) -> Path:
        folder = RunFolder(Path("received"))
        settings = yaml.safe_load(folder.config_path.read_text(encoding="utf-8"))
        for name, value in changes.items():
            settings[name] = settings[name] | value if isinstance(value, dict) else value
        text = yaml.safe_dump(settings, sort_keys=False)
        folder.config_path.write_text(text, encoding="utf-8", newline="\n")
        manifest = dataclasses.replace(folder.manifest(), configs=(text_hash(text),), code={})
        manifest.write(folder.path / "manifest.json")
        return folder.path

    yield edit
    sys.modules.pop("trap", None)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("field", FIELDS)
def test_no_command_runs_code_of_a_folder(received, field: str, command: str, capsys) -> None:
    received(FIELDS[field])
    assert main(COMMANDS[command]) == 2
    said = capsys.readouterr().err
    assert "pass --trust-code" in said
    assert ("os:abort" if field == "built-in" else "trap:Trap") in said
    assert not Path("sprung").exists()


@pytest.mark.parametrize("field", FIELDS)
def test_nor_does_python(received, field: str) -> None:
    folder = received(FIELDS[field])
    with pytest.raises(UserError, match="trust_code=True"):
        GraphContrast.load(folder)
    assert not Path("sprung").exists()


@pytest.mark.parametrize("field", FIELDS)
def test_nor_does_a_training_that_starts_from_it(received, field: str) -> None:
    received(FIELDS[field])
    main(["train", *QUICK, "--epochs", "1", "--init-from", "received", "--out", "next"])
    assert not Path("sprung").exists()


def test_trusted_code_runs(received) -> None:
    received({"logger": "trap:Trap"})
    with pytest.raises(SystemExit):
        main(["train", "--resume", "received", "--epochs", "2", "--trust-code"])
    assert Path("sprung").exists()


def test_what_the_user_names_is_trusted(received) -> None:
    received({"probe": {"name": "trap:Trap"}})
    assert main(["evaluate", "received", "--probe", "knn"]) == 0
    assert not Path("sprung").exists()


def test_places_of_a_folder_do_not_count(received, tmp_path, monkeypatch, recwarn) -> None:
    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("urllib.request.urlopen", fetched)
    received({"mirror": "http://127.0.0.1:9/x", "data_dir": str(tmp_path / "planted")})
    for command in COMMANDS.values():
        assert main(command) == 0
        told = [str(one.message) for one in recwarn]
        place = "was trained with --mirror http://127.0.0.1:9/x --data-dir"
        assert sum(place in one for one in told) == 1
        recwarn.clear()
        assert not (tmp_path / "planted").exists()
    assert main([*COMMANDS["evaluate"], "--mirror", str(tmp_path), "--data-dir", "own"]) == 0
    assert not any("was trained with" in str(one.message) for one in recwarn)
    settings = yaml.safe_load(Path("received/config.yaml").read_text(encoding="utf-8"))
    assert settings["mirror"] == "http://127.0.0.1:9/x"  # a hint that --epochs 2 has kept
