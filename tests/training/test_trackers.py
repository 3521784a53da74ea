"""Epochs reach trackers, a history and callbacks of any kind."""

import sys
import types
from importlib.util import find_spec
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.trainer import Trainer
from graph_hcl.training import Callback, History, Log, Tracker, trackers
from graph_hcl.training.trackers import check_logger


def train(epochs: int, callbacks=()):
    """Train on a few rings; return the records of the epochs."""
    generator = torch.Generator().manual_seed(0)
    ring = torch.arange(4)
    edges = torch.stack([ring, ring.roll(1)])
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    store = GraphStore.from_data(
        Data(x=torch.randn(4, 3, generator=generator), edge_index=edges) for _ in range(8)
    )
    trainer = Trainer(
        Config(dataset="MUTAG", epochs=epochs, hidden=4, layers=1, device="cpu"), store
    )
    records: list[dict] = []
    trainer.fit(np.arange(8), 0, callbacks=[*callbacks, Log(lambda r: records.append(dict(r)))])
    return records


class Kept:
    """A logger with the interface of Lightning's."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def log_hyperparams(self, params) -> None:
        self.told.append(("settings", params))

    def log_metrics(self, metrics, step=None) -> None:
        self.told.append((step, metrics))

    def finalize(self, status) -> None:
        self.told.append(("end", status))


def test_a_tracker_passes_on_settings_numbers_and_the_end() -> None:
    logger = Kept()
    records = train(2, callbacks=[Tracker(logger, {"lr": 0.01})])
    assert logger.told[0] == ("settings", {"lr": 0.01})
    assert logger.told[-1] == ("end", "success")
    for record, (step, metrics) in zip(records, logger.told[1:-1], strict=True):
        assert {"epoch": step} | metrics == record


def test_a_training_that_fails_is_closed_as_failed() -> None:
    class Stop(Callback):
        def on_epoch_end(self, state):
            raise KeyboardInterrupt

    logger = Kept()
    with pytest.raises(KeyboardInterrupt):
        train(2, callbacks=[Tracker(logger), Stop()])
    assert logger.told[-1] == ("end", "failed")


def test_a_training_that_fails_in_its_last_epoch_is_closed_as_failed() -> None:
    class Stop(Callback):
        def on_epoch_end(self, state):
            if state.epoch == state.epochs:
                raise RuntimeError

    logger = Kept()
    with pytest.raises(RuntimeError):
        train(2, callbacks=[Tracker(logger), Stop()])
    assert logger.told[-1] == ("end", "failed")


def test_settings_are_left_out_where_a_logger_keeps_none() -> None:
    class Numbers(Kept):
        def log_hyperparams(self, params) -> None:
            raise NotImplementedError("as lightning.fabric.loggers.CSVLogger")

    logger = Numbers()
    train(2, callbacks=[Tracker(logger, {"lr": 0.01})])
    assert [step for step, _ in logger.told] == [1, 2, "end"]


def test_a_history_keeps_copies() -> None:
    history = History()
    records = train(3, callbacks=[history])
    assert history.rows == records
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]
    assert history.rows[0] is not records[0]


def test_any_object_with_the_three_methods_is_a_callback() -> None:
    seen = []
    duck = types.SimpleNamespace(
        on_train_start=lambda state: seen.append("start"),
        on_epoch_end=lambda state: seen.append(state.epoch),
        on_train_end=lambda state: seen.append("end"),
    )
    train(2, callbacks=[duck])
    assert seen == ["start", 1, 2, "end"]


@pytest.mark.parametrize("wrong", [print, History, types.SimpleNamespace(on_epoch_end=print)])
def test_what_is_no_callback_is_named(wrong) -> None:
    with pytest.raises(UserError, match="Expected callbacks with the methods"):
        train(1, callbacks=[wrong])


def test_a_logger_of_ones_own_by_import_path(tmp_path, monkeypatch) -> None:
    made = {}

    def make(folder, part):
        made[folder.name, part] = Kept()
        return made[folder.name, part]

    module = types.ModuleType("outside_logger")
    module.make = make
    monkeypatch.setitem(sys.modules, "outside_logger", module)
    out = str(tmp_path / "run")
    words = [
        "train",
        "--dataset",
        "MUTAG",
        "--epochs",
        "2",
        "--probe.folds",
        "2",
        "--repeats",
        "2",
        "--out",
        out,
    ]
    assert main([*words, "--logger", "outside_logger:make"]) == 0
    assert list(made) == [("run", "seed0"), ("run", "seed1")]
    told = made["run", "seed0"].told
    assert told[0][1]["epochs"] == 2
    assert [step for step, _ in told[1:-1]] == [1, 2]
    assert "loss" in told[1][1]
    seeds = [logger.told[0][1]["seed"] for logger in made.values()]
    assert seeds == [0, 1]
    made.clear()
    assert main(["train", "--resume", out, "--trust-code"]) == 0
    assert not made  # nothing was left to train
    assert main(["train", "--resume", out, "--epochs", "3", "--trust-code"]) == 0
    assert [step for step, _ in made["run", "seed1"].told[1:-1]] == [3]


def test_each_fit_of_an_estimator_is_a_run_of_its_own(tmp_path, monkeypatch) -> None:
    made = []

    def make(folder, part):
        made.append((folder, part))
        return Kept()

    monkeypatch.setitem(sys.modules, "outside_logger", types.SimpleNamespace(make=make))
    model = GraphContrast(epochs=1, hidden=4, layers=1, logger="outside_logger:make")
    for _ in range(2):
        model.fit([nx.path_graph(n) for n in range(2, 10)])
    (first, one), (second, other) = made
    assert first == second == Path("runs/GraphContrast")
    assert one != other


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_loggers_by_name_know_the_folder_and_the_part(name: str, monkeypatch) -> None:
    told = {}
    loggers = types.SimpleNamespace(
        **dict.fromkeys(
            ["TensorBoardLogger", "WandbLogger", "MLFlowLogger"],
            lambda *given, **named: told.update(named, given=given) or Kept(),
        )
    )
    monkeypatch.setattr(trackers, "_first", lambda *names: loggers)
    monkeypatch.setattr(trackers, "check_logger", lambda name: None)
    trackers.fit_logger(name)
    named = {"tensorboard": "version", "wandb": "name", "mlflow": "run_name"}[name]
    assert told[named].removeprefix("GraphContrast-").startswith("20")
    if name != "wandb":
        assert Path(told["given"][0]).name == "GraphContrast"


def test_a_logger_that_is_not_installed_is_told_before_anything_is_written(
    tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("graph_hcl.training.trackers.find_spec", lambda name: None)
    out = tmp_path / "run"
    assert main(["train", "--dataset", "MUTAG", "--logger", "TensorBoard", "--out", str(out)]) == 2
    assert "pip install 'graph_hcl[tensorboard]'" in capsys.readouterr().err
    assert not out.exists()
    for name in ("wandb", "mlflow"):
        with pytest.raises(UserError, match=f"for --logger {name}, but it is not: pip install"):
            check_logger(name)
    with pytest.raises(UserError, match="Did you mean tensorboard"):
        check_logger("tensorbord")


@pytest.mark.skipif(
    not (find_spec("lightning_fabric") and find_spec("tensorboard")),
    reason="needs the extra graph_hcl[tensorboard]",
)
def test_tensorboard_keeps_the_losses_of_the_json_log(tmp_path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from graph_hcl.training import RunFolder

    out = tmp_path / "run"
    words = [
        "train",
        "--dataset",
        "MUTAG",
        "--epochs",
        "3",
        "--probe.folds",
        "2",
        "--logger",
        "tensorboard",
    ]
    assert main([*words, "--out", str(out)]) == 0
    events = EventAccumulator(str(out / "tensorboard" / "seed0")).Reload()
    losses = {event.step: event.value for event in events.Scalars("loss")}
    expected = {row["epoch"]: row["loss"] for row in RunFolder.open(str(out)).metrics()}
    assert losses == pytest.approx(expected)
