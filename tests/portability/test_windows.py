"""The commands, and what stands under them, by the rules of Windows for files."""

import errno
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from graph_hcl.__main__ import main
from graph_hcl.data import GraphStore, load
from graph_hcl.data.fetch import raw_files
from graph_hcl.errors import UserError
from graph_hcl.files import write_text
from graph_hcl.lock import lock
from graph_hcl.losses import UCL, as_objective
from graph_hcl.training import RunFolder, TrainState
from graph_hcl.training.precision import MixedPrecision

QUICK = ["--epochs", "1", "--hidden", "8", "--layers", "2", "--probe", "class-mean"]

OBJECTIVE = """
from graph_hcl.losses import UCL, as_objective

class Mine(UCL):
    def __init__(self, temperature=0.2):
        super().__init__(temperature=temperature)
"""
TINY = {
    "A": "1, 2\n2, 1\n3, 4\n4, 3\n",
    "graph_indicator": "1\n1\n2\n2\n",
    "graph_labels": "0\n1\n",
    "node_labels": "0\n1\n1\n1\n",
}


def test_the_rules_are_laid(windows, tmp_path) -> None:
    file = tmp_path / "a.txt"
    save_file({"x": torch.ones(1000)}, file)
    with file.open("rb") as stream:
        with pytest.raises(PermissionError, match="is open"):
            file.unlink()
        with pytest.raises(PermissionError, match="is open"):
            shutil.rmtree(tmp_path)
        with pytest.raises(OSError, match="reading alone"):
            os.fsync(stream.fileno())
    with safe_open(file, framework="pt") as stored:
        kept = stored.get_tensor("x")
    with pytest.raises(PermissionError, match="is mapped"):
        file.replace(tmp_path / "b.txt")
    del kept, stored
    file.rename(tmp_path / "b.txt")
    with pytest.raises(PermissionError, match="is a folder"):
        os.open(tmp_path, os.O_RDONLY)
    for name in ("a:b", "NUL", "com1.txt", "end.", "what?"):
        with pytest.raises(OSError, match=r"holds|is a device|ends in") as caught:
            (tmp_path / name).write_bytes(b"")
        assert caught.value.errno == errno.EINVAL
    with pytest.raises(EncodingWarning):
        exec('open("a.txt")', {"__name__": "graph_hcl.made_up"})


@pytest.mark.slow
def test_a_run_from_training_to_report(windows, far_away, capsys) -> None:
    assert main(["train", "--dataset", "MUTAG", *QUICK, "--out", "läufe/1"]) == 0
    assert main(["train", "--resume", "läufe/1", "--epochs", "3"]) == 0
    assert main(["evaluate", "läufe/1", "--probe", "knn"]) == 0
    assert main(["embed", "läufe/1", "--out", "läufe/1/bilder.npz"]) == 0
    assert main(["embed", "läufe/1", "--out", "läufe/1/bilder.npz"]) == 0
    assert main(["embed", "läufe/1", "--out", "läufe/1/bilder.parquet"]) == 0
    assert main(["report", "läufe/1"]) == 0
    assert main(["report", "läufe/1"]) == 0
    records = json.loads(Path("läufe/1/results.json").read_bytes())["records"]
    assert {record["probe"] for record in records} >= {"class-mean", "knn"}
    assert "läufe" in capsys.readouterr().out
    assert windows.refused == []
    shutil.rmtree("läufe")
    shutil.rmtree("Däten")


def test_a_checkpoint_is_written_over_while_its_state_is_in_use(windows, far_away) -> None:
    model = torch.nn.Linear(2, 2)
    adam = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    adam.step()
    cpu, views = torch.device("cpu"), {"views": torch.Generator()}
    state = TrainState(
        model,
        as_objective(UCL()),
        None,
        adam,
        MixedPrecision("32-true", cpu),
        views,
        cpu,
        epochs=2,
        epoch=1,
    )
    file = RunFolder.create(str(far_away / "run"), "", {}).checkpoint("seed0", "model")
    file.save(state)
    state.optimizer = again = torch.optim.Adam(model.parameters())
    file.resume(state)
    file.save(state)
    file.path.unlink()
    assert again.state_dict()["state"][0]["exp_avg"].sum() != 0


def test_a_store_is_written_over_while_it_is_in_use(windows, far_away) -> None:
    store = load("MUTAG")
    store.save(far_away / "a.safetensors")
    opened, _ = GraphStore.open(far_away / "a.safetensors")
    (far_away / "a.safetensors").unlink()
    assert opened.digest() == store.digest()
    shutil.rmtree("Däten")


