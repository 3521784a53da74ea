"""Damage to any file of a run is noticed, in one sentence, and costs as little as it can."""

import dataclasses
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.__main__ import main
from graph_hcl.errors import UserError
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.training import RunFolder
from tests.tiny_run import train_tiny

PART = "checkpoint/seed0.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("whole") / "run", "--epochs", "3")


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def flip(file: Path, place: int, bit: int = 1) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= bit
    file.write_bytes(content)


def everything(folder: Path) -> list:
    """Return all that commands read of a run."""
    opened = Run.open(folder)
    weights = opened.checkpoint("seed0").tensors()
    return [
        opened.config,
        opened.spec("seed0"),
        opened.epoch("seed0"),
        {name: value.numpy().tobytes() for name, value in weights.items()},
        opened.folder.metrics(),
        read_results(opened.folder.results_path),
    ]


def outcome(folder: Path, before: list) -> str:
    """Return what is said of a folder, "" for nothing; fail where something else is read."""
    refusal, after = "", before
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            after = everything(folder)
        except UserError as error:
            refusal = str(error)
    assert "\n" not in refusal
    told = refusal or "; ".join(str(one.message) for one in said)
    assert told or after == before
    return told


@pytest.mark.parametrize(
    "name", ["config.yaml", "manifest.json", "metrics.jsonl", "results.json", PART]
)
def test_no_damage_is_silent_and_none_is_a_traceback(run: Path, name: str) -> None:
    before, file = everything(run), run / name
    content, generator = file.read_bytes(), np.random.default_rng(0)
    said = 0
    for place in generator.integers(len(content), size=60):
        flip(file, int(place), int(1 << generator.integers(8)))
        said += bool(outcome(run, before))
        file.write_bytes(content)
    for length in [0, 1, *generator.integers(len(content), size=10)]:
        file.write_bytes(content[: int(length)])
        said += bool(outcome(run, before))
    file.write_bytes(content[:-40] + bytes(40))
    said += bool(outcome(run, before))
    assert said > 60  # the others changed the layout of JSON, or cut metrics between two lines


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["config.yaml", "manifest.json", "metrics.jsonl", "results.json", PART]
)
def test_no_single_byte_is_silent(run: Path, name: str) -> None:
    before, file = everything(run), run / name
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 1500)):
        flip(file, place, 1 << place % 8)
        outcome(run, before)
        file.write_bytes(content)


def test_a_kept_checkpoint_takes_the_place_of_a_damaged_one(run: Path, whole: Path) -> None:
    expected = Run.open(whole).checkpoint("seed0").weights()
    flip(run / PART, -30)
    with pytest.warns(UserWarning, match="is damaged .* the checkpoint of epoch 1, which was kept"):
        assert Run.open(run).epoch("seed0") == 1
    with pytest.warns(UserWarning, match="is damaged"):
        assert main(["train", "--resume", str(run)]) == 0
    again = Run.open(run)
    assert again.epoch("seed0") == 3
    assert all(
        bool((expected[k] == v).all()) for k, v in again.checkpoint("seed0").weights().items()
    )
    assert [record["epoch"] for record in again.folder.metrics()] == [1, 2, 3]


def test_two_damaged_checkpoints_are_an_error(run: Path, capsys) -> None:
    flip(run / PART, -30)
    flip(run / f"{PART}.previous", -30)
    assert main(["embed", str(run), "--out", str(run.parent / "z.npz")]) == 2
    assert "delete it to train this part anew" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_not_kept_in_the_place_of_a_good_one(run: Path) -> None:
    kept = (run / f"{PART}.previous").read_bytes()
    flip(run / PART, -30)
    checkpoint = RunFolder(run).checkpoint("seed0", "model")
    checkpoint.write(2, {})
    assert checkpoint.previous.read_bytes() == kept
    assert checkpoint.epoch() == 2


