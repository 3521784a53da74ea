"""A training that goes on from a forged checkpoint ends in a value or in one sentence."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from graph_hcl.__main__ import main
from graph_hcl.errors import UserError
from graph_hcl.run import Run
from graph_hcl.sealed import seal
from graph_hcl.training.checkpoint import hashed

TINY = ["--dataset", "MUTAG", "--epochs", "1", "--hidden", "4", "--layers", "1", "--beta", "0.5"]
PART = "checkpoint/seed0.safetensors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    quick = ["--probe", "class-mean", "--probe.folds", "2", "--diagnose", "false"]
    assert main(["train", *TINY, *quick, "--out", str(folder)]) == 0
    return folder


def forged(content: bytes, change) -> bytes:
    size = int.from_bytes(content[:8], "little")
    state = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["state"])
    tensors = load(content)
    change(tensors, state)
    state["tensors"] = hashed(tensors)
    return save(tensors, {"state": json.dumps(seal({k: state[k] for k in state if k != "sha256"}))})


def renamed(tensors, old: str, new: str) -> None:
    tensors[new] = tensors.pop(old)


FORGED = {
    "moment of another shape": lambda t, s: t.update({"optimizer.0.exp_avg": torch.zeros(3)}),
    "parameter of none": lambda t, s: renamed(t, "optimizer.0.exp_avg", "optimizer.99.exp_avg"),
    "no number": lambda t, s: renamed(t, "optimizer.0.exp_avg", "optimizer.x.exp_avg"),
    "moment missing": lambda t, s: t.pop("optimizer.0.exp_avg"),
    "no random state": lambda t, s: t.pop("rng.global"),
    "short random state": lambda t, s: t.update({"rng.global": torch.zeros(3, dtype=torch.uint8)}),
    "random state of floats": lambda t, s: t.update({"rng.global": t["rng.global"].float()}),
    "inside an epoch": lambda t, s: s.update(step=1),
    "negative epoch": lambda t, s: s.update(epoch=-3),
    "epoch of text": lambda t, s: s.update(epoch="1"),
    "weights of another shape": lambda t, s: t.update(
        {next(n for n in t if n.startswith("model.")): torch.zeros(2, 2)}
    ),
    "model of another text": lambda t, s: s.update(model="[" * 100_000),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_checkpoint_is_refused_in_one_sentence(trained, name: str, capsys) -> None:
    file = trained / PART
    content = file.read_bytes()
    try:
        file.write_bytes(forged(content, FORGED[name]))
        assert main(["train", "--resume", str(trained), "--epochs", "2"]) == 2
        said = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error: ")]
        assert len(said) == 1
    finally:
        file.write_bytes(content)


def test_no_memory_is_asked_for_the_classes_of_a_forged_checkpoint(trained) -> None:
    def many_classes(tensors, state) -> None:
        state["model"] = json.dumps(json.loads(state["model"]) | {"classes": 2**31})

    file = trained / PART
    content = file.read_bytes()
    try:
        file.write_bytes(forged(content, many_classes))
        with pytest.raises(UserError, match="at most 100,000 classes, but got 2,147,483,648"):
            Run.open(trained).model("seed0")
    finally:
        file.write_bytes(content)