def test_a_damaged_cache_is_replaced(windows, far_away) -> None:
    before = load("MUTAG").digest()
    (cache,) = (far_away / "Däten" / "MUTAG").glob("*.safetensors")
    content = bytearray(cache.read_bytes())
    content[-1] ^= 1
    cache.write_bytes(content)
    with pytest.warns(UserWarning, match="rebuilt"):
        assert load("MUTAG").digest() == before
    cache.write_bytes(content[:100])
    with pytest.warns(UserWarning, match="rebuilt"):
        assert load("MUTAG").digest() == before
    assert windows.refused == []


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_a_zip_from_a_mirror(windows, far_away, kind) -> None:
    mirror = far_away / "spiegel"
    mirror.mkdir()
    with zipfile.ZipFile(mirror / "Käfer.zip", "w") as archive:
        for suffix, text in TINY.items():
            archive.writestr(f"Käfer/Käfer_{suffix}.txt", text)
    assert len(load("Käfer", mirror=str(mirror) if kind == "folder" else mirror.as_uri())) == 2
    assert len(load("Käfer")) == 2
    assert windows.refused == []


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "aux.txt", "end.", "a:b", "..", "a/b"])
def test_names_of_data_sets_that_no_folder_can_have(name, far_away) -> None:
    with pytest.raises(UserError, match="Expected the name of a data set"):
        raw_files(name)
    assert list(far_away.iterdir()) == []


def test_data_sets_that_differ_in_capitals_alone(far_away, capsys) -> None:
    for name in ("Foo", "foo"):
        with zipfile.ZipFile(far_away / f"{name}.zip", "w") as archive:
            for suffix, text in TINY.items():
                archive.writestr(f"{name}_{suffix}.txt", text)
    for name in ("foo", "Foo", "FOO"):
        assert main(["train", "--dataset", name, "--mirror", ".", *QUICK]) == 2
        assert "got Foo and foo in ." in capsys.readouterr().err
    assert not (far_away / "Däten").exists()


def test_an_objective_by_its_import_path_names_the_run(windows, far_away, monkeypatch) -> None:
    write_text(far_away / "their_losses.py", OBJECTIVE)
    monkeypatch.syspath_prepend(far_away)
    assert main(["train", "--dataset", "MUTAG", *QUICK, "--objective", "their_losses:Mine"]) == 0
    assert Path("runs/MUTAG-their_losses-Mine-0/results.json").is_file()
    assert windows.refused == []


def test_a_benchmark_with_any_name(windows, far_away) -> None:
    spec = {"name": "a: b?", "datasets": ["MUTAG"], "methods": {"ucl": {"settings": {}}}}
    spec["common"] = {"epochs": 1, "hidden": 8, "probe": {"name": "class-mean"}}
    spec["methods"]["ucl"]["settings"] = {"objective": "ucl"}
    write_text(far_away / "b.yaml", yaml.safe_dump(spec))
    assert main(["benchmark", "b.yaml"]) == 0
    assert main(["benchmark", "b.yaml", "--table"]) == 0
    assert len(list(Path("runs/a- b-/trials").glob("*.json"))) == 1
    assert windows.refused == []


def test_a_file_that_another_program_has_open_is_named(windows, far_away) -> None:
    table = far_away / "table.csv"
    table.write_bytes(b"1\n")
    with table.open("rb"), pytest.raises(UserError, match=r"replace .*table\.csv.*close the prog"):
        write_text(table, "2\n")
    assert os.listdir(far_away) == ["table.csv"]
    assert table.read_bytes() == b"1\n"
    write_text(table, "2\n")


def test_a_short_look_of_another_process_is_waited_out(windows, far_away, monkeypatch) -> None:
    file, refusals = far_away / "a.claim", []
    real = os.unlink

    def refuse_twice(path, **options):
        if len(refusals) < 2:
            refusals.append(path)
            raise PermissionError(errno.EACCES, "in use", str(path))
        real(path, **options)

    with lock(file) as mine:
        assert mine
        monkeypatch.setattr(os, "unlink", refuse_twice)
    assert len(refusals) == 2
    assert not file.exists()


def test_a_lock_of_windows_is_stale_by_its_age_alone(windows, far_away) -> None:
    with lock(far_away / "a.claim") as mine, lock(far_away / "a.claim") as other:
        assert mine
        assert not other
    write_text(far_away / "b.claim", f"{os.uname().nodename} 1 x")
    with lock(far_away / "b.claim") as mine:
        assert not mine
    os.utime(far_away / "b.claim", (0, 0))
    with lock(far_away / "b.claim") as mine:
        assert mine