def test_the_checkpoint_of_another_run_is_refused(run: Path, tmp_path: Path, capsys) -> None:
    train_tiny(tmp_path / "other", "--epochs", "3", "--lr", "0.01")
    shutil.copy(tmp_path / "other" / PART, run / PART)
    for command in (["train", "--resume"], ["evaluate"], ["report"]):
        assert main([*command, str(run)]) == 2
        assert "was trained with other settings" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["half", "epochs", "readout", "nothing left"])
def test_a_changed_config_is_refused_and_loses_nothing(run: Path, change: str, capsys) -> None:
    file = run / "config.yaml"
    text = file.read_text(encoding="utf-8")
    edited = {
        "half": text[: len(text) // 2],
        "epochs": "".join(line for line in text.splitlines(True) if "epochs" not in line),
        "readout": text.replace("readout: sum", "readout: mean"),
        "nothing left": "",
    }[change]
    assert edited != text
    file.write_text(edited, encoding="utf-8")
    results = (run / "results.json").read_bytes()
    for command in (["train", "--resume"], ["evaluate"], ["report"]):
        assert main([*command, str(run)]) == 2
        assert "has changed since" in capsys.readouterr().err
    assert (run / "results.json").read_bytes() == results
    file.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(run)]) == 0


def test_an_extension_that_was_cut_short_goes_on(run: Path, monkeypatch) -> None:
    folder = RunFolder.open(str(run))
    settings = Run.open(run).config.to_dict() | {"epochs": 9}
    monkeypatch.setattr(
        "graph_hcl.training.folder.write_text", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        folder.write_config(settings)
    monkeypatch.undo()
    assert Run.open(run).config.epochs == 3
    folder.write_config(settings)
    assert Run.open(run).config.epochs == 9
    assert len(folder.manifest().configs) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {"epoch": 1},
        {"part": ["seed0"]},
        {"part": "seed0", "epoch": [1]},
        {"part": "seed0", "epoch": True},
        {"part": "seed0", "epoch": 1, "seconds": "1"},
        {"part": "seed0", "epoch": 1, "seconds": 10**400},
        {"part": "seed0", "epoch": 1, "matched_temperature": 0.2},
        {"part": "seed0", "epoch": 1, "collapse": [1]},
    ],
)
def test_a_sealed_line_of_metrics_that_is_no_epoch_is_left_out(run: Path, forged: dict) -> None:
    RunFolder(run).log(forged)
    with pytest.warns(UserWarning, match="damaged in line 4"):
        assert len(RunFolder(run).metrics()) == 3


def test_a_damaged_line_of_metrics_is_named_and_left_out(run: Path) -> None:
    file = run / "metrics.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[1]) | {"loss": 0.0}
    file.write_text(
        "\n".join([lines[0], json.dumps(record), lines[2], lines[0][:30]]), encoding="utf-8"
    )
    with pytest.warns(UserWarning, match="is damaged in line 2, which is left out"):
        kept = RunFolder(run).metrics()
    assert [line["epoch"] for line in kept] == [1, 3]


def test_files_can_be_read_by_others(run: Path) -> None:
    modes = {file.name: file.stat().st_mode & 0o777 for file in run.rglob("*") if file.is_file()}
    assert set(modes.values()) == {modes["config.yaml"]}


def test_a_resumed_run_tells_what_differs_and_refuses_other_data(run: Path, capsys) -> None:
    folder = RunFolder(run)
    manifest = folder.manifest()
    about = manifest.environment | {"threads": 77}
    dataclasses.replace(manifest, environment=about).write(run / "manifest.json")
    with pytest.warns(UserWarning, match=r"was begun with another threads \(77, now 1\)"):
        assert main(["train", "--resume", str(run), "--epochs", "4"]) == 0
    shutil.rmtree(run / "checkpoint")
    dataclasses.replace(folder.manifest(), data="0" * 64).write(run / "manifest.json")
    assert main(["train", "--resume", str(run)]) == 2
    assert "Expected the data that" in capsys.readouterr().err
