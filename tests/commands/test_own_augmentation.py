"""An augmentation that is a plain function is named by its import path, in flags and in runs."""

import sys
from pathlib import Path

import pytest

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.data import load
from graph_hcl.errors import UserError

DROP = """
import torch
from graph_hcl.augment import Edit

def drop(batch, generator):
    kept = torch.rand(len(batch.batch), generator=generator) < 0.9
    return Edit(nodes=kept)
"""
SMALL = {"epochs": 2, "hidden": 8, "layers": 1}


@pytest.fixture(autouse=True)
def plain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("plain_drop.py").write_text(DROP, encoding="utf-8")
    yield
    sys.modules.pop("plain_drop", None)


def test_it_is_a_flag_and_its_run_is_extended(capsys) -> None:
    settings = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    views = ["--views", "plain_drop:drop", "identity"]
    assert main(["train", "--dataset", "MUTAG", *settings, *views, "--out", "run"]) == 0
    assert "plain_drop:drop" in Path("run/config.yaml").read_text(encoding="utf-8")
    assert main(["train", "--resume", "run", "--epochs", "3", "--trust-code"]) == 0


@pytest.mark.filterwarnings("ignore:Not read in this run")
def test_a_model_with_it_is_saved_and_opened() -> None:
    from plain_drop import drop

    graphs = load("MUTAG")[:40]
    model = GraphContrast("ucl", views=[drop, "identity"], random_state=0, **SMALL).fit(graphs)
    model.save("model")
    wanted = model.transform(graphs)
    for given in ({"trust_code": True}, {"views": [drop, "identity"]}):
        assert (GraphContrast.load("model", **given).transform(graphs) == wanted).all()
    with pytest.raises(UserError, match="would run the code of plain_drop:drop"):
        GraphContrast.load("model")
